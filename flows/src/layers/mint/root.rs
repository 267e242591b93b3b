//! The root for one number, all before it being known.

/// Evaluations of the search for a root: a few, and some dozens where numbers are far out. This many are never
/// needed.
const STEPS: usize = 200;

/// Slopes are between t and the steepest, up to their rounding.
const SLACK: f64 = 1e-9;

/// The centre taps between the K hidden units of one channel.
#[derive(Clone, Debug)]
pub(super) struct Centre {
    /// W₁ᶜ, K.
    pub(super) first: Vec<f64>,
    /// W₂ᶜ, `[k][l]`: from the first hidden layer's unit k to the second's l.
    pub(super) second: Vec<f64>,
    /// W₃ᶜ, K.
    pub(super) third: Vec<f64>,
    /// The largest that d can be: the ELU's slope is at most 1.
    pub(super) steepest: f64,
}

/// What is known where a number is looked for: all sums over what comes before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) centre: &'a Centre,
    /// Into the K units of the first hidden layer, and of the second.
    pub(super) hidden: [&'a [f64]; 2],
    /// Into the output, less its target.
    pub(super) rest: f64,
    pub(super) t: f64,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) x: f64,
    /// t + d.
    pub(super) slope: f64,
    pub(super) evaluations: usize,
}

/// The hidden units of one number: those of the last x that was looked at.
#[derive(Debug)]
pub(super) struct Units {
    pub(super) hidden: [Vec<f64>; 2],
    /// ∂/∂x of the first hidden layer's units, and of what goes into the second's.
    slopes: [Vec<f64>; 2],
}

/// The function at a point.
struct Value {
    excess: f64,
    slope: f64,
    /// The sum of its terms' sizes, which rounding is relative to.
    size: f64,
}

/// The ELU and its slope.
fn elu(a: f64) -> (f64, f64) {
    if a >= 0.0 {
        (a, 1.0)
    } else if a < -0.5 {
        let e = a.exp();
        (e - 1.0, e)
    } else {
        let less = a.exp_m1();
        (less, less + 1.0)
    }
}

impl Units {
    pub(super) fn new(branches: usize) -> Self {
        let numbers = || [vec![0.0; branches], vec![0.0; branches]];
        Self { hidden: numbers(), slopes: numbers() }
    }

    /// `g(x) = t·x + Σ_l W₃ᶜ[l]·h(known₂[l] + Σ_k W₂ᶜ[l,k]·h(known₁[k] + W₁ᶜ[k]·x)) + rest`.
    fn evaluate(&mut self, known: &Known<'_>, x: f64) -> Value {
        let Centre { first, second, third, .. } = known.centre;
        let ([h1, h2], [s1, s2]) = (&mut self.hidden, &mut self.slopes);
        for (k, (h, s)) in h1.iter_mut().zip(s1.iter_mut()).enumerate() {
            let (value, slope) = elu(known.hidden[0][k] + first[k] * x);
            (*h, *s) = (value, slope * first[k]);
        }
        h2.copy_from_slice(known.hidden[1]);
        s2.fill(0.0);
        for ((row, &h), &s) in second.chunks_exact(third.len()).zip(&*h1).zip(&*s1) {
            for ((into, slope), w) in h2.iter_mut().zip(s2.iter_mut()).zip(row) {
                *into += w * h;
                *slope += w * s;
            }
        }
        let linear = known.t * x;
        let mut value = Value { excess: linear + known.rest, slope: known.t, size: linear.abs() + known.rest.abs() };
        for ((h, s), w) in h2.iter_mut().zip(&*s2).zip(third) {
            let (unit, slope) = elu(*h);
            *h = unit;
            value.excess += w * unit;
            value.slope += w * slope * s;
            value.size += (w * unit).abs();
        }
        value
    }

    /// The root, by Newton's method in a bracket, which bisection makes smaller wherever Newton's step would leave
    /// it or does not halve the step before last.
    ///
    /// Slopes are between t and t + the steepest d, so that each value that is not 0 bounds the root on both sides.
    pub(super) fn root(&mut self, known: &Known<'_>, start: f64) -> Found {
        let (flat, steep) = (known.t * (1.0 - SLACK), (known.t + known.centre.steepest) * (1.0 + SLACK));
        let (mut low, mut high, mut x) = (f64::NEG_INFINITY, f64::INFINITY, start);
        let (mut last, mut before_last, mut closed) = (f64::INFINITY, f64::INFINITY, false);
        for evaluations in 1..STEPS {
            let Value { excess, slope, size } = self.evaluate(known, x);
            if !excess.is_finite() {
                // An infinite target has an infinite x, and what is no number has none.
                return Found { x: x - excess, slope, evaluations };
            }
            if closed || excess.abs() <= f64::EPSILON * size {
                return Found { x, slope, evaluations };
            }
            let (near, far) = (x - excess / steep, x - excess / flat);
            (low, high) = (low.max(near.min(far)), high.min(near.max(far)));
            let newton = x - excess / slope;
            // Where both ends are the same up to rounding, Newton's step is the last.
            closed = low >= high;
            let inside = newton >= low && newton <= high && (newton - x).abs() <= 0.5 * before_last;
            let next = if closed || inside { newton } else { 0.5 * low + 0.5 * high };
            (before_last, last) = (last, (next - x).abs());
            if last <= f64::EPSILON * x.abs() {
                return Found { x, slope, evaluations };
            }
            x = next;
        }
        let Value { slope, .. } = self.evaluate(known, x);
        Found { x, slope, evaluations: STEPS }
    }
}
