//! The inner loop of every convolution: a product of matrices of which one is read through a table
//! of offsets and never laid out.
//!
//! `out[n][lane] (+)= Σ_k a[k][lane] · b[start[n] + step[k]]`
//!
//! A convolution is this product. Say lanes are output channels, `n` counts places of the output,
//! and `k` pairs of an input channel and a kernel tap: the element that place `n` sees through tap
//! `k` lies in the image at an offset of the place plus an offset of the tap, whatever the stride
//! and dilation. The matrix of image patches (im2col), nine times the size of the image for a 3×3
//! kernel, need not exist.
//!
//! A tile of a few vectors of lanes × a few `n` is summed in registers. Each step loads the vectors,
//! broadcasts one element for each `n`, and does a fused multiply-add for each pair, so loads stay
//! well below the two a cycle that multiply-adds leave room for.
//!
//! With few channels most lanes would idle. Then the roles change ([`Product::Places`]): lanes are
//! neighboring places of the image, loaded straight from it, and `n` counts channels.

mod batch;
mod tile;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(super) use batch::{Moments, ROWS, Steps, Sums};
use bytemuck::Pod;
use std::ops::{Add, Mul};

/// Which instructions to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the compiler makes of plain loops.
    Portable,
}

impl Level {
    /// The best this machine has.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// Whether this machine has the instructions.
    fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        match self {
            Self::Avx512 => return is_x86_feature_detected!("avx512f"),
            Self::Avx2 => return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Portable => {}
        }
        true
    }

    /// All that this machine has.
    #[cfg(test)]
    pub(super) fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let all = [Self::Portable, Self::Avx2, Self::Avx512];
        #[cfg(not(target_arch = "x86_64"))]
        let all = [Self::Portable];
        all.into_iter().filter(|level| level.is_available()).collect()
    }

    /// Elements in a vector.
    pub(super) fn vector<T>(self) -> usize {
        let bytes = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 64,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 32,
            Self::Portable => 16,
        };
        bytes / size_of::<T>()
    }

    /// The most vectors in a tile.
    pub(super) fn vectors(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 4,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 2,
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

/// An element type that can be convolved.
pub trait Convolve:
    super::super::gemm::Gemm + Pod + Default + Send + Sync + Add<Output = Self> + Mul<Output = Self>
{
    /// 1.
    #[doc(hidden)]
    fn one() -> Self;

    /// Computes a product; where `keep`, adds it to what `out` holds.
    ///
    /// # Panics
    /// If an offset leads out of `image`, or another slice is too short.
    #[doc(hidden)]
    fn multiply(level: Level, product: Product<'_, Self>, image: &[Self], steps: &[u32], keep: bool, out: &mut [Self]);

    /// Computes a row of sums, see [`batch`].
    ///
    /// # Panics
    /// If an offset leads out of the image, or a slice is too short.
    #[doc(hidden)]
    fn sums(level: Level, sums: Sums<'_, Self>, out: &mut [Self], pitch: usize);

    /// Computes moments, see [`batch`]; where `keep`, adds them to what `out` holds.
    ///
    /// # Panics
    /// If an offset leads out of the image, or a slice is too short.
    #[doc(hidden)]
    fn moments(level: Level, moments: Moments<'_, Self>, keep: bool, out: &mut [Self]);

    /// Adds to each element of `out` the sum of a whole vector of `vectors`.
    ///
    /// # Panics
    /// If there are not as many vectors.
    #[doc(hidden)]
    fn total(level: Level, vectors: &[Self], out: &mut [Self]);
}

impl Convolve for f32 {
    fn one() -> Self {
        1.0
    }

    fn multiply(level: Level, product: Product<'_, Self>, image: &[Self], steps: &[u32], keep: bool, out: &mut [Self]) {
        tile::multiply_f32(level, &product, image, steps, keep, out);
    }

    fn sums(level: Level, sums: Sums<'_, Self>, out: &mut [Self], pitch: usize) {
        batch::sums_f32(level, &sums, out, pitch);
    }

    fn moments(level: Level, moments: Moments<'_, Self>, keep: bool, out: &mut [Self]) {
        batch::moments_f32(level, &moments, keep, out);
    }

    fn total(level: Level, vectors: &[Self], out: &mut [Self]) {
        batch::total_f32(level, vectors, out);
    }
}

impl Convolve for f64 {
    fn one() -> Self {
        1.0
    }

    fn multiply(level: Level, product: Product<'_, Self>, image: &[Self], steps: &[u32], keep: bool, out: &mut [Self]) {
        tile::multiply_f64(level, &product, image, steps, keep, out);
    }

    fn sums(level: Level, sums: Sums<'_, Self>, out: &mut [Self], pitch: usize) {
        batch::sums_f64(level, &sums, out, pitch);
    }

    fn moments(level: Level, moments: Moments<'_, Self>, keep: bool, out: &mut [Self]) {
        batch::moments_f64(level, &moments, keep, out);
    }

    fn total(level: Level, vectors: &[Self], out: &mut [Self]) {
        batch::total_f64(level, vectors, out);
    }
}
