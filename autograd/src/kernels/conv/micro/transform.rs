//! The transforms of a fast convolution, for many patches at once.
//!
//! A patch is a small square of places, each with a run of channels. Its transform, `L·d·Lᵀ` for a small matrix L of
//! integers and halves, is a square of 4 × 4 numbers for each channel. They are kept in sixteen *planes*, a row of
//! channels for each patch in each of them, because the products that follow are one for each plane.
//!
//! Every transform goes through a table of offsets, one for each place of each patch. So patches may overlap, and their
//! places beyond the edge of an image may all lie in one row of zeros.

#![allow(unsafe_code, reason = "vector instructions, and loads through offsets that are checked once a call")]

use super::tile::Vector;
use crate::kernels::simd::Level;
use crate::real::Real;

/// The planes: elements of a square of 4 × 4.
pub(in crate::kernels::conv) const PLANES: usize = 16;

/// A transform, of patches to planes or back, by the matrices of Lavin and Gray (2016) for tiles of 2 × 2 outputs and
/// kernels of 3 × 3:
///
/// ```text
///      ⎡ 1  0 −1  0 ⎤       ⎡  1   0   0 ⎤
/// Bᵀ = ⎢ 0  1  1  0 ⎥   G = ⎢  ½   ½   ½ ⎥   Aᵀ = ⎡ 1  1  1  0 ⎤
///      ⎢ 0 −1  1  0 ⎥       ⎢  ½  −½   ½ ⎥        ⎣ 0  1 −1 −1 ⎦
///      ⎣ 0  1  0 −1 ⎦       ⎣  0   0   1 ⎦
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Images to planes: `Bᵀ·d·B` of patches of 4 × 4.
    Image,
    /// Weights to planes: `G·w·Gᵀ` of patches of 3 × 3.
    Weight,
    /// Planes to outputs, patches of 2 × 2: `Aᵀ·m·A`.
    Output,
    /// The adjoint of [`Turn::Output`]: `A·g·Aᵀ`.
    OutputGradient,
    /// The adjoint of [`Turn::Weight`]: `Gᵀ·m·G`.
    WeightGradient,
}

impl Turn {
    /// The side of a patch.
    fn side(self) -> usize {
        match self {
            Self::Image => 4,
            Self::Weight | Self::WeightGradient => 3,
            Self::Output | Self::OutputGradient => 2,
        }
    }

    /// Whether planes are read, and patches written.
    fn reads_planes(self) -> bool {
        matches!(self, Self::Output | Self::WeightGradient)
    }
}

/// The product of a small matrix and a vector of `I` numbers.
trait Line<const I: usize, const O: usize> {
    /// # Safety
    /// The machine has the instructions of `S`.
    unsafe fn line<T: Real, S: Vector<T>>(x: [S; I]) -> [S; O];
}

/// `x/2`.
///
/// # Safety
/// The machine has the instructions of `S`.
#[inline(always)]
unsafe fn half<T: Real, S: Vector<T>>(x: S) -> S {
    let half = T::from_f64(0.5);
    // SAFETY: the caller guarantees the instructions, and `half` is one element.
    unsafe { x.mul_add(S::splat(&raw const half), S::zero()) }
}

/// Declares a [`Line`] by its rows.
macro_rules! line {
    ($name:ident: $I:literal => $O:literal, [$($x:ident),+] => $rows:expr) => {
        struct $name;
        impl Line<$I, $O> for $name {
            #[inline(always)]
            unsafe fn line<T: Real, S: Vector<T>>([$($x),+]: [S; $I]) -> [S; $O] {
                // SAFETY: the caller guarantees the instructions.
                unsafe { $rows }
            }
        }
    };
}

line!(Image: 4 => 4, [a, b, c, d] => [a.sub(c), b.add(c), c.sub(b), b.sub(d)]);
line!(Weight: 3 => 4, [a, b, c] => {
    let (outer, middle) = (half(a.add(c)), half(b));
    [a, outer.add(middle), outer.sub(middle), c]
});
line!(Output: 4 => 2, [a, b, c, d] => [a.add(b).add(c), b.sub(c).sub(d)]);
line!(OutputGradient: 2 => 4, [a, b] => [a, a.add(b), a.sub(b), S::zero().sub(b)]);
line!(WeightGradient: 4 => 3, [a, b, c, d] => {
    let (sum, difference) = (half(b.add(c)), half(b.sub(c)));
    [a.add(sum), difference, sum.add(d)]
});

/// `L·x·Lᵀ`.
///
/// # Safety
/// The machine has the instructions of `S`.
#[inline(always)]
unsafe fn square<L: Line<I, O>, T: Real, S: Vector<T>, const I: usize, const O: usize>(x: [[S; I]; I]) -> [[S; O]; O] {
    // SAFETY: the caller guarantees the instructions.
    unsafe {
        // Plain loops: the compiler does not see through every iterator here.
        let (mut rows, mut out) = ([[S::zero(); O]; I], [[S::zero(); O]; O]);
        for i in 0..I {
            rows[i] = L::line::<T, S>(x[i]);
        }
        for col in 0..O {
            let mut column = [S::zero(); I];
            for i in 0..I {
                column[i] = rows[i][col];
            }
            let column = L::line::<T, S>(column);
            for row in 0..O {
                out[row][col] = column[row];
            }
        }
        out
    }
}

