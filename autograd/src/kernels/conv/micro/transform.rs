//! The transforms of a fast convolution, for many patches at once.
//!
//! A patch is a small square of places, each with a run of channels. Its transform, `L·d·Lᵀ` for a small matrix L, is a
//! square of 6 × 6 numbers for each channel. They are kept in 36 *planes*, a row of channels for each patch in each of
//! them, because the products that follow are one for each plane.
//!
//! Every transform goes through a table of offsets, one for each place of each patch. So patches may overlap, and their
//! places beyond the edge of an image may all lie in one row of zeros.

#![allow(unsafe_code, reason = "vector instructions, and loads through offsets that are checked once a call")]

use super::tile::Vector;
use crate::kernels::simd::Level;
use crate::real::Real;

/// The planes: elements of a square of 6 × 6.
pub(in crate::kernels::conv) const PLANES: usize = 36;

/// The side of a tile of outputs.
pub(in crate::kernels::conv) const TILE: usize = 4;

/// The places, beside 0 and ∞, at which polynomials are multiplied: ±a and ±b.
///
/// Lavin and Gray have ±1 and ±2. With these, the root mean square of the rounding errors is half as large, and the
/// largest error a fifth (64 channels, positive inputs). All numbers of Bᵀ and Aᵀ are exact in `f32`.
const POINTS: [f64; 2] = [0.75, 1.5];
const A2: f64 = POINTS[0] * POINTS[0];
const B2: f64 = POINTS[1] * POINTS[1];

/// The factors of the weights for 0, ±a and ±b: one over the product of the differences of a point to all others.
const FACTORS: [f64; 3] = [1.0 / (A2 * B2), 0.5 / (A2 * (A2 - B2)), 0.5 / (B2 * (B2 - A2))];

/// A transform, of patches to planes or back, for tiles of 4 × 4 outputs and kernels of 3 × 3 (Lavin and Gray 2016):
///
/// ```text
///      ⎡ a²b²   0   −a²−b²   0    1  0 ⎤
///      ⎢  0   −ab²    −b²    a    1  0 ⎥        ⎡ 1  1   1   1   1  0 ⎤
/// Bᵀ = ⎢  0    ab²    −b²   −a    1  0 ⎥   Aᵀ = ⎢ 0  a  −a   b  −b  0 ⎥
///      ⎢  0   −a²b    −a²    b    1  0 ⎥        ⎢ 0  a²  a²  b²  b² 0 ⎥
///      ⎢  0    a²b    −a²   −b    1  0 ⎥        ⎣ 0  a³ −a³  b³ −b³ 1 ⎦
///      ⎣  0   a²b²     0   −a²−b² 0  1 ⎦
/// ```
///
/// The rows of G are `f·(1, p, p²)` for each point p with its factor f, and `(0, 0, 1)`.
#[derive(Clone, Copy, Debug)]
pub enum Turn<'a, T> {
    /// Images to planes: `Bᵀ·d·B` of patches of 6 × 6.
    Image,
    /// Weights to planes: `G·w·Gᵀ` of patches of 3 × 3.
    Weight,
    /// Planes to outputs, patches of 4 × 4: `Aᵀ·m·A`, plus a bias for each channel; and then, where `relu`, 0 instead of what
    /// is negative.
    Output {
        /// For each channel.
        bias: &'a [T],
        /// Whether outputs are rectified.
        relu: bool,
    },
    /// The adjoint of [`Turn::Output`] without a bias: `A·g·Aᵀ`.
    OutputGradient,
    /// The adjoint of [`Turn::Weight`]: `Gᵀ·m·G`.
    WeightGradient,
}

impl<T> Turn<'_, T> {
    /// The side of a patch.
    fn side(&self) -> usize {
        match self {
            Self::Image => 6,
            Self::Weight | Self::WeightGradient => 3,
            Self::Output { .. } | Self::OutputGradient => TILE,
        }
    }

    /// Whether planes are read, and patches written.
    fn reads_planes(&self) -> bool {
        matches!(self, Self::Output { .. } | Self::WeightGradient)
    }
}

/// The product of a small matrix and a vector of `I` numbers.
trait Line<const I: usize, const O: usize> {
    /// # Safety
    /// The machine has the instructions of `S`.
    unsafe fn line<T: Real, S: Vector<T>>(x: [S; I]) -> [S; O];
}

