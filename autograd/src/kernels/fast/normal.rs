//! The normal distribution: erf, its distribution function, that function's logarithm, and
//! the inverse of the logarithm; the last three are right in the tails.
//!
//! All tails go through `m(t) = Φ(−t)·exp(t²/2)`, Mills' ratio over √2π, which is smooth
//! and falls only like `1/t`: what falls like `exp(−t²/2)` is multiplied in last, or, for a
//! logarithm, added.

use super::super::simd::{Isa, mul_add};
use super::exp::{exp_moderate, exp_times, expm1};
use super::log::{assemble, ln, split};
use super::{LN2_HI, LN2_LO, at_most, polynomial};

/// `erf(x)/x − 1` in `x²` for `|x| ≤ 0.95`; erf to 2⁻³⁰.
const ERF_SMALL: [f32; 7] = [
    0.128_379_17,
    -0.376_126_3,
    0.112_836_26,
    -0.026_855_74,
    0.005_192_460_5,
    -0.000_805_080_4,
    8.002_775e-5,
];
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
/// `m(t)·(t + 5)` in `(t − 5)/(t + 5)` for all `t ≥ 0`; to 2⁻²⁶·⁸.
const MILLS: [f32; 12] = [
    0.769_193_05,
    -0.665_382_5,
    0.495_305_63,
    -0.313_532_56,
    0.165_018_83,
    -0.069_124_19,
    0.020_806_136,
    -0.002_975_658_7,
    -0.000_827_038_54,
    0.000_519_963_97,
    -2.547_691_1e-5,
    -3.389_845_4e-5,
];
/// `Φ⁻¹(½ + y)/y` in `y²` for `|y| ≤ 0.26`; to 2⁻²⁹.
const QUANTILE_CENTRE: [f32; 7] =
    [2.506_628_3, 2.624_931_3, 5.773_536, 15.575_772, 50.852_33, 72.128_71, 1_211.878_3];
/// With `s = √(−2 ln Φ(−t))`, `s − t` as a ratio of polynomials in `s`; to 2·10⁻⁴ for `t ≥ 0.6`.
const START_ABOVE: [f32; 3] = [2.402_490_5, 0.636_071_4, 0.008_392_811];
/// The denominator of [`START_ABOVE`].
const START_BELOW: [f32; 4] = [1.0, 1.263_094_1, 0.147_832_02, 0.001_098_698_3];
/// `√2π`.
const SQRT_TAU: f32 = 2.506_628_3;

/// `m(t)` for `t ≥ 0`.
#[inline(always)]
fn mills<I: Isa>(t: f32) -> f32 {
    // Beyond 10¹⁵ nothing that uses m can tell; and ∞ would become NaN.
    let t = at_most(t, 1e15);
    let y = 1.0 / (t + 5.0);
    y * polynomial::<I, 12>((t - 5.0) * y, MILLS)
}

/// `Φ(−t)` for `t ≥ 0`.
#[inline(always)]
fn upper_tail<I: Isa>(t: f32) -> f32 {
    let t = at_most(t, 15.0);
    // The error of t² would be an error of the result many times over: square the upper half
    // of the bits, exactly, and the rest beside it.
    let coarse = f32::from_bits(t.to_bits() & 0xffff_f000);
    let rest = (t - coarse) * (t + coarse);
    exp_times::<I>(-0.5 * (coarse * coarse), -0.5 * rest, mills::<I>(t))
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
    let tail = upper_tail::<I>(x.abs());
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// `ln Φ(x)`.
#[inline(always)]
pub(crate) fn log_normal_cdf<I: Isa>(x: f32) -> f32 {
    let t = x.abs();
    // On the left −t²/2 + ln m(t); on the right ln(1 − Φ(−x)). One logarithm serves both.
    let m = mills::<I>(t);
    let tail = upper_tail::<I>(t);
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

/// `z` with `ln Φ(z) = x`.
///
/// Around the median a polynomial in the probability; elsewhere, in whichever tail, a rational
/// start and one step of Newton's on the logarithm of the tail, where the function is so nearly
/// a parabola that one step is all it takes.
#[inline(always)]
pub(crate) fn log_normal_quantile<I: Isa>(x: f32) -> f32 {
    let centre = (x > -1.3) & (x < -0.32);
    let from_median = (x + LN2_HI) + LN2_LO;
    let minus = expm1::<I>(if centre { from_median } else { x });

    let y = 0.5 * minus;
    let near = y * polynomial::<I, 7>(y * y, QUANTILE_CENTRE);

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

    let inside = if centre { near } else { far };
    let inside = if x == f32::NEG_INFINITY { x } else { inside };
    let outside = if x > 0.0 { f32::NAN } else { f32::INFINITY };
    if x >= 0.0 { outside } else { inside }
}

#[cfg(test)]
mod tests {
    use super::super::ulp::check;
    use crate::elementwise::Unary;
    use crate::kernels::double;

    #[test]
    fn erf() {
        check(Unary::Erf, [-4.5, 4.5], 2.0, double::erf);
        check(Unary::Erf, [0.8, 1.0], 2.0, double::erf);
    }

    #[test]
    fn normal_cdf() {
        check(Unary::NormalCdf, [-14.5, 6.0], 4.0, double::normal_cdf);
        check(Unary::NormalCdf, [-1.0, 1.0], 4.0, double::normal_cdf);
    }

    #[test]
    fn log_normal_cdf() {
        check(Unary::LogNormalCdf, [-20.0, 14.5], 4.0, double::log_normal_cdf);
        check(Unary::LogNormalCdf, [-1.0, 1.0], 4.0, double::log_normal_cdf);
        check(Unary::LogNormalCdf, [-1e4, -20.0], 2.0, double::log_normal_cdf);
    }

    #[test]
    fn log_normal_quantile() {
        check(Unary::LogNormalQuantile, [-100.0, 0.0], 4.0, double::log_normal_quantile);
        check(Unary::LogNormalQuantile, [-2.0, 0.0], 4.0, double::log_normal_quantile);
        check(Unary::LogNormalQuantile, [-0.694, -0.692], 4.0, double::log_normal_quantile);
    }
}
