//! What inverses that search for their results took.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what maps without a closed inverse took to find theirs: given to them in
/// [`Context::effort`](crate::Context::effort), and read afterward.
///
/// ```
/// use autograd::{Tensor, Var};
/// use flows::{Bijection, Context, SolverStats, layers::Mint, nn::{ConvMask, Init}};
/// use rand::SeedableRng;
///
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let layer = Mint::<f64>::new(ConvMask::A, [1, 4, 4], 3, Init::He { gain: 1.0 }, &mut rng);
/// let effort = SolverStats::default();
/// let z = Var::from(Tensor::full([2, 1, 4, 4], 0.5));
/// layer.to_data(&z, Context { effort: Some(&effort), ..Context::default() });
/// assert_eq!(effort.searches(), 1);
/// assert!(effort.most() > 1);
/// ```
#[derive(Debug, Default)]
pub struct SolverStats {
    searches: AtomicUsize,
    most: AtomicUsize,
}

impl SolverStats {
    /// Notes a batch that was searched for, of which no number took more evaluations or iterations than `most`.
    pub fn note(&self, most: usize) {
        self.searches.fetch_add(1, Ordering::Relaxed);
        self.most.fetch_max(most, Ordering::Relaxed);
    }

    /// Batches that maps searched for, one for each map that does so.
    #[must_use]
    pub fn searches(&self) -> usize {
        self.searches.load(Ordering::Relaxed)
    }

    /// The most evaluations that any root took, or iterations that any sample did.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}