/// `x·factor + plus`.
///
/// # Safety
/// The machine has the instructions of `S`.
#[inline(always)]
unsafe fn scaled<T: Real, S: Vector<T>>(x: S, factor: f64, plus: S) -> S {
    let factor = T::from_f64(factor);
    // SAFETY: the caller guarantees the instructions, and `factor` is one element.
    unsafe { x.mul_add(S::splat(&raw const factor), plus) }
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

// The rows for p and −p are the sum and the difference of an even and an odd part.
line!(Image: 6 => 6, [x0, x1, x2, x3, x4, x5] => {
    let even = [scaled(x2, -B2, x4), scaled(x2, -A2, x4)];
    let odd = [scaled(x1, -B2, x3), scaled(x1, -A2, x3)];
    let [a, b] = POINTS;
    [
        scaled(x0, A2 * B2, scaled(x2, -A2 - B2, x4)),
        scaled(odd[0], a, even[0]),
        scaled(odd[0], -a, even[0]),
        scaled(odd[1], b, even[1]),
        scaled(odd[1], -b, even[1]),
        scaled(x1, A2 * B2, scaled(x3, -A2 - B2, x5)),
    ]
});
line!(Weight: 3 => 6, [w0, w1, w2] => {
    let ([zero, fa, fb], [a, b]) = (FACTORS, POINTS);
    let none = S::zero();
    let even = [scaled(w0, fa, scaled(w2, fa * A2, none)), scaled(w0, fb, scaled(w2, fb * B2, none))];
    [
        scaled(w0, zero, none),
        scaled(w1, fa * a, even[0]),
        scaled(w1, -fa * a, even[0]),
        scaled(w1, fb * b, even[1]),
        scaled(w1, -fb * b, even[1]),
        w2,
    ]
});
line!(Output: 6 => 4, [m0, m1, m2, m3, m4, m5] => {
    let (even, odd) = ([m1.add(m2), m3.add(m4)], [m1.sub(m2), m3.sub(m4)]);
    let ([a, b], none) = (POINTS, S::zero());
    [
        m0.add(even[0]).add(even[1]),
        scaled(odd[0], a, scaled(odd[1], b, none)),
        scaled(even[0], A2, scaled(even[1], B2, none)),
        scaled(odd[0], A2 * a, scaled(odd[1], B2 * b, m5)),
    ]
});
line!(OutputGradient: 4 => 6, [g0, g1, g2, g3] => {
    let even = [scaled(g2, A2, g0), scaled(g2, B2, g0)];
    let odd = [scaled(g3, A2, g1), scaled(g3, B2, g1)];
    let [a, b] = POINTS;
    [
        g0,
        scaled(odd[0], a, even[0]),
        scaled(odd[0], -a, even[0]),
        scaled(odd[1], b, even[1]),
        scaled(odd[1], -b, even[1]),
        g3,
    ]
});
line!(WeightGradient: 6 => 3, [m0, m1, m2, m3, m4, m5] => {
    let ([zero, fa, fb], [a, b]) = (FACTORS, POINTS);
    let (even, odd) = ([m1.add(m2), m3.add(m4)], [m1.sub(m2), m3.sub(m4)]);
    let none = S::zero();
    [
        scaled(m0, zero, scaled(even[0], fa, scaled(even[1], fb, none))),
        scaled(odd[0], fa * a, scaled(odd[1], fb * b, none)),
        scaled(even[0], fa * A2, scaled(even[1], fb * B2, m5)),
    ]
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
    /// What is added to every result, and whether it is rectified then.
    finish: Option<(*const T, bool)>,
}

/// All patches to planes (`INTO`) or back, by the matrix `L`.
///
/// # Safety
/// The machine has the instructions of `S`. From each offset in the table, the slice that has the patches is valid for
/// `lanes` elements, whole vectors. So is the bias, if there is one. The other is valid for `lanes` elements for each patch in each plane, `pitch` apart.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "through iterators, the compiler keeps the square in memory")]
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
                let mut out = square::<L, T, S, I, O>(x);
                if let (false, Some((bias, relu))) = (INTO, at.finish) {
                    let bias = S::load(bias.add(lane));
                    for row in 0..O {
                        for col in 0..O {
                            out[row][col] = out[row][col].add(bias);
                            if relu {
                                out[row][col] = out[row][col].positive();
                            }
                        }
                    }
                }
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
    kind: &Turn<'_, T>,
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
    let finish = if let &Turn::Output { bias, relu } = kind {
        assert!(bias.len() >= lanes, "the bias is too short");
        Some((bias.as_ptr(), relu))
    } else {
        None
    };
    Place { table, lanes, pitch, from: from.as_ptr(), to: to.as_mut_ptr(), finish }
}

/// An element type that has the transforms.
pub trait Transform: Sized {
    /// Transforms patches to planes or back.
    ///
    /// `table` has the offset of each place of each patch, and `lanes` channels follow there, a multiple of the vector.
    /// Planes are `pitch` apart. Panics if an offset leads out of the patches, or a slice is too short.
    #[doc(hidden)]
    fn transform(
        level: Level,
        kind: Turn<'_, Self>,
        lanes: usize,
        table: &[u32],
        pitch: usize,
        from: &[Self],
        to: &mut [Self],
    );
}

macro_rules! transform {
    ($T:ty: $($(#[$cfg:meta])? $level:path => $S:ty $(, $feature:literal)?;)+) => {
        impl Transform for $T {
            fn transform(
                level: Level,
                kind: Turn<'_, Self>,
                lanes: usize,
                table: &[u32],
                pitch: usize,
                from: &[$T],
                to: &mut [$T],
            ) {
                let at = checked(level, &kind, lanes, table, pitch, from, to);
                match level {
                    $($(#[$cfg])? $level => {
                        /// # Safety
                        /// The machine has the instructions, and everything was checked by `checked`.
                        $(#[target_feature(enable = $feature)])?
                        unsafe fn run(kind: Turn<'_, $T>, at: Place<'_, $T>) {
                            // SAFETY: what was checked is the contract of `turn`.
                            unsafe {
                                match kind {
                                    Turn::Image => turn::<Image, $T, $S, 6, 6, true>(at),
                                    Turn::Weight => turn::<Weight, $T, $S, 3, 6, true>(at),
                                    Turn::Output { .. } => turn::<Output, $T, $S, 6, 4, false>(at),
                                    Turn::OutputGradient => turn::<OutputGradient, $T, $S, 4, 6, true>(at),
                                    Turn::WeightGradient => turn::<WeightGradient, $T, $S, 6, 3, false>(at),
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
