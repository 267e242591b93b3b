//! A mixture on plain values, one by one, and the root that z → x needs.

use super::{super::bound::softly_bounded_number, FAR, Kind};
use crate::log_sum::LogSum;
use autograd::special::increasing_root;
use std::f64::consts::LN_2;

#[derive(Clone, Copy, Debug, Default)]
struct Component {
    log_weight: f64,
    mean: f64,
    log_scale: f64,
    scale: f64,
    /// Scratch space: where x lies in the component, and the logarithm of its part of a tail.
    place: f64,
    log_part: f64,
}

/// A mixture with given parameters.
#[derive(Debug)]
pub(super) struct Scalar {
    kind: Kind,
    components: Vec<Component>,
}

/// A result and its log-derivative.
pub(super) type Mapped = (f64, f64);

impl Scalar {
    pub(super) fn new(kind: Kind, components: usize) -> Self {
        Self { kind, components: vec![Component::default(); components] }
    }

    /// Sets the parameters, in the order of the network's outputs.
    pub(super) fn set(&mut self, parameter: impl Fn(usize) -> f64) {
        let count = self.components.len();
        let all = LogSum::of((0..count).map(&parameter));
        for (k, component) in self.components.iter_mut().enumerate() {
            let log_scale = softly_bounded_number(parameter(2 * count + k));
            *component = Component {
                log_weight: parameter(k) - all,
                mean: parameter(count + k),
                log_scale,
                scale: log_scale.exp(),
                ..Component::default()
            };
        }
    }

    /// x → z with `log ∂z/∂x` from the tail on one side, 1 the left and −1 the right; none if that is the heavier.
    fn by_tail(&mut self, x: f64, side: f64) -> Option<Mapped> {
        let mut nearest = f64::NEG_INFINITY;
        for c in &mut self.components {
            c.place = side * (x - c.mean) / c.scale;
            nearest = nearest.max(c.place);
        }
        let (from, to) = if nearest < -FAR { (nearest, -FAR) } else { (0.0, 0.0) };
        let mut largest = f64::NEG_INFINITY;
        for c in &mut self.components {
            c.place = (c.place - from) + to;
            c.log_part = c.log_weight + self.kind.log_cdf_of(c.place);
            largest = largest.max(c.log_part);
        }
        let parts = LogSum::of(self.components.iter().map(|c| c.log_part - largest));
        let log_tail = largest + parts;
        // Rounding may put the median on neither side, so a little more than ½ is accepted.
        if log_tail > -LN_2 + 1e-9 {
            return None;
        }
        let slope = |c: &Component| c.log_part - largest + self.kind.log_score_of(c.place) - c.log_scale;
        let quantile = self.kind.quantile_of(log_tail);
        let log_deriv = LogSum::of(self.components.iter().map(slope)) - parts - self.kind.log_score_of(quantile);
        Some((side * ((quantile - to) + from), log_deriv))
    }

    /// The same from the lighter tail, trying `side` first.
    fn latent(&mut self, x: f64, side: f64) -> Mapped {
        self.by_tail(x, side).or_else(|| self.by_tail(x, -side)).unwrap_or((f64::NAN, f64::NAN))
    }

    /// x → z, with `log ∂z/∂x`.
    pub(super) fn z_of(&mut self, x: f64) -> Mapped {
        self.latent(x, 1.0)
    }

    /// z → x, with `log ∂x/∂z`: a root. It takes about four steps where components overlap, and up to forty where they
    /// lie thousands of scales apart. It is between the least and the greatest of the components' own quantiles μₖ + σₖ·z:
    /// at the least, no component has more than G(z) to its left, and at the greatest none has less.
    pub(super) fn x_of(&mut self, z: f64) -> Mapped {
        let side = if z > 0.0 { -1.0 } else { 1.0 };
        let (mut low, mut high, mut x) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
        for c in &self.components {
            let own = c.mean + c.scale * z;
            (low, high) = (low.min(own), high.max(own));
            x += c.log_weight.exp() * own;
        }
        // An infinite z has an infinite x, and NaN has none.
        if !x.is_finite() {
            return (x, f64::NAN);
        }
        let (x, log_deriv) = increasing_root(z, [low, high], x, |x| self.latent(x, side));
        (x, -log_deriv)
    }
}
