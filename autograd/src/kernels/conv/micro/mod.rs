//! The inner loop of every convolution: a product of matrices, one of which is read through a table
//! of offsets and never laid out.
//!
//! `out[n][lane] (+)= Σ_k a[k][lane] · b[start[n] + step[k]]`
//!
//! A convolution is this product. Say lanes are output channels, `n` counts places of the output, and `k` pairs of an
//! input channel and a kernel tap: the element that place `n` sees through tap `k` lies in the image at an offset of
//! the place plus an offset of the tap, whatever the stride and dilation. The matrix of image patches (im2col), nine
//! times the size of the image for a 3×3 kernel, need not exist.
//!
//! A tile of a few vectors of lanes × a few `n` is summed in registers. Each step loads the vectors,
//! broadcasts one element for each `n`, and does a fused multiply-add for each pair, so loads stay
//! well below the two a cycle that multiply-adds leave room for.
//!
//! With few channels most lanes would be idle. Then the roles change ([`Product::Places`]): lanes are
//! neighboring places of the image, loaded straight from it, and `n` counts channels.

mod batch;
mod tile;
mod transform;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::kernels::simd::Level;
pub(crate) use batch::Batch;
pub(super) use batch::{Moments, ROWS, Steps, Sums};
pub(crate) use tile::Multiply;
pub(crate) use transform::Transform;
pub(super) use transform::{PLANES, TILE, Turn};

impl Level {
    /// The most vectors in a tile.
    pub(super) fn tile_vectors(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 4,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Fma => 2,
            Self::Portable => 2,
        }
    }
}

/// A product, and which of its factors is the image.
#[derive(Clone, Copy, Debug)]
pub enum Product<'a, T> {
    /// Lanes are channels: `out[n][lane] (+)= Σ_k matrix[k][lane] · image[starts[n] + steps[k]]`.
    /// A row of `matrix` is `lanes` long, a multiple of the vector.
    Channels {
        /// Channels.
        lanes: usize,
        /// Elements from one row of `out` to the next.
        pitch: usize,
        /// The other factor, a row for each step.
        matrix: &'a [T],
        /// Where the places are.
        starts: &'a [u32],
    },
    /// Lanes are places: `out[n][lane] = Σ_k matrix[n][k] · image[lane + steps[k]]`.
    /// A row of `out` is `lanes` long, a multiple of the vector.
    Places {
        /// Places.
        lanes: usize,
        /// The other factor, a column for each step.
        matrix: &'a [T],
        /// Rows of `matrix`.
        rows: usize,
    },
}
