//! The roots for one number of eight samples, all before it being known.

use autograd::lanes::{Eight, LANES, add_product, elu};

/// Evaluations of the search for a root: a few, and some dozens where numbers are far out. This many are never
/// needed.
pub(super) const STEPS: usize = 200;

/// Slopes are between t and the steepest, up to their rounding.
const SLACK: f64 = 1e-9;

/// Newton's step is the last where it is at most so many units in the last place of x, or of 1: what it leaves is
/// the square of that.
const CLOSE: f64 = 64.0;

/// How long roots are looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    /// The most evaluations.
    pub(super) most: usize,
    /// The gap between 1 and the next number, in the type that x is wanted in.
    pub(super) precision: f64,
}

/// The center taps between the K hidden units of one channel.
#[derive(Clone, Debug)]
pub(super) struct Center {
    /// W₁ᶜ, K.
    first: Vec<f64>,
    /// W₂ᶜ, `[k][l]`: from the first hidden layer's unit k to the second's l.
    second: Vec<f64>,
    /// W₃ᶜ and its sizes, `[l][2]`.
    third: Vec<f64>,
    /// Σ|W₃ᶜ|.
    size: f64,
    /// The largest that d can be: the ELU's slope is at most 1.
    steepest: f64,
}

/// What is known where a number is looked for: all sums over what comes before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) center: &'a Center,
    /// Into the K units of the first hidden layer, and of the second.
    pub(super) hidden: [&'a [Eight]; 2],
    /// Into the output, less its target.
    pub(super) rest: Eight,
    pub(super) t: f64,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) x: Eight,
    /// t + d.
    pub(super) slope: Eight,
    pub(super) evaluations: [usize; LANES],
}

/// The hidden units of one number of eight samples: those of the last x that was looked at.
#[derive(Debug)]
pub(super) struct Units {
    pub(super) hidden: [Vec<Eight>; 2],
    /// Their derivatives by x.
    slopes: [Vec<Eight>; 2],
}

/// The function at a point.
#[derive(Clone, Copy)]
struct Value {
    excess: f64,
    slope: f64,
    /// The sum of its terms' sizes at most, which rounding is relative to.
    size: f64,
}

/// Newton's method for one sample, in a bracket.
///
/// Slopes are between t and t + the steepest d, so that each value that is not 0 bounds the root on both sides.
#[derive(Clone, Copy)]
struct Newton {
    /// The point that is looked at.
    x: f64,
    /// The last step, which is not looked at any more: units follow it along their slopes.
    end: Option<f64>,
    low: f64,
    high: f64,
    last: f64,
    before_last: f64,
}

impl Newton {
    fn new(start: f64) -> Self {
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        Self { x: start, end: None, low, high, last: f64::INFINITY, before_last: f64::INFINITY }
    }

    /// Newton's step, or half of the bracket where that would leave it or does not halve the step before last.
    fn step(&mut self, value: Value, [flat, steep]: [f64; 2], precision: f64, ends: bool) {
        let Value { excess, slope, size } = value;
        if !excess.is_finite() {
            // An infinite target has an infinite x, and what is no number has none.
            self.end = Some(-excess);
            return;
        }
        if excess.abs() <= f64::EPSILON * size {
            self.end = Some(0.0);
            return;
        }
        let (near, far) = (self.x - excess / steep, self.x - excess / flat);
        (self.low, self.high) = (self.low.max(near.min(far)), self.high.min(near.max(far)));
        let newton = self.x - excess / slope;
        // Where both ends are the same up to rounding, Newton's step is the last.
        let closed = self.low >= self.high;
        let inside = newton >= self.low && newton <= self.high && (newton - self.x).abs() <= 0.5 * self.before_last;
        let next = if closed || inside { newton } else { 0.5 * self.low + 0.5 * self.high };
        let step = next - self.x;
        (self.before_last, self.last) = (self.last, step.abs());
        let close = step.abs() <= CLOSE * precision * self.x.abs().max(1.0);
        if ends || closed || close {
            self.end = Some(step);
        } else {
            self.x = next;
        }
    }
}

impl Center {
    pub(super) fn new(first: Vec<f64>, second: Vec<f64>, third: Vec<f64>) -> Self {
        let branches = first.len();
        let terms = second.iter().enumerate().map(|(i, w)| (third[i % branches] * w * first[i / branches]).abs());
        let steepest = terms.sum();
        let size = third.iter().map(|w| w.abs()).sum();
        let third = third.into_iter().flat_map(|w| [w, w.abs()]).collect();
        Self { first, second, third, size, steepest }
    }
}

impl Units {
    pub(super) fn new(branches: usize) -> Self {
        let numbers = || [0, 1].map(|_| vec![[0.0; LANES]; branches]);
        Self { hidden: numbers(), slopes: numbers() }
    }

    /// `g(x) = t·x + Σ_l W₃ᶜ[l]·h(known₂[l] + Σ_k W₂ᶜ[l,k]·h(known₁[k] + W₁ᶜ[k]·x)) + rest`.
    fn evaluate(&mut self, known: &Known<'_>, x: &Eight) -> [Value; LANES] {
        let Center { first, second, third, size, .. } = known.center;
        let ([h1, h2], [s1, s2]) = (&mut self.hidden, &mut self.slopes);
        h1.copy_from_slice(known.hidden[0]);
        add_product(first, &[*x], h1);
        for (slope, &w) in s1.iter_mut().zip(first) {
            *slope = [w; LANES];
        }
        elu(h1, s1);
        h2.copy_from_slice(known.hidden[1]);
        add_product(second, h1, h2);
        s2.fill([0.0; LANES]);
        add_product(second, s1, s2);
        elu(h2, s2);
        // Each with weights of either sign, and with their sizes: an ELU is at least −1.
        let [mut values, mut slopes] = [[[0.0; LANES]; 2]; 2];
        add_product(third, h2, &mut values);
        add_product(third, s2, &mut slopes);
        std::array::from_fn(|lane| {
            let linear = known.t * x[lane];
            Value {
                excess: linear + known.rest[lane] + values[0][lane],
                slope: known.t + slopes[0][lane],
                size: linear.abs() + known.rest[lane].abs() + values[1][lane] + 2.0 * size,
            }
        })
    }

    /// The roots.
    pub(super) fn root(&mut self, known: &Known<'_>, start: &Eight, search: Search) -> Found {
        let bounds = [known.t * (1.0 - SLACK), (known.t + known.center.steepest) * (1.0 + SLACK)];
        let mut each = start.map(Newton::new);
        let mut found = Found { x: *start, slope: [0.0; LANES], evaluations: [0; LANES] };
        while each.iter().any(|sample| sample.end.is_none()) {
            // Samples whose end has come are looked at again where they were, with the same outcome.
            let values = self.evaluate(known, &each.map(|sample| sample.x));
            for (lane, (sample, value)) in each.iter_mut().zip(values).enumerate() {
                if sample.end.is_none() {
                    found.evaluations[lane] += 1;
                    found.slope[lane] = value.slope;
                    sample.step(value, bounds, search.precision, found.evaluations[lane] >= search.most);
                }
            }
        }
        let steps = each.map(|sample| sample.end.unwrap_or(0.0));
        found.x = std::array::from_fn(|lane| each[lane].x + steps[lane]);
        for (units, slopes) in self.hidden.iter_mut().zip(&self.slopes) {
            for (unit, slope) in units.iter_mut().zip(slopes) {
                for lane in 0..LANES {
                    unit[lane] += slope[lane] * steps[lane];
                }
            }
        }
        found
    }
}
