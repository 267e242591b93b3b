//! Tiles of a product in registers, for any kind of vector.

#![allow(unsafe_code, reason = "vector instructions, and loads through offsets that are checked once a product")]

use super::Product;
use crate::kernels::simd::Level;
use crate::real::Real;

/// A register of several `T`.
///
/// # Safety
/// Who calls one of the functions makes sure that the machine has the instructions of the type.
/// The pointers are valid for `LEN` elements, that of `splat` for one.
pub(super) trait Vector<T>: Copy {
    const LEN: usize;
    unsafe fn zero() -> Self;
    unsafe fn load(from: *const T) -> Self;
    unsafe fn store(self, to: *mut T);
    unsafe fn splat(from: *const T) -> Self;
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    /// `x` where it is positive, else 0.
    unsafe fn positive(self) -> Self;
}

impl<T: Real, const L: usize> Vector<T> for [T; L] {
    const LEN: usize = L;

    #[inline(always)]
    unsafe fn zero() -> Self {
        [T::ZERO; L]
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller guarantees `L` elements.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller guarantees `L` elements.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    unsafe fn splat(from: *const T) -> Self {
        // SAFETY: the caller guarantees one element.
        [unsafe { *from }; L]
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        // Not the method `mul_add`: without the instruction that is a call into libm an element.
        std::array::from_fn(|i| self[i] * by[i] + plus[i])
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] + other[i])
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] - other[i])
    }

    #[inline(always)]
    unsafe fn positive(self) -> Self {
        self.map(|x| if x > T::ZERO { x } else { T::ZERO })
    }
}

/// Where a tile reads and writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<T> {
    /// The factor that is loaded in vectors.
    wide: *const T,
    /// The factor that is broadcast.
    narrow: *const T,
    out: *mut T,
    /// Elements from one row of `out` to the next.
    pitch: usize,
    /// Whether to add to what `out` holds.
    keep: bool,
}

/// One tile of `V` vectors and `N` rows of `out`. The offsets in `steps` are those of `narrow`, and
/// the vectors follow each other in `wide`; or, where `PLACES`, the other way round.
///
/// # Safety
/// The machine has the instructions of `S`. `out` is valid for `V` vectors in each of `N` rows; for
/// every step, `wide` is valid for `V` vectors and `narrow` for one element past each of `starts`.
#[inline(always)]
unsafe fn tile<T: Real, S: Vector<T>, const V: usize, const N: usize, const PLACES: bool>(
    at: Place<T>,
    steps: &[u32],
    starts: [usize; N],
) {
    let out = |n: usize, v: usize| at.out.wrapping_add(n * at.pitch + v * S::LEN);
    let rows = starts.map(|start| at.narrow.wrapping_add(start));
    // SAFETY: the contract above says of every pointer read or written here that it is valid.
    unsafe {
        let mut sums = [[S::zero(); V]; N];
        for (k, &step) in steps.iter().enumerate() {
            let (wide, narrow) = if PLACES { (step as usize, k) } else { (k * V * S::LEN, step as usize) };
            let vectors: [S; V] = std::array::from_fn(|v| S::load(at.wide.wrapping_add(wide + v * S::LEN)));
            for (sums, row) in sums.iter_mut().zip(rows) {
                let element = S::splat(row.wrapping_add(narrow));
                for (sum, vector) in sums.iter_mut().zip(vectors) {
                    *sum = vector.mul_add(element, *sum);
                }
            }
        }
        for (n, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                // Added once, at the end: many short sums lose less to rounding than a long one.
                let sum = if at.keep { sum.add(S::load(out(n, v))) } else { sum };
                sum.store(out(n, v));
            }
        }
    }
}

/// Tiles with lanes for channels: `N` places at a time, then two, then one.
///
/// # Safety
/// As for [`tile`], for each of `starts`.
#[inline(always)]
pub(super) unsafe fn channels<T: Real, S: Vector<T>, const V: usize, const N: usize>(
    mut at: Place<T>,
    steps: &[u32],
    starts: &[u32],
) {
    /// Tiles of `$N` places; gives the places that are left.
    macro_rules! tiles {
        ($N:expr, $starts:expr) => {{
            let (whole, rest) = $starts.as_chunks::<{ $N }>();
            for starts in whole {
                // SAFETY: the contract of `tile`, for these starts and rows of `out`, is that of this function.
                unsafe { tile::<T, S, V, { $N }, false>(at, steps, starts.map(|start| start as usize)) };
                at.out = at.out.wrapping_add($N * at.pitch);
            }
            rest
        }};
    }
    let rest = tiles!(N, starts);
    let rest = tiles!(2, rest);
    tiles!(1, rest);
}

/// Tiles with lanes for places: `V` vectors at a time, then one, each for all `rows` channels.
///
/// # Safety
/// As for [`tile`], for `lanes` places, a multiple of the vector, and `rows` channels, where a row
/// of the narrow factor has `steps.len()` elements.
#[inline(always)]
pub(super) unsafe fn places<T: Real, S: Vector<T>, const V: usize>(
    at: Place<T>,
    steps: &[u32],
    lanes: usize,
    rows: usize,
) {
    // SAFETY: the contract of `tile`, for these lanes and rows of `out`, is that of this function.
    unsafe {
        let mut lane = 0;
        while lane + V * S::LEN <= lanes {
            column::<T, S, V>(at.at_lane(lane), steps, rows);
            lane += V * S::LEN;
        }
        while lane < lanes {
            column::<T, S, 1>(at.at_lane(lane), steps, rows);
            lane += S::LEN;
        }
    }
}

