//! The normal distribution: erf, its distribution function, that function's logarithm, and
//! the inverse of the logarithm; the last three are right in the tails.
//!
//! All tails go through `m(t) = Φ(−t)·exp(t²/2)`, Mills' ratio over √2π, which is smooth and falls only like `1/t`:
//! what falls like `exp(−t²/2)` is multiplied in last, or, for a logarithm, added.

use super::exp::{exp_moderate, exp_times, expm1};
use super::log::{assemble, ln, split};
use super::{at_most, polynomial};
use crate::kernels::simd::{Isa, mul_add};

/// `erf(x)/x − 1` in `x²` for `|x| ≤ 0.95`; erf to 2⁻³⁰.
const ERF_SMALL: [f32; 7] =
    [0.128_379_17, -0.376_126_3, 0.112_836_26, -0.026_855_74, 0.005_192_460_5, -0.000_805_080_4, 8.002_775e-5];
/// `−ln(1 − erf x)` for `0.9 ≤ x ≤ 4`; erf to 2⁻³⁴.
const ERF_LARGE: [f32; 8] = [
    -0.000_170_552_03,
    1.129_495_1,
    0.633_386_73,
    0.108_236_44,
    -0.025_091_307,
    0.004_160_421_4,
    -0.000_432_273_31,
    2.090_624e-5,
];
/// `m(t)` in `t − 1` for `0 ≤ t ≤ 2`; to 2⁻²⁷.
const MILLS_NEAR: [f32; 11] = [
    0.261_578_3,
    -0.137_364,
    0.062_107_14,
    -0.025_085_298,
    0.009_255_482,
    -0.003_168_015,
    0.001_014_827_6,
    -0.000_302_562_4,
    8.794_894e-5,
    -2.912_103_8e-5,
    7.310_919e-6,
];
/// `m(t)·(t + 1.5)` in `1/(t + 1.5)` for all `t ≥ 2`; to 2⁻²⁵.
const MILLS_FAR: [f32; 9] = [
    0.398_942_3,
    0.598_407_2,
    0.499_245_76,
    -0.469_460_58,
    -1.787_031_8,
    -5.435_719_5,
    32.306_305,
    -51.021_07,
    28.140_963,
];
/// `Φ⁻¹(½ + y)/y` in `y²` for `|y| ≤ 0.26`; to 2⁻²⁹.
const QUANTILE_CENTER: [f32; 7] = [2.506_628_3, 2.624_931_3, 5.773_536, 15.575_772, 50.852_33, 72.128_71, 1_211.878_3];
/// With `s = √(−2 ln Φ(−t))`, `s − t` as a ratio of polynomials in `s`; to 2·10⁻⁴ for `t ≥ 0.6`.
const START_ABOVE: [f32; 3] = [2.402_490_5, 0.636_071_4, 0.008_392_811];
/// The denominator of [`START_ABOVE`].
const START_BELOW: [f32; 4] = [1.0, 1.263_094_1, 0.147_832_02, 0.001_098_698_3];
/// What `f32` leaves of ln 2.
const LN_2_REST: f32 = -1.904_654_3e-9;
/// `√2π`.
const SQRT_TAU: f32 = 2.506_628_3;

/// `m(t)` for `t ≥ 0`.
#[inline(always)]
fn mills<I: Isa>(t: f32) -> f32 {
    let near = polynomial::<I, 11>(t - 1.0, MILLS_NEAR);
    // So bounded the quotient stays clear of the denormals.
    let y = 1.0 / (at_most(t, 1e30) + 1.5);
    let far = y * polynomial::<I, 9>(y, MILLS_FAR);
    if t < 2.0 { near } else { far }
}

/// `factor·exp(−t²/2)` for `t ≥ 0`.
#[inline(always)]
fn bell<I: Isa>(t: f32, factor: f32) -> f32 {
    let t = at_most(t, 15.0);
    // The error of t² would be an error of the result many times over: square the upper half
    // of the bits, exactly, and the rest separately.
    let coarse = f32::from_bits(t.to_bits() & 0xffff_f000);
    let rest = (t - coarse) * (t + coarse);
    exp_times::<I>(-0.5 * (coarse * coarse), -0.5 * rest, factor)
}

