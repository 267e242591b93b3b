//! Special functions of a single `f64`, for computations that are not recorded, such as root finding. For whole
//! tensors they are operations of [`Var`](crate::Var).

pub use crate::kernels::math::f64_functions::{log_normal_cdf, log_normal_quantile, normal_score, softplus};

/// At most this many steps; a few are usual, some dozens where `f` is far from linear.
const STEPS: usize = 2200;

/// A bracket around the root of an increasing function of one number: Newton's method, with bisection wherever Newton's
/// step would leave the bracket or does not halve the step before last.
#[derive(Clone, Copy, Debug)]
pub struct Bracket {
    low: f64,
    high: f64,
    last: f64,
    before_last: f64,
}

impl Bracket {
    /// For a root between these two.
    #[must_use]
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high, last: f64::INFINITY, before_last: f64::INFINITY }
    }

    /// The next point after `x`, where the function is `excess` above its target and has this slope. If it is `x`
    /// again, no number is closer to the root.
    #[must_use]
    pub fn next(&mut self, x: f64, excess: f64, slope: f64) -> f64 {
        *(if excess < 0.0 { &mut self.low } else { &mut self.high }) = x;
        let Self { low, high, .. } = *self;
        let newton = x - excess / slope;
        let halves = (newton - x).abs() <= 0.5 * self.before_last;
        let next = if newton >= low && newton <= high && halves { newton } else { 0.5 * low + 0.5 * high };
        (self.before_last, self.last) = (self.last, (next - x).abs());
        next
    }
}

/// The x between `low` and `high` at which an increasing `f` is `target`, with the logarithm of the slope there;
/// `f` gives its value and the logarithm of its slope.
///
/// By Newton's method in a [`Bracket`], until `f` is the target to machine precision or no number is closer.
pub fn increasing_root(
    target: f64,
    [low, high]: [f64; 2],
    start: f64,
    mut f: impl FnMut(f64) -> (f64, f64),
) -> (f64, f64) {
    let precise = f64::EPSILON * target.abs().max(1.0);
    let mut bracket = Bracket::new(low, high);
    let (mut x, mut log_deriv) = (start.clamp(low, high), f64::NAN);
    for _ in 0..STEPS {
        let found;
        (found, log_deriv) = f(x);
        let excess = found - target;
        if excess.abs() <= precise {
            break;
        }
        let next = bracket.next(x, excess, log_deriv.exp());
        if next == x {
            break;
        }
        x = next;
    }
    (x, log_deriv)
}
