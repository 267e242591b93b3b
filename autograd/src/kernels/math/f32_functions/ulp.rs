//! The accuracy of each function over slices, at every level, in units in the last place.

use crate::elementwise::Unary;
use crate::kernels::map;
use crate::kernels::math::f64_functions as wide;
use crate::kernels::simd::on_every_level;

/// Numbers at which formulas change hands or end.
const EDGES: [f32; 22] = [
    0.0,
    -0.0,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    1e-45,
    -1e-45,
    1.0,
    -1.0,
    88.722_83,
    88.722_84,
    -87.336_54,
    -103.972_08,
    -103.278_93,
    0.6,
    -std::f32::consts::LN_2,
    -1e30,
    -1e-30,
];

/// The error of `got` as a multiple of the spacing of floats around `want`.
fn ulps(got: f32, want: f64) -> f64 {
    let nearest = want as f32;
    if got == nearest || (got.is_nan() && want.is_nan()) {
        return 0.0;
    }
    if !got.is_finite() || !nearest.is_finite() {
        return f64::INFINITY;
    }
    let exponent = want.abs().max(f64::from(f32::MIN_POSITIVE)).log2().floor() as i32;
    (f64::from(got) - want).abs() / 2f64.powi(exponent - 23)
}

/// Fails where `op` is further than `limit` from `exact`, at any level, over: a dense sweep of
/// `range`, a comb through every bit pattern of `f32`, and the edges.
fn check(op: Unary, range: [f32; 2], limit: f64, exact: fn(f64) -> f64) {
    const DENSE: usize = 200_000;
    let step = (f64::from(range[1]) - f64::from(range[0])) / DENSE as f64;
    let dense = (0..DENSE).map(|k| (f64::from(range[0]) + step * k as f64) as f32);
    let comb = (0..=u32::MAX).step_by(10_007).map(f32::from_bits);
    let xs: Vec<f32> = dense.chain(comb).chain(EDGES).collect();
    let wanted: Vec<f64> = xs.iter().map(|&x| exact(f64::from(x))).collect();
    on_every_level(|level| {
        let mut got = vec![0.0; xs.len()];
        map::unary(op, &xs, &mut got);
        let mut worst = (0.0, 0);
        for (k, (&g, &w)) in got.iter().zip(&wanted).enumerate() {
            let error = ulps(g, w);
            if error > worst.0 {
                worst = (error, k);
            }
        }
        let (error, k) = worst;
        println!("{op:?} on {level:?}: at most {error:.2} ULP, at {:e}", xs[k]);
        assert!(
            error <= limit,
            "{op:?} on {level:?}: {error:.2} ULP at {:e}: {:e} instead of {:e}",
            xs[k],
            got[k],
            wanted[k]
        );
    });
}

fn softplus(x: f64) -> f64 {
    // `f64::max` would swallow a NaN.
    (if x > 0.0 { x } else { 0.0 }) + (-x.abs()).exp().ln_1p()
}

/// A function, a range, the allowed error, and the function in `f64`.
type Case = (Unary, [f32; 2], f64, fn(f64) -> f64);
const FUNCTIONS: [Case; 26] = [
    (Unary::Exp, [-104.0, 89.0], 1.0, f64::exp),
    (Unary::Expm1, [-18.0, 89.0], 1.5, f64::exp_m1),
    (Unary::Expm1, [-1.5, 1.5], 1.5, f64::exp_m1),
    (Unary::Sigmoid, [-104.0, 20.0], 2.5, |x| 1.0 / (1.0 + (-x).exp())),
    (Unary::Tanh, [-10.0, 10.0], 2.0, f64::tanh),
    (Unary::Tanh, [0.3, 1.0], 2.0, f64::tanh),
    (Unary::Elu, [-20.0, 5.0], 1.5, |x| if x > 0.0 { x } else { x.exp_m1() }),
    (Unary::Ln, [0.4, 2.5], 1.0, f64::ln),
    (Unary::Ln, [0.0, 1e6], 1.0, f64::ln),
    (Unary::Ln1p, [-0.7, 1.5], 2.0, f64::ln_1p),
    (Unary::Ln1p, [-1.0, 1e6], 2.0, f64::ln_1p),
    (Unary::Softplus, [-104.0, 20.0], 3.0, softplus),
    (Unary::Softplus, [-2.0, 2.0], 3.0, softplus),
    (Unary::LogSigmoid, [-20.0, 104.0], 3.0, |x| -softplus(-x)),
    (Unary::Erf, [-4.5, 4.5], 2.0, libm::erf),
    (Unary::Erf, [0.8, 1.0], 2.0, libm::erf),
    (Unary::NormalCdf, [-14.5, 6.0], 4.0, wide::normal_cdf),
    (Unary::NormalCdf, [-1.0, 1.0], 4.0, wide::normal_cdf),
    (Unary::LogNormalCdf, [-20.0, 14.5], 4.0, wide::log_normal_cdf),
    (Unary::LogNormalCdf, [-1.0, 1.0], 4.0, wide::log_normal_cdf),
    (Unary::LogNormalCdf, [-1e4, -20.0], 4.0, wide::log_normal_cdf),
    (Unary::NormalScore, [-20.0, 14.5], 4.0, wide::normal_score),
    (Unary::NormalScore, [-1.0, 1.0], 4.0, wide::normal_score),
    (Unary::LogNormalQuantile, [-100.0, 0.0], 4.0, wide::log_normal_quantile),
    (Unary::LogNormalQuantile, [-2.0, 0.0], 4.0, wide::log_normal_quantile),
    (Unary::LogNormalQuantile, [-0.694, -0.692], 4.0, wide::log_normal_quantile),
];

#[test]
fn every_function_is_as_accurate_as_stated() {
    for (op, range, limit, exact) in FUNCTIONS {
        check(op, range, limit, exact);
    }
}
