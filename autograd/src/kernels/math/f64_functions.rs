//! Double-precision functions, through the standard library and `libm`: one number at a time,
//! nearly as accurate as `f64` allows. The fast `f32` functions are tested against them.

use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, SQRT_2, TAU};

/// 1/√2, and what `f64` leaves of it.
const INV_SQRT_2: f64 = std::f64::consts::FRAC_1_SQRT_2;
const INV_SQRT_2_REST: f64 = -4.833_646_656_726_463e-17;
/// What `f64` leaves of ln 2.
const LN_2_REST: f64 = 2.319_046_813_846_3e-17;
/// From here on the left tail of the normal distribution is its asymptotic series.
const FAR: f64 = 35.0;

/// `1/(1 + e⁻ˣ)`.
pub(crate) fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

/// `ln(1 + eˣ)`.
pub fn softplus(x: f64) -> f64 {
    // Not `max`, which would swallow a NaN.
    let linear = if x < 0.0 { 0.0 } else { x };
    linear + (-x.abs()).exp().ln_1p()
}

/// `x` for positive `x`, else `eˣ − 1`.
pub(crate) fn elu(x: f64) -> f64 {
    if x > 0.0 { x } else { x.exp_m1() }
}

/// `Φ(x)`.
pub(crate) fn normal_cdf(x: f64) -> f64 {
    let a = -x * INV_SQRT_2;
    let tail = libm::erfc(a);
    if !(0.0..28.0).contains(&a) {
        return 0.5 * tail;
    }
    // Far out, half a unit in the last place of `a` is a hundred of the result: put it back
    // to first order, erfc(a + δ) ≈ erfc(a) − 2/√π·exp(−a²)·δ.
    let delta = product_error(-x, INV_SQRT_2, a) - x * INV_SQRT_2_REST;
    0.5 * tail - 0.5 * FRAC_2_SQRT_PI * (-a * a).exp() * delta
}