/// `V` vectors of places, for all channels.
///
/// # Safety
/// As for [`tile`], for `rows` channels.
#[inline(always)]
unsafe fn column<T: Real, S: Vector<T>, const V: usize>(at: Place<T>, steps: &[u32], rows: usize) {
    let mut row = 0;
    while row < rows {
        let starts = |n: usize| (row + n) * steps.len();
        let here = Place { out: at.out.wrapping_add(row * at.pitch), ..at };
        macro_rules! tile {
            ($N:literal) => {{
                // SAFETY: the contract of `tile`, for these rows of `out`, is that of this function.
                unsafe { tile::<T, S, V, $N, true>(here, steps, std::array::from_fn(starts)) };
                $N
            }};
        }
        row += match rows - row {
            // Six first; but of seven or eight, four first.
            6 | 9.. => tile!(6),
            4.. => tile!(4),
            2.. => tile!(2),
            _ => tile!(1),
        };
    }
}

impl<T> Place<T> {
    fn at_lane(self, lane: usize) -> Self {
        Self { wide: self.wide.wrapping_add(lane), out: self.out.wrapping_add(lane), ..self }
    }
}

/// The largest index that a sum of a start and a step can give, plus one; 0 if there is none.
fn reach(starts: &[u32], steps: &[u32]) -> usize {
    let largest = |offsets: &[u32]| offsets.iter().copied().max();
    largest(starts).zip(largest(steps)).map_or(0, |(start, step)| start as usize + step as usize + 1)
}

/// The checks without which the tiles would be unsafe, and where they read and write.
fn checked<T>(
    level: Level,
    product: &Product<'_, T>,
    image: &[T],
    steps: &[u32],
    keep: bool,
    out: &mut [T],
) -> Place<T> {
    assert!(level.is_available(), "this machine has no {level:?}");
    let vector = level.vector::<T>();
    match *product {
        Product::Channels { lanes, pitch, matrix, starts } => {
            assert!(lanes.is_multiple_of(vector) && (1..=level.tile_vectors()).contains(&(lanes / vector)));
            assert!(matrix.len() >= steps.len() * lanes && pitch >= lanes);
            assert!(starts.is_empty() || out.len() >= (starts.len() - 1) * pitch + lanes);
            assert!(image.len() >= reach(starts, steps), "an offset leads out of the image");
            Place { wide: matrix.as_ptr(), narrow: image.as_ptr(), out: out.as_mut_ptr(), pitch, keep }
        }
        Product::Places { lanes, matrix, rows } => {
            assert!(lanes.is_multiple_of(vector) && lanes > 0);
            assert!(matrix.len() >= rows * steps.len() && out.len() >= rows * lanes);
            assert!(
                steps.is_empty() || image.len() + 1 >= reach(&[0], steps) + lanes,
                "an offset leads out of the image"
            );
            Place { wide: image.as_ptr(), narrow: matrix.as_ptr(), out: out.as_mut_ptr(), pitch: lanes, keep }
        }
    }
}

/// A function that computes products of `$T` in vectors `$S`, compiled with some features, with tiles
/// of `$V` vectors and `$N` rows for each number of vectors, or of `$places` vectors of places.
macro_rules! product {
    ($T:ty, $S:ty, [$($V:literal => $N:literal),+], $places:literal $(, $feature:literal)?) => {{
        /// # Safety
        /// The machine has the instructions, and everything was checked by `checked`.
        $(#[target_feature(enable = $feature)])?
        unsafe fn run(product: &Product<'_, $T>, at: Place<$T>, steps: &[u32]) {
            // SAFETY: what was checked is the contract of `channels` and of `places`.
            unsafe {
                match *product {
                    Product::Channels { lanes, starts, .. } => match lanes / <$S as Vector<$T>>::LEN {
                        $($V => channels::<$T, $S, $V, $N>(at, steps, starts),)+
                        _ => unreachable!("no tile is as wide"),
                    },
                    Product::Places { lanes, rows, .. } => places::<$T, $S, $places>(at, steps, lanes, rows),
                }
            }
        }
        run
    }};
}

/// An element type that has the products.
pub trait Multiply: Sized {
    /// Computes a product; where `keep`, adds it to what `out` holds. Panics if an offset leads out of `image`, or
    /// another slice is too short.
    #[doc(hidden)]
    fn multiply(level: Level, product: Product<'_, Self>, image: &[Self], steps: &[u32], keep: bool, out: &mut [Self]);
}

macro_rules! multiply {
    ($T:ty, $wide:ty, $half:ty, $portable:literal) => {
        impl Multiply for $T {
            fn multiply(level: Level, product: Product<'_, $T>, image: &[$T], steps: &[u32], keep: bool, out: &mut [$T]) {
                let at = checked(level, &product, image, steps, keep, out);
                let run: unsafe fn(&Product<'_, $T>, Place<$T>, &[u32]) = match level {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => product!($T, $wide, [1 => 8, 2 => 8, 3 => 8, 4 => 6], 4, "avx512f"),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2Fma => product!($T, $half, [1 => 8, 2 => 6], 2, "avx2,fma"),
                    Level::Portable => product!($T, [$T; $portable], [1 => 4, 2 => 4], 2),
                };
                // SAFETY: the machine has the instructions of `level`, and every element that a tile
                // reads or writes lies in its slice, as was just checked.
                unsafe { run(&product, at, steps) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
multiply!(f32, __m512, __m256, 4);
multiply!(f64, __m512d, __m256d, 2);
