//! Tiles whose lanes are images, for sums whose terms differ from one group of channels to the next.
//!
//! The images are laid out place by place, at each place the same element of all of them
//! ([`crate::kernels::conv::masked`]). A row of places is then a run of lanes, in which a tap sees another
//! such run, a fixed offset away.
//!
//! - [`Sums`]: `out[n][lane] = Σ_k weights[k][n] · image[lane + step[k]]`;
//! - [`Moments`]: `out[k][n] (+)= Σ_lane wide[n][lane] · image[lane + step[k]]`, one sum for each lane of a
//!   vector, which [`Batch::total`] adds up in the end.

#![allow(unsafe_code, reason = "vector instructions, and loads through offsets that are checked once a call")]

use super::tile::Vector;
use crate::kernels::simd::Level;
use crate::real::Real;
use std::ops::Range;

/// Channels in a tile at most.
pub(in crate::kernels::conv) const ROWS: usize = 6;

/// Offsets into an image.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels::conv) struct Steps<'a> {
    list: &'a [u32],
    /// No offset is as large.
    end: usize,
}

impl<'a> Steps<'a> {
    /// These offsets.
    pub(in crate::kernels::conv) fn new(list: &'a [u32]) -> Self {
        Self { list, end: list.iter().max().map_or(0, |&most| most as usize + 1) }
    }

    /// Some of them.
    pub(in crate::kernels::conv) fn part(&self, range: Range<usize>) -> Self {
        Self { list: &self.list[range], end: self.end }
    }
}

/// A row of places of a few channels.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'a, T> {
    /// How many channels, at most [`ROWS`].
    pub(in crate::kernels::conv) channels: usize,
    /// Lanes of the row, whole vectors.
    pub(in crate::kernels::conv) lanes: usize,
    /// From the beginning of the row on.
    pub(in crate::kernels::conv) image: &'a [T],
    /// The terms, and for each its weight for each channel.
    pub(in crate::kernels::conv) steps: Steps<'a>,
    pub(in crate::kernels::conv) weights: &'a [T],
}

/// Products of a few channels with an image, over several rows of places.
#[derive(Clone, Copy, Debug)]
pub struct Moments<'a, T> {
    /// How many channels, at most [`ROWS`].
    pub(in crate::kernels::conv) channels: usize,
    /// How many rows, and lanes of each, whole vectors.
    pub(in crate::kernels::conv) rows: usize,
    pub(in crate::kernels::conv) lanes: usize,
    /// A channel after another, each a run of rows that follow each other: from the first one's first row
    /// on, and where each channel's first row is from there.
    pub(in crate::kernels::conv) wide: &'a [T],
    pub(in crate::kernels::conv) starts: [u32; ROWS],
    /// From the beginning of the first row on, rows `pitch` apart.
    pub(in crate::kernels::conv) image: &'a [T],
    pub(in crate::kernels::conv) pitch: usize,
    pub(in crate::kernels::conv) steps: Steps<'a>,
}

/// A tile of `N` channels and `V` vectors of lanes. `weights` has `N` elements for each of `steps`.
///
/// # Safety
/// The machine has the instructions of `S`. For every step, `image` is valid for `V` vectors, and
/// `weights` for `N` elements; `out` is valid for `V` vectors in each of `N` rows.
#[inline(always)]
unsafe fn sum<T: Real, S: Vector<T>, const N: usize, const V: usize>(
    image: *const T,
    weights: *const T,
    steps: &[u32],
    out: *mut T,
    pitch: usize,
) {
    // SAFETY: the contract above says of every pointer read or written here that it is valid.
    unsafe {
        let mut sums = [[S::zero(); V]; N];
        for (k, &step) in steps.iter().enumerate() {
            let image = image.wrapping_add(step as usize);
            let vectors: [S; V] = std::array::from_fn(|v| S::load(image.wrapping_add(v * S::LEN)));
            for (n, sums) in sums.iter_mut().enumerate() {
                let weight = S::splat(weights.wrapping_add(k * N + n));
                for (sum, vector) in sums.iter_mut().zip(vectors) {
                    *sum = vector.mul_add(weight, *sum);
                }
            }
        }
        for (n, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                sum.store(out.wrapping_add(n * pitch + v * S::LEN));
            }
        }
    }
}

/// Calls a function for tiles of `$N` channels and `$count` of something, which is a constant up to `$most`.
macro_rules! at_most {
    ($most:ident, $count:expr, $function:ident, $N:ident: $arguments:tt) => {
        at_most!(@match $most, $count, $function, $N, $arguments, 8 7 6 5 4 3 2)
    };
    (@match $most:ident, $count:expr, $function:ident, $N:ident, $arguments:tt, $($M:literal)+) => {
        match $count {
            $($M if $most >= $M => $function::<T, S, $N, $M> $arguments,)+
            _ => $function::<T, S, $N, 1> $arguments,
        }
    };
}

