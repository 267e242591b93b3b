//! Special functions of a single `f64`, for computations that are not recorded, such as root finding. For whole
//! tensors they are operations of [`Var`](crate::Var).

pub use crate::kernels::math::f64_functions::{log_normal_cdf, log_normal_quantile, normal_score, softplus};

/// More steps than any root takes: a few, and some dozens where `f` is far from straight.
const STEPS: usize = 2200;

/// Safeguarded Newton steps for the root of an increasing function of one variable: bisection replaces a step that
/// would leave the bracket or does not halve the step before last.
#[derive(Clone, Copy, Debug)]
pub struct Bracket {
    low: f64,
    high: f64,
    last: f64,
    before_last: f64,
}

impl Bracket {
    /// For a root between these two.
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high, last: f64::INFINITY, before_last: f64::INFINITY }
    }

    /// The next point after `x`, where the function exceeds its target by `excess` and has this slope. If that is `x`
    /// again, no number is closer to the root.
    pub fn next(&mut self, x: f64, excess: f64, slope: f64) -> f64 {
        *(if excess < 0.0 { &mut self.low } else { &mut self.high }) = x;
        self.step(x, x - excess / slope)
    }

    /// The root is also between these two. Whether only one number is left up to rounding.
    pub fn narrow(&mut self, low: f64, high: f64) -> bool {
        (self.low, self.high) = (self.low.max(low), self.high.min(high));
        self.low >= self.high
    }

    /// The next point after `x`: that of Newton's method, or the middle of the bracket.
    pub fn step(&mut self, x: f64, newton: f64) -> f64 {
        let Self { low, high, .. } = *self;
        let halves = (newton - x).abs() <= 0.5 * self.before_last;
        let next = if newton >= low && newton <= high && halves { newton } else { 0.5 * low + 0.5 * high };
        (self.before_last, self.last) = (self.last, (next - x).abs());
        next
    }
}

/// The root of an increasing function in a [`Bracket`]. `f` gives its value and its slope. Ends where the value is at
/// most `precise`, or where no number is closer.
pub fn bracketed_root(precise: f64, [low, high]: [f64; 2], start: f64, mut f: impl FnMut(f64) -> (f64, f64)) -> f64 {
    let mut bracket = Bracket::new(low, high);
    let mut x = start.clamp(low, high);
    for _ in 0..STEPS {
        let (excess, slope) = f(x);
        if excess.abs() <= precise {
            break;
        }
        let next = bracket.next(x, excess, slope);
        if next == x {
            break;
        }
        x = next;
    }
    x
}

/// The x between `low` and `high` at which an increasing `f` is `target`, to machine precision, with the logarithm of
/// the slope there. `f` gives its value and the logarithm of its slope.
pub fn increasing_root(target: f64, bounds: [f64; 2], start: f64, mut f: impl FnMut(f64) -> (f64, f64)) -> (f64, f64) {
    let mut log_deriv = f64::NAN;
    let x = bracketed_root(f64::EPSILON * target.abs().max(1.0), bounds, start, |x| {
        let found;
        (found, log_deriv) = f(x);
        (found - target, log_deriv.exp())
    });
    (x, log_deriv)
}
