//! Special functions of a single `f64`, for what goes number by number and keeps no record, such as the
//! search for a root. Of whole tensors they are operations of [`Var`](crate::Var).

pub use crate::kernels::double::{log_normal_cdf, log_normal_quantile, normal_score, softplus};

/// Steps of the search for a root: a few, and some dozens where `f` is far from straight. This many are never
/// needed.
const STEPS: usize = 2200;

/// The x between `low` and `high` at which an increasing `f` is `target`, with the logarithm of the slope there;
/// `f` gives its value and the logarithm of its slope.
///
/// Newton's method in a bracket, which bisection makes smaller wherever Newton's step would leave it or does not
/// halve the step before last. Ends where `f` is the target to machine precision, or where no number is nearer.
pub fn increasing_root(
    target: f64,
    [mut low, mut high]: [f64; 2],
    start: f64,
    mut f: impl FnMut(f64) -> (f64, f64),
) -> (f64, f64) {
    let precise = f64::EPSILON * target.abs().max(1.0);
    let (mut x, mut log_slope) = (start.clamp(low, high), f64::NAN);
    let (mut last, mut before_last) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..STEPS {
        let found;
        (found, log_slope) = f(x);
        let excess = found - target;
        if excess.abs() <= precise {
            break;
        }
        *(if excess < 0.0 { &mut low } else { &mut high }) = x;
        let newton = x - excess * (-log_slope).exp();
        let halves = (newton - x).abs() <= 0.5 * before_last;
        let next = if newton >= low && newton <= high && halves { newton } else { 0.5 * low + 0.5 * high };
        (before_last, last) = (last, (next - x).abs());
        if next == x {
            break;
        }
        x = next;
    }
    (x, log_slope)
}
