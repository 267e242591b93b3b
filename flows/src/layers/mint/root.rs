//! The roots for one pixel in eight samples, given all pixels before it.

use autograd::lanes::{Eight, LANES, add_product, elu};
use autograd::special::Bracket;

/// More evaluations than any root takes: a few, and some dozens for values far out.
pub(super) const STEPS: usize = 200;

/// Relative rounding of the bounds on slopes.
const SLACK: f64 = 1e-9;

/// A Newton step of at most this many units in the last place of max(|x|, 1) is the last: its error is the square of
/// that.
const CLOSE: f64 = 64.0;

/// When the search for a root ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    /// The most evaluations.
    pub(super) most: usize,
    /// The machine epsilon of x's type.
    pub(super) precision: f64,
}

/// The center taps between the K hidden units of one channel.
#[derive(Clone, Debug)]
pub(super) struct Center {
    /// W₁ᶜ, K.
    first: Vec<f64>,
    /// W₂ᶜ, `[k][l]`: from the first hidden layer's unit k to the second's l.
    second: Vec<f64>,
    /// W₃ᶜ and |W₃ᶜ|, `[l][2]`.
    third: Vec<f64>,
    /// Σ|W₃ᶜ|.
    size: f64,
    /// The largest possible d: the ELU's derivative is at most 1.
    steepest: f64,
}

/// All sums over the pixels before the current one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) center: &'a Center,
    /// Those of the K units of both hidden layers, before their ELUs.
    pub(super) hidden: [&'a [Eight]; 2],
    /// That of the output, minus its target.
    pub(super) rest: Eight,
    pub(super) t: f64,
}

/// The roots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) x: Eight,
    /// t + d.
    pub(super) slope: Eight,
    pub(super) evaluations: [usize; LANES],
}

/// The hidden units of one pixel of eight samples, at the last x evaluated.
#[derive(Debug)]
pub(super) struct Units {
    pub(super) hidden: [Vec<Eight>; 2],
    /// Their derivatives with respect to x.
    slopes: [Vec<Eight>; 2],
}

/// g at a point.
#[derive(Clone, Copy)]
struct Value {
    excess: f64,
    slope: f64,
    /// A bound on the sum of its terms' absolute values, for rounding.
    size: f64,
}

/// Newton's method for one sample, in a bracket.
///
/// The slope is between t and t plus the largest d, so each evaluation bounds the root on both sides.
#[derive(Clone, Copy)]
struct Newton {
    /// The current point.
    x: f64,
    /// The last step, after which g is not evaluated again: the units follow it linearly.
    end: Option<f64>,
    bracket: Bracket,
}

impl Newton {
    fn new(start: f64) -> Self {
        Self { x: start, end: None, bracket: Bracket::new(f64::NEG_INFINITY, f64::INFINITY) }
    }

    /// One step, `slopes` being the least and the largest slope. `ends` if it has to be the last.
    fn step(&mut self, value: Value, [flat, steep]: [f64; 2], precision: f64, ends: bool) {
        let Value { excess, slope, size } = value;
        if !excess.is_finite() {
            // An infinite target has an infinite x, and a NaN has none.
            self.end = Some(-excess);
            return;
        }
        if excess.abs() <= f64::EPSILON * size {
            self.end = Some(0.0);
            return;
        }
        let (near, far) = (self.x - excess / steep, self.x - excess / flat);
        let closed = self.bracket.narrow(near.min(far), near.max(far));
        let newton = self.x - excess / slope;
        let next = if closed { newton } else { self.bracket.step(self.x, newton) };
        let step = next - self.x;
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
        let zeros = || [0, 1].map(|_| vec![[0.0; LANES]; branches]);
        Self { hidden: zeros(), slopes: zeros() }
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
        // Each with W₃ᶜ and with |W₃ᶜ|.
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
            // Finished samples are evaluated again at the same place.
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