/// `a·b − product` where `product` is `a·b` rounded, without a fused multiply-add.
fn product_error(a: f64, b: f64, product: f64) -> f64 {
    let upper = |v: f64| f64::from_bits(v.to_bits() & !0x07ff_ffff);
    let (a_hi, b_hi) = (upper(a), upper(b));
    let (a_lo, b_lo) = (a - a_hi, b - b_hi);
    ((a_hi * b_hi - product) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo
}

/// `ln Φ(x)`.
pub fn log_normal_cdf(x: f64) -> f64 {
    if x > 0.0 {
        (-normal_cdf(-x)).ln_1p()
    } else if x > -FAR {
        normal_cdf(x).ln()
    } else {
        // Φ(−t) = φ(t)/t·(1 − 1/t² + 3/t⁴ − 15/t⁶ + …)
        let u = 1.0 / (x * x);
        let series = -u * (1.0 - u * (3.0 - u * (15.0 - u * (105.0 - u * 945.0))));
        -0.5 * x * x - (-x).ln() - 0.5 * TAU.ln() + series.ln_1p()
    }
}

/// `φ(x)/Φ(x)`, the derivative of `ln Φ`.
pub fn normal_score(x: f64) -> f64 {
    if x > -5.0 {
        return (-0.5 * x * x).exp() / TAU.sqrt() / normal_cdf(x);
    }
    // Laplace's continued fraction, t + 1/(t + 2/(t + 3/(t + …))), which converges fast here.
    let t = -x;
    (1..60).rev().fold(t, |rest, k| t + f64::from(k) / rest)
}

/// `z` with `ln Φ(z) = x`.
pub fn log_normal_quantile(x: f64) -> f64 {
    if x.is_nan() || x > 0.0 {
        f64::NAN
    } else if x == 0.0 {
        f64::INFINITY
    } else if x == f64::NEG_INFINITY {
        x
    } else if (-1.3..-0.32).contains(&x) {
        quantile_near_median(0.5 * ((x + LN_2) + LN_2_REST).exp_m1())
    } else if x < -LN_2 {
        -tail_quantile(x)
    } else {
        tail_quantile((-x.exp_m1()).ln())
    }
}

/// `z` with `Φ(z) − ½ = y`, relative to itself, for `|y| ≤ ¼`: Newton's method on erf.
fn quantile_near_median(y: f64) -> f64 {
    let mut z = y * (TAU.sqrt() + 2.6 * y * y + 9.0 * y.powi(4));
    for _ in 0..4 {
        let density = (-0.5 * z * z).exp() / TAU.sqrt();
        z -= (0.5 * libm::erf(z * INV_SQRT_2) - y) / density;
    }
    z
}

/// `t` with `ln Φ(−t) = x`, for `x < −1`: a rational start, then Newton's method on the logarithm.
fn tail_quantile(x: f64) -> f64 {
    let s = (-x).sqrt() * SQRT_2;
    if s > 1e9 {
        // Here s − t is ln(√2π·s)/s, and that is less than a unit in the last place.
        return s;
    }
    let mut t = s - (2.40 + 0.636 * s + 0.0084 * s * s) / (1.0 + 1.263 * s + 0.148 * s * s + 0.0011 * s * s * s);
    for _ in 0..3 {
        let log_tail = log_normal_cdf(-t);
        t += (log_tail - x) / normal_score(-t);
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from 50-digit arithmetic.
    #[track_caller]
    fn close(got: f64, want: f64) {
        let error = ((got - want) / want).abs();
        assert!(error < 1e-14, "{got:e} instead of {want:e}: off by {error:e}");
    }

    #[test]
    fn values() {
        let of_cdf = [
            (3.0, 0.998_650_101_968_369_9),
            (-0.5, 0.308_537_538_725_986_9),
            (-1.0, 0.158_655_253_931_457_05),
            (-5.0, 2.866_515_718_791_939e-7),
            (-20.0, 2.753_624_118_606_233_7e-89),
            (-37.5, 4.605_353_009_581_955e-308),
        ];
        let of_log_cdf = [
            (3.0, -0.001_350_809_964_748_193_8),
            (1.0, -0.172_753_779_023_449_9),
            (-0.5, -1.175_911_761_593_618_6),
            (-5.0, -15.064_998_393_988_726),
            (-20.0, -203.917_155_371_097_26),
            (-40.0, -804.608_442_013_753_8),
            (-100.0, -5_005.524_208_694_205),
            (-1e4, -50_000_010.129_278_92),
            (-1e8, -5_000_000_000_000_019.0),
        ];
        let of_score = [
            (3.0, 0.004_437_839_042_125_664),
            (-0.5, 1.1410777703680645),
            (-4.999, 5.185_536_668_974_189),
            (-5.001, 5.187_471_276_103_26),
            (-40.0, 40.024_968_847_207_26),
        ];
        let of_quantile = [
            (-1e-30, 11.464_024_688_443_616),
            (-1e-10, 6.361_340_902_411_735),
            (-0.01, 2.328_221_737_537_176),
            (-0.3, 0.645_869_986_201_263_6),
            (-0.69, 0.003_950_629_560_280_057),
            (-0.7, -0.008_559_478_582_480_282),
            (-1.0, -0.337_474_963_764_202_44),
            (-3.0, -1.646_921_720_527_715),
            (-50.0, -9.674_825_283_612_357),
            (-1e4, -141.379_839_873_127_16),
            (-1e10, -141_421.356_146_952_3),
            (-1e30, -1_414_213_562_373_095.0),
        ];
        let of_softplus = [(-40.0, (-40f64).exp()), (0.0, LN_2)];
        let of_sigmoid = [(-700.0, (-700f64).exp()), (1.0, 0.731_058_578_630_004_9)];
        type Table<'a> = (fn(f64) -> f64, &'a [(f64, f64)]);
        let tables: [Table<'_>; 6] = [
            (normal_cdf, &of_cdf),
            (log_normal_cdf, &of_log_cdf),
            (normal_score, &of_score),
            (log_normal_quantile, &of_quantile),
            (softplus, &of_softplus),
            (sigmoid, &of_sigmoid),
        ];
        for (f, table) in tables {
            table.iter().for_each(|&(x, want)| close(f(x), want));
            assert!(f(f64::NAN).is_nan());
        }
        close(log_normal_cdf(-FAR + 1e-9), log_normal_cdf(-FAR - 1e-9) + 2e-9 * normal_score(-FAR));
    }

    #[test]
    fn limits() {
        let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!([normal_cdf(least), normal_cdf(most)], [0.0, 1.0]);
        assert_eq!([log_normal_cdf(least), log_normal_cdf(most)], [least, 0.0]);
        assert_eq!([normal_score(least), normal_score(most)], [most, 0.0]);
        assert_eq!(softplus(800.0), 800.0);
    }

    #[test]
    fn the_quantile_inverts_the_distribution_function() {
        for k in 0..600 {
            let x = -(10f64.powf(f64::from(k) / 10.0 - 30.0));
            let z = log_normal_quantile(x);
            let back = log_normal_cdf(z);
            // z carries x only as well as f64 carries z.
            let slope = (normal_score(z) * z / x).abs();
            assert!(((back - x) / x).abs() < 4e-15 * slope.max(1.0), "{x:e} returned as {back:e}");
        }
    }
}