/// Where patches and planes are, and how long a run of channels is.
#[derive(Clone, Copy)]
struct Place<'a, T> {
    table: &'a [u32],
    lanes: usize,
    pitch: usize,
    from: *const T,
    to: *mut T,
}

/// All patches to planes (`INTO`) or back, by the matrix `L`.
///
/// # Safety
/// The machine has the instructions of `S`. From each offset in the table, the slice that has the patches is valid for
/// `lanes` elements, whole vectors. The other is valid for `lanes` elements for each patch in each of sixteen planes,
/// `pitch` apart.
#[inline(always)]
unsafe fn turn<L: Line<I, O>, T: Real, S: Vector<T>, const I: usize, const O: usize, const INTO: bool>(
    at: Place<'_, T>,
) {
    let each = if INTO { I * I } else { O * O };
    for (n, offsets) in at.table.chunks_exact(each).enumerate() {
        for lane in (0..at.lanes).step_by(S::LEN) {
            let patch = |i: usize| offsets[i] as usize + lane;
            let plane = |i: usize| i * at.pitch + n * at.lanes + lane;
            // SAFETY: the contract above says of every element read or written here that it is valid.
            unsafe {
                let load = |i: usize| S::load(at.from.add(if INTO { patch(i) } else { plane(i) }));
                let x: [[S; I]; I] = std::array::from_fn(|row| std::array::from_fn(|col| load(row * I + col)));
                let out = square::<L, T, S, I, O>(x);
                for row in 0..O {
                    for col in 0..O {
                        let i = row * O + col;
                        out[row][col].store(at.to.add(if INTO { plane(i) } else { patch(i) }));
                    }
                }
            }
        }
    }
}

/// The checks without which [`turn`] would be unsafe, and where it reads and writes.
fn checked<'a, T>(
    level: Level,
    kind: Turn,
    lanes: usize,
    table: &'a [u32],
    pitch: usize,
    from: &[T],
    to: &mut [T],
) -> Place<'a, T> {
    assert!(level.is_available(), "this machine has no {level:?}");
    assert!(lanes.is_multiple_of(level.vector::<T>()));
    let patches = table.len() / (kind.side() * kind.side());
    let (in_patches, in_planes) = if kind.reads_planes() { (to.len(), from.len()) } else { (from.len(), to.len()) };
    assert!(patches * lanes <= pitch && (PLANES - 1) * pitch + patches * lanes <= in_planes, "planes are too short");
    let last = table.iter().max().map_or(0, |&last| last as usize + lanes);
    assert!(last <= in_patches, "an offset leads out of the patches");
    Place { table, lanes, pitch, from: from.as_ptr(), to: to.as_mut_ptr() }
}

/// An element type that has the transforms.
pub trait Transform: Sized {
    /// Transforms patches to planes or back.
    ///
    /// `table` has the offset of each place of each patch, and `lanes` channels follow there, a multiple of the vector.
    /// Planes are `pitch` apart. Panics if an offset leads out of the patches, or a slice is too short.
    #[doc(hidden)]
    fn transform(level: Level, kind: Turn, lanes: usize, table: &[u32], pitch: usize, from: &[Self], to: &mut [Self]);
}

macro_rules! transform {
    ($T:ty: $($(#[$cfg:meta])? $level:path => $S:ty $(, $feature:literal)?;)+) => {
        impl Transform for $T {
            fn transform(
                level: Level,
                kind: Turn,
                lanes: usize,
                table: &[u32],
                pitch: usize,
                from: &[$T],
                to: &mut [$T],
            ) {
                let at = checked(level, kind, lanes, table, pitch, from, to);
                match level {
                    $($(#[$cfg])? $level => {
                        /// # Safety
                        /// The machine has the instructions, and everything was checked by `checked`.
                        $(#[target_feature(enable = $feature)])?
                        unsafe fn run(kind: Turn, at: Place<'_, $T>) {
                            // SAFETY: what was checked is the contract of `turn`.
                            unsafe {
                                match kind {
                                    Turn::Image => turn::<Image, $T, $S, 4, 4, true>(at),
                                    Turn::Weight => turn::<Weight, $T, $S, 3, 4, true>(at),
                                    Turn::Output => turn::<Output, $T, $S, 4, 2, false>(at),
                                    Turn::OutputGradient => turn::<OutputGradient, $T, $S, 2, 4, true>(at),
                                    Turn::WeightGradient => turn::<WeightGradient, $T, $S, 4, 3, false>(at),
                                }
                            }
                        }
                        // SAFETY: the machine has the instructions of `level`, and every element that is
                        // read or written lies in its slice, as was just checked.
                        unsafe { run(kind, at) }
                    })+
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
transform!(f32:
    #[cfg(target_arch = "x86_64")] Level::Avx512 => __m512, "avx512f";
    #[cfg(target_arch = "x86_64")] Level::Avx2Fma => __m256, "avx2,fma";
    Level::Portable => [f32; 4];
);
transform!(f64:
    #[cfg(target_arch = "x86_64")] Level::Avx512 => __m512d, "avx512f";
    #[cfg(target_arch = "x86_64")] Level::Avx2Fma => __m256d, "avx2,fma";
    Level::Portable => [f64; 2];
);