/// A row of `N` channels, in tiles of evenly many vectors, at most `MOST`.
///
/// # Safety
/// As for [`sum`], for all vectors of the row.
#[inline(always)]
unsafe fn row<T: Real, S: Vector<T>, const N: usize, const MOST: usize>(at: &Sums<'_, T>, out: *mut T, pitch: usize) {
    let vectors = at.lanes / S::LEN;
    let tiles = vectors.div_ceil(MOST);
    for tile in 0..tiles {
        let (first, end) = (vectors * tile / tiles, vectors * (tile + 1) / tiles);
        let (image, weights) = (at.image.as_ptr().wrapping_add(first * S::LEN), at.weights.as_ptr());
        let (steps, out) = (at.steps.list, out.wrapping_add(first * S::LEN));
        // SAFETY: these vectors are some of the row's, for which the caller vouches.
        unsafe { at_most!(MOST, end - first, sum, N: (image, weights, steps, out, pitch)) }
    }
}

/// A tile of moments of `N` channels and `M` terms.
///
/// # Safety
/// The machine has the instructions of `S`, and what `at` says was checked for all of its channels and
/// for the terms from `first` on. `out` is valid for `M·N` vectors.
#[inline(always)]
unsafe fn moment<T: Real, S: Vector<T>, const N: usize, const M: usize>(
    at: &Moments<'_, T>,
    first: usize,
    keep: bool,
    out: *mut T,
) {
    let wide: [*const T; N] = std::array::from_fn(|n| at.wide.as_ptr().wrapping_add(at.starts[n] as usize));
    let seen: [*const T; M] =
        std::array::from_fn(|m| at.image.as_ptr().wrapping_add(at.steps.list[first + m] as usize));
    // SAFETY: the contract above says of every pointer read or written here that it is valid.
    unsafe {
        let mut sums = [[S::zero(); N]; M];
        for row in 0..at.rows {
            let (row_wide, row_seen) = (row * at.lanes, row * at.pitch);
            let mut lane = 0;
            while lane < at.lanes {
                let wide = wide.map(|wide| S::load(wide.wrapping_add(row_wide + lane)));
                for (sums, seen) in sums.iter_mut().zip(seen) {
                    let seen = S::load(seen.wrapping_add(row_seen + lane));
                    for (sum, wide) in sums.iter_mut().zip(wide) {
                        *sum = seen.mul_add(wide, *sum);
                    }
                }
                lane += S::LEN;
            }
        }
        for (i, sum) in sums.into_iter().flatten().enumerate() {
            let out = out.wrapping_add(i * S::LEN);
            let sum = if keep { sum.add(S::load(out)) } else { sum };
            sum.store(out);
        }
    }
}

/// All moments of `N` channels, evenly many terms at a time, at most `MOST`.
///
/// # Safety
/// As for [`moment`], for all terms.
#[inline(always)]
unsafe fn terms<T: Real, S: Vector<T>, const N: usize, const MOST: usize>(
    at: &Moments<'_, T>,
    keep: bool,
    out: *mut T,
) {
    let count = at.steps.list.len();
    let tiles = count.div_ceil(MOST);
    for tile in 0..tiles {
        let (first, end) = (count * tile / tiles, count * (tile + 1) / tiles);
        let out = out.wrapping_add(first * N * S::LEN);
        // SAFETY: these terms are some of those for which the caller vouches.
        unsafe { at_most!(MOST, end - first, moment, N: (at, first, keep, out)) }
    }
}

/// The checks without which [`sum`] would be unsafe.
fn check_sums<T>(level: Level, at: &Sums<'_, T>, out: &[T], pitch: usize) {
    assert!(level.is_available(), "this machine has no {level:?}");
    assert!((1..=ROWS).contains(&at.channels) && at.lanes.is_multiple_of(level.vector::<T>()));
    assert!(at.weights.len() >= at.steps.list.len() * at.channels);
    assert!(
        at.steps.list.is_empty() || at.image.len() + 1 >= at.steps.end + at.lanes,
        "an offset leads out of the image"
    );
    assert!(pitch >= at.lanes && out.len() >= (at.channels - 1) * pitch + at.lanes);
}

/// The checks without which [`moment`] would be unsafe.
fn check_moments<T>(level: Level, at: &Moments<'_, T>, out: &[T]) {
    assert!(level.is_available(), "this machine has no {level:?}");
    let vector = level.vector::<T>();
    assert!((1..=ROWS).contains(&at.channels) && at.lanes.is_multiple_of(vector) && at.rows > 0);
    let furthest = at.starts[..at.channels].iter().max().map_or(0, |&start| start as usize);
    assert!(at.wide.len() >= furthest + at.rows * at.lanes);
    let last = (at.rows - 1) * at.pitch + at.lanes;
    assert!(at.steps.list.is_empty() || at.image.len() + 1 >= at.steps.end + last, "an offset leads out of the image");
    assert!(out.len() >= at.steps.list.len() * at.channels * vector);
}

