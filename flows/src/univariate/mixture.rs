//! Mixtures: maps whose x has several modes.
//!
//! Gaussian: Germain et al., *MADE*, 2015; Papamakarios et al., *Masked Autoregressive Flow for Density
//! Estimation*, 2017 ("`MoG`"). Logistic: Salimans et al., *`PixelCNN`++*, 2017; van den Oord et al., *Parallel
//! `WaveNet`*, 2018.

mod kind;
mod scalar;

pub use kind::Kind;

use super::{Elementwise, FIXED, Parameters, Univariate, one_by_one, recorded_root, softly_bounded};
use crate::module::Visitor;
use autograd::{Real, Tensor, Var, outline, parallel};
use scalar::Scalar;
use std::f64::consts::{LN_2, PI};

/// Beyond this many scales from the nearest component, all places move in together until the nearest is at this
/// distance. That far out a component's weight, and changes of it by the other components, are below rounding in z;
/// beyond about 10¹⁹ squares overflow `f32`.
const FAR: f64 = 1e8;

/// The distribution function F of a mixture of K components with the shape of G, followed by G⁻¹:
///
/// <!-- F(x) = Σₖ₌₁ᴷ πₖ·G((x − μₖ)/σₖ),   z = G⁻¹(F(x)),   log dz/dx = log dF/dx − log g(z) -->
#[doc = include_str!("../../formulas/mixture.html")]
///
/// With a base of the same kind ([`StandardNormal`](crate::StandardNormal), [`Logistic`](crate::Logistic)), x given θ
/// has exactly the mixture's density F′. With one component the map is `(x − μ)/σ`.
///
/// θ consists of the K logits of π, then the K means μ, then the K log-scales, each within ±5 as those of
/// [`Affine`](super::Affine): a component cannot shrink onto a value that the data repeat, where its density would grow
/// without end.
///
/// All values come from the lighter tail, F or 1 − F, and from its logarithm ℓ = log Σ πₖG(±uₖ): `z = ±G⁻¹(eˡ)`. The
/// derivative is the ratio of two scores g/G, that of the mixture and that of z, which does not cancel far out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mixture {
    components: usize,
    kind: Kind,
}

