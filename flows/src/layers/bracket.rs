//! Where to look next for a root.

/// The root of an increasing function of one number, between two others: Newton's method in a bracket, which
/// bisection makes smaller wherever Newton's step would leave it or does not halve the step before last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bracket {
    low: f64,
    high: f64,
    last: f64,
    before_last: f64,
}

impl Bracket {
    /// A root that is known to be between these two.
    pub(super) fn new(low: f64, high: f64) -> Self {
        Self { low, high, last: f64::INFINITY, before_last: f64::INFINITY }
    }

    /// Where to look after `x`, at which the function is `excess` above its target and has this slope. Where
    /// that is `x` again, it is the root as nearly as there are numbers.
    pub(super) fn next(&mut self, x: f64, excess: f64, slope: f64) -> f64 {
        *(if excess < 0.0 { &mut self.low } else { &mut self.high }) = x;
        let Self { low, high, .. } = *self;
        let newton = x - excess / slope;
        let halves = (newton - x).abs() <= 0.5 * self.before_last;
        let next = if newton >= low && newton <= high && halves { newton } else { low + 0.5 * (high - low) };
        (self.before_last, self.last) = (self.last, (next - x).abs());
        next
    }
}