/// An element type that has the sums and moments. They panic if an offset leads out of the image, or if a slice is too
/// short.
pub trait Batch: Sized {
    /// Computes a row of sums.
    #[doc(hidden)]
    fn sums(level: Level, at: Sums<'_, Self>, out: &mut [Self], pitch: usize);

    /// Computes moments; where `keep`, adds them to what `out` holds.
    #[doc(hidden)]
    fn moments(level: Level, at: Moments<'_, Self>, keep: bool, out: &mut [Self]);

    /// Adds to each element of `out` the sum of a whole vector of `vectors`.
    #[doc(hidden)]
    fn total(level: Level, vectors: &[Self], out: &mut [Self]);
}

/// The three for `$T`, in vectors `$wide`, `$half` or `$portable` by level, where for each number of channels
/// a tile has the given number of vectors, or terms, at most: what fits in registers.
macro_rules! batch {
    ($T:ty, $wide:ty, $half:ty, $portable:ty) => {
        batch!(@levels $T,
            #[cfg(target_arch = "x86_64")] Level::Avx512 => $wide, [1: 8, 2: 8, 3: 7, 4: 6, 5: 5, 6: 4], "avx512f";
            #[cfg(target_arch = "x86_64")] Level::Avx2Fma => $half, [1: 4, 2: 4, 3: 3, 4: 2, 5: 2, 6: 2], "avx2,fma";
            Level::Portable => $portable, [1: 4, 2: 4, 3: 3, 4: 2, 5: 2, 6: 2];
        );
    };
    (@levels $T:ty, $($(#[$cfg:meta])? $level:path => $S:ty, [$($N:literal: $most:literal),+] $(, $feature:literal)?;)+) => {
        impl Batch for $T {
            fn sums(level: Level, at: Sums<'_, $T>, out: &mut [$T], pitch: usize) {
                check_sums(level, &at, out, pitch);
                match level {
                    $($(#[$cfg])? $level => {
                        /// # Safety
                        /// The machine has the instructions, and everything was checked by `check_sums`.
                        $(#[target_feature(enable = $feature)])?
                        unsafe fn run(at: &Sums<'_, $T>, out: *mut $T, pitch: usize) {
                            // SAFETY: what was checked is the contract of `row`.
                            unsafe {
                                match at.channels {
                                    $($N => row::<$T, $S, $N, $most>(at, out, pitch),)+
                                    _ => unreachable!("no tile has as many channels"),
                                }
                            }
                        }
                        // SAFETY: the machine has the instructions of `level`, and every element that a
                        // tile reads or writes lies in its slice, as was just checked.
                        unsafe { run(&at, out.as_mut_ptr(), pitch) }
                    })+
                }
            }

            fn moments(level: Level, at: Moments<'_, $T>, keep: bool, out: &mut [$T]) {
                check_moments(level, &at, out);
                match level {
                    $($(#[$cfg])? $level => {
                        /// # Safety
                        /// The machine has the instructions, and everything was checked by `check_moments`.
                        $(#[target_feature(enable = $feature)])?
                        unsafe fn run(at: &Moments<'_, $T>, keep: bool, out: *mut $T) {
                            // SAFETY: what was checked is the contract of `terms`.
                            unsafe {
                                match at.channels {
                                    $($N => terms::<$T, $S, $N, $most>(at, keep, out),)+
                                    _ => unreachable!("no tile has as many channels"),
                                }
                            }
                        }
                        // SAFETY: the machine has the instructions of `level`, and every element that a
                        // tile reads or writes lies in its slice, as was just checked.
                        unsafe { run(&at, keep, out.as_mut_ptr()) }
                    })+
                }
            }

            fn total(level: Level, vectors: &[$T], out: &mut [$T]) {
                /// In halves: the compiler makes vectors of them.
                fn total<const L: usize>(vectors: &[$T], out: &mut [$T]) {
                    let (vectors, _) = vectors.as_chunks::<L>();
                    assert_eq!(vectors.len(), out.len(), "a vector for each sum");
                    for (out, vector) in out.iter_mut().zip(vectors) {
                        let mut vector = *vector;
                        let mut half = L / 2;
                        while half > 0 {
                            for i in 0..half {
                                vector[i] += vector[i + half];
                            }
                            half /= 2;
                        }
                        *out += vector[0];
                    }
                }
                match level {
                    $($(#[$cfg])? $level => total::<{ <$S as Vector<$T>>::LEN }>(vectors, out),)+
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
batch!(f32, __m512, __m256, [f32; 4]);
batch!(f64, __m512d, __m256d, [f64; 2]);