/// `erf x`.
#[inline(always)]
pub(crate) fn erf<I: Isa>(x: f32) -> f32 {
    let a = x.abs();
    let small = mul_add::<I>(a, polynomial::<I, 7>(a * a, ERF_SMALL), a);
    let large = 1.0 - exp_moderate::<I>(-polynomial::<I, 8>(at_most(a, 4.0), ERF_LARGE));
    (if a < 0.92 { small } else { large }).copysign(x)
}

/// `Φ(x)`.
#[inline(always)]
pub(crate) fn normal_cdf<I: Isa>(x: f32) -> f32 {
    let t = x.abs();
    let tail = bell::<I>(t, mills::<I>(t));
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// `ln Φ(x)`.
#[inline(always)]
pub(crate) fn log_normal_cdf<I: Isa>(x: f32) -> f32 {
    let t = x.abs();
    // On the left −t²/2 + ln m(t); on the right ln(1 − Φ(−x)). One logarithm serves both.
    let m = mills::<I>(t);
    let tail = bell::<I>(t, m);
    let (mantissa, n) = split(m);
    let halved = tail > 1.0 / 3.0;
    let right_f = if halved { 1.0 - 2.0 * tail } else { -tail };
    let right_n = if halved { -1.0 } else { 0.0 };
    let left = x < 0.0;
    let f = if left { mantissa - 1.0 } else { right_f };
    let exponent = if left { n as f32 } else { right_n };
    let square = if left { -0.5 * t * t } else { 0.0 };
    let result = square + assemble::<I>(f, exponent);
    if x.is_nan() { x } else { result }
}

/// `φ(x)/Φ(x)`.
#[inline(always)]
pub(crate) fn normal_score<I: Isa>(x: f32) -> f32 {
    let t = x.abs();
    let m = mills::<I>(t);
    let density = bell::<I>(t, 1.0 / SQRT_TAU);
    let right = density / (1.0 - SQRT_TAU * density * m);
    let left = 1.0 / (SQRT_TAU * m);
    // 1/t² above t, the score is t to the last bit long before m runs out of range.
    let left = if t > 1e6 { t } else { left };
    if x < 0.0 { left } else { right }
}

/// `z` with `ln Φ(z) = x`.
///
/// Around the median a polynomial in the probability; elsewhere, in whichever tail, a rational start and one step of
/// Newton's on the logarithm of the tail, where the function is so nearly a parabola that one step is all it takes.
#[inline(always)]
pub(crate) fn log_normal_quantile<I: Isa>(x: f32) -> f32 {
    let center = (x > -1.3) & (x < -0.32);
    // The first sum is exact; x + ln 2 keeps all its digits near 0.
    let from_median = (x + std::f32::consts::LN_2) + LN_2_REST;
    let minus = expm1::<I>(if center { from_median } else { x });

    let y = 0.5 * minus;
    let near = y * polynomial::<I, 7>(y * y, QUANTILE_CENTER);

    let right = x > -0.7;
    let log_other = ln::<I>(-minus);
    let log_tail = if right { log_other } else { x };
    let s = (-log_tail).sqrt() * std::f32::consts::SQRT_2;
    let bounded = at_most(s, 1e6);
    let above = polynomial::<I, 3>(bounded, START_ABOVE);
    let below = polynomial::<I, 4>(bounded, START_BELOW);
    let t = s - above / below;
    // ln Φ(−t) − x, halved so that the square of the largest t is still a float.
    let m = mills::<I>(t);
    let parabola = mul_add::<I>(-0.25 * t, t, -0.5 * log_tail);
    let excess = mul_add::<I>(0.5, ln::<I>(m), parabola);
    let t = mul_add::<I>(excess, 2.0 * SQRT_TAU * m, t);
    let far = if right { t } else { -t };

    let inside = if center { near } else { far };
    let inside = if x == f32::NEG_INFINITY { x } else { inside };
    let outside = if x > 0.0 { f32::NAN } else { f32::INFINITY };
    if x >= 0.0 { outside } else { inside }
}