impl Mixture {
    /// A mixture of K components.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(components: usize, kind: Kind) -> Self {
        assert!(components > 0, "mixture: no components");
        Self { components, kind }
    }

    /// Mean and variance of x given θ, in the shape of the elements:
    ///
    /// <!-- E[x] = Σₖ πₖμₖ,   Var[x] = Σₖ πₖ(vσₖ² + (μₖ − E[x])²),   v ∈ {1, π²/3} -->
    #[doc = include_str!("../../formulas/mixture-moments.html")]
    pub fn moments<T: Real>(&self, theta: &Parameters<T>) -> [Var<T>; 2] {
        let (count, axes) = (self.components, [theta.axis()]);
        let [logits, means, log_scales] = [0, 1, 2].map(|j| theta.list(j * count..(j + 1) * count));
        let weights = logits.log_softmax(&axes).exp();
        let mean = (&weights * &means).sum(&axes);
        let unit = match self.kind {
            Kind::Gaussian => 1.0,
            Kind::Logistic => PI * PI / 3.0,
        };
        let spread = softly_bounded(&log_scales).scale(2.0).exp().scale(unit);
        let variance = (weights * (spread + (means - theta.facing(&mean)).square())).sum(&axes);
        [mean, variance]
    }

    /// Equal weights, and means spread evenly: equal components would have equal gradients and stay equal. Half of the
    /// variance is that of the means and half that of the components; together it is that of one component with
    /// μ = 0, σ = 1.
    fn spread_out(self) -> Vec<f64> {
        outline::spend(self.components.saturating_mul(8));
        let count = self.components as f64;
        let unit = match self.kind {
            Kind::Gaussian => 1.0,
            // The standard logistic's variance is π²/3.
            Kind::Logistic => PI / 3f64.sqrt(),
        };
        let alone = self.components == 1;
        // Evenly spread over ±a, K numbers have the variance a²(K + 1)/(3(K − 1)).
        let furthest = if alone { 0.0 } else { unit * (1.5 * (count - 1.0) / (count + 1.0)).sqrt() };
        let mean = |k: usize| if alone { 0.0 } else { furthest * (2.0 * k as f64 / (count - 1.0) - 1.0) };
        let log_scale = if alone { 0.0 } else { -0.5 * LN_2 };
        let means = (0..self.components).map(mean);
        std::iter::repeat_n(0.0, self.components).chain(means).chain(vec![log_scale; self.components]).collect()
    }

    /// x → z with its log-derivative, in operations.
    fn latent<T: Real>(self, x: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        let (count, kind, axes) = (self.components, self.kind, [theta.axis()]);
        let [logits, means, log_scales] = [0, 1, 2].map(|j| theta.list(j * count..(j + 1) * count));
        let (log_weights, log_scales) = (logits.log_softmax(&axes), softly_bounded(&log_scales));
        let places = (theta.facing(x) - means) * (-&log_scales).exp();
        // The lighter tail is that of the places as they are, or with the other sign.
        let left = (log_weights.detach() + kind.log_cdf(&places.detach())).logsumexp(&axes);
        let side = left.shift(LN_2).step().affine(-2.0, 1.0);
        let places = places * theta.facing(&side);
        // How far all move in: from the nearest place to −FAR, in two steps, since their difference would have lost the
        // smaller one.
        let nearest = places.max(&axes);
        let beyond = (-nearest.detach()).shift(-FAR).step();
        let (from, to) = (nearest * &beyond, beyond.scale(-FAR));
        let places = (places - theta.facing(&from)) + theta.facing(&to);
        let parts = log_weights + kind.log_cdf(&places);
        let quantile = kind.quantile(&parts.logsumexp(&axes));
        // Both sums relative to the same largest part: their logarithms could be far larger than their difference.
        let relative = &parts - theta.facing(&parts.detach().max(&axes));
        let log_deriv = (&relative + kind.log_score(&places) - log_scales).logsumexp(&axes)
            - relative.logsumexp(&axes)
            - kind.log_score(&quantile);
        Elementwise { value: ((quantile - to) + from) * side, log_deriv }
    }

    /// z → x one by one, on plain values, with `log ∂x/∂z`.
    fn solved<T: Real>(self, z: &Tensor<T>, theta: &Parameters<T>) -> [Tensor<T>; 2] {
        let (targets, theta) = (z.as_slice(), theta.plain());
        let mut solved = vec![(T::ZERO, T::ZERO); targets.len()];
        let per = targets.len().div_ceil(parallel::threads());
        parallel::side_by_side(&mut solved, per, &|start, solved| {
            let mut mixture = Scalar::new(self.kind, self.components);
            for (i, solved) in (start..).zip(solved) {
                mixture.set(|j| theta(i, j).to_f64());
                let (x, log_deriv) = mixture.x_of(targets[i].to_f64());
                *solved = (T::from_f64(x), T::from_f64(log_deriv));
            }
        });
        [Tensor::from_fn(z.shape(), |i| solved[i].0), Tensor::from_fn(z.shape(), |i| solved[i].1)]
    }
}

impl<T: Real> Univariate<T> for Mixture {
    fn parameters(&self) -> usize {
        3 * self.components
    }

    fn start(&self) -> Vec<f64> {
        self.spread_out()
    }

    fn to_latent(&self, x: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        self.latent(x, theta)
    }

    fn to_data(&self, z: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        let [x, log_deriv] = self.solved(z.value(), theta);
        let taped = if z.tape().is_some() { z } else { theta.outputs() };
        let (x, log_deriv) = (taped.constant_like(x), taped.constant_like(log_deriv));
        if taped.tape().is_none() {
            return Elementwise { value: x, log_deriv };
        }
        recorded_root(x, z, |x| self.latent(x, theta))
    }

    fn to_latent_rows(&self, x: &[T], theta: &[T], z: &mut [T], log_deriv: &mut [T]) {
        let mut mixture = Scalar::new(self.kind, self.components);
        one_by_one(x, theta, z, log_deriv, |x, theta| {
            mixture.set(theta);
            mixture.z_of(x)
        });
    }

    fn to_data_rows(&self, z: &[T], theta: &[T], x: &mut [T], log_deriv: &mut [T]) {
        let mut mixture = Scalar::new(self.kind, self.components);
        one_by_one(z, theta, x, log_deriv, |z, theta| {
            mixture.set(theta);
            mixture.x_of(z)
        });
    }

    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("map", self.kind.map());
        visitor.constant("bound", FIXED);
    }
}
