//! The exponential and what is made of it: sigmoid, tanh, ELU.

use super::{LN2_HI, LN2_LO, at_least, at_most, polynomial, power_of_two};
use crate::kernels::simd::{Isa, mul_add};

/// `(eʳ − 1 − r)/r²` for `|r| ≤ ½ ln 2`; eʳ to 2⁻²⁸.
const EXP: [f32; 5] = [0.499_999_94, 0.166_665_21, 0.041_668_28, 0.008_368_690_5, 0.001_381_949];
/// The same with one more term: eʳ − 1, relative to itself, to 2⁻³¹.
const EXPM1: [f32; 6] = [0.5, 0.166_666_66, 0.041_666_493, 0.008_333_543, 0.001_393_234_7, 0.000_197_642_57];
/// `(tanh(x) − x)/x³` in `x²` for `|x| ≤ 0.6`; tanh to 2⁻²⁸.
const TANH: [f32; 5] = [-0.333_333, 0.133_319_36, -0.053_784_717, 0.020_798_625, -0.005_897_966_7];

/// `n` and `r` with `hi + lo = n·ln 2 + r` and `|r| ≤ ½ ln 2`.
#[inline(always)]
fn reduce<I: Isa>(hi: f32, lo: f32) -> (i32, f32) {
    // Adding 1.5·2²³ pushes the fraction out of the mantissa, i.e. rounds to an integer.
    const ROUND: f32 = 12_582_912.0;
    let shifted = mul_add::<I>(hi + lo, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = mul_add::<I>(n, -LN2_HI, hi) + mul_add::<I>(n, -LN2_LO, lo);
    let whole = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    (whole, r)
}

/// `factor · e^(hi + lo)`, for exponents whose result needs at most `2^±252`.
///
/// The factor enters before the scaling, so that a denormal result is rounded only once.
#[inline(always)]
pub(super) fn exp_times<I: Isa>(hi: f32, lo: f32, factor: f32) -> f32 {
    let (n, r) = reduce::<I>(hi, lo);
    let tail = mul_add::<I>(r * r, polynomial::<I, 5>(r, EXP), r);
    let half = n >> 1;
    let scaled = mul_add::<I>(tail, factor, factor) * power_of_two(half);
    scaled * power_of_two(n.wrapping_sub(half))
}

/// `eˣ` for `−87 ≤ x ≤ 88`.
#[inline(always)]
pub(super) fn exp_moderate<I: Isa>(x: f32) -> f32 {
    let (n, r) = reduce::<I>(x, 0.0);
    let tail = mul_add::<I>(r * r, polynomial::<I, 5>(r, EXP), r);
    (1.0 + tail) * power_of_two(n)
}

/// `e⁻ˣ` for `x ≥ 0`, down to e⁻⁸⁷.
#[inline(always)]
pub(crate) fn decay<I: Isa>(x: f32) -> f32 {
    exp_moderate::<I>(at_least(-x, -87.0))
}

/// `eˣ`.
#[inline(always)]
pub(crate) fn exp<I: Isa>(x: f32) -> f32 {
    exp_times::<I>(at_least(at_most(x, 89.0), -104.0), 0.0, 1.0)
}

/// `eˣ − 1`.
#[inline(always)]
pub(crate) fn expm1<I: Isa>(x: f32) -> f32 {
    // 2ⁿ(eʳ − 1) + (2ⁿ − 1), at half scale because 2¹²⁸ is not a float.
    let (n, r) = reduce::<I>(at_least(at_most(x, 89.0), -20.0), 0.0);
    let tail = mul_add::<I>(r * r, polynomial::<I, 6>(r, EXPM1), r);
    let half = power_of_two(n.wrapping_sub(1));
    let result = 2.0 * mul_add::<I>(half, tail, half - 0.5);
    // Halving would lose the last bit of a denormal, and the sign of zero.
    if x.abs() < 1e-8 { x } else { result }
}

/// `1/(1 + e⁻ˣ)`.
#[inline(always)]
pub(crate) fn sigmoid<I: Isa>(x: f32) -> f32 {
    let e = exp_times::<I>(at_least(-x.abs(), -104.0), 0.0, 1.0);
    let numerator = if x < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

/// `tanh x`.
#[inline(always)]
pub(crate) fn tanh<I: Isa>(x: f32) -> f32 {
    let a = x.abs();
    let square = x * x;
    let small = mul_add::<I>(a * square, polynomial::<I, 5>(square, TANH), a);
    let large = 1.0 - 2.0 / (1.0 + exp_moderate::<I>(at_most(a + a, 40.0)));
    (if a < 0.6 { small } else { large }).copysign(x)
}

/// `x` for positive `x`, else `eˣ − 1`.
#[inline(always)]
pub(crate) fn elu<I: Isa>(x: f32) -> f32 {
    let negative = expm1::<I>(x);
    if x > 0.0 { x } else { negative }
}
