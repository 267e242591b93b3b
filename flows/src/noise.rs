//! Reproducible noise, with a separate stream for every row.

use autograd::{Real, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Noise for the rows of a batch. Row `i` draws from stream `first_row + i` of the seed, so a row's
/// noise is the same whichever shard of the batch it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// The seed, usually from a run's seed and the step.
    pub seed: u64,
    /// The stream of the first row.
    pub first_row: u64,
}

impl Noise {
    /// Noise of this seed, starting at row 0.
    pub const fn new(seed: u64) -> Self {
        Self { seed, first_row: 0 }
    }

    /// Noise for one step of a run, independent of that of other steps and seeds.
    pub const fn for_step(seed: u64, step: u64) -> Self {
        // SplitMix64's finalizer (Steele, Lea & Flood 2014) spreads neighboring steps apart.
        let mut z = seed ^ step.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self::new(z ^ (z >> 31))
    }

    /// The same noise for rows from `first` on.
    pub const fn from_row(self, first: usize) -> Self {
        Self { seed: self.seed, first_row: self.first_row + first as u64 }
    }

    /// Independent noise for the same rows, a different one for each `which`.
    pub const fn other(self, which: u64) -> Self {
        Self { first_row: self.first_row, ..Self::for_step(self.seed, which) }
    }

    /// Samples from N(0, 1), `[count, width]`.
    pub fn normals<T: Real>(self, count: usize, width: usize) -> Tensor<T> {
        let mut drawn = Tensor::zeros([count, width]);
        let rows = drawn.as_mut_slice();
        self.streams(count, |i, rng| {
            rows[i * width..(i + 1) * width]
                .iter_mut()
                .for_each(|e| *e = T::from_f64(rng.sample::<f64, _>(StandardNormal)));
        });
        drawn
    }

    /// Calls `draw(i, u)` for each row i, with a source u of uniform samples in [0, 1).
    pub fn rows(self, count: usize, mut draw: impl FnMut(usize, &mut dyn FnMut() -> f64)) {
        self.streams(count, |i, rng| draw(i, &mut || rng.random::<u32>() as f64 / (1u64 << 32) as f64));
    }

    /// Calls `draw(i, rng)` for each row i, with the start of its stream.
    fn streams(self, count: usize, mut draw: impl FnMut(usize, &mut ChaCha8Rng)) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        for i in 0..count {
            rng.set_stream(self.first_row + i as u64);
            rng.set_word_pos(0);
            draw(i, &mut rng);
        }
    }
}
