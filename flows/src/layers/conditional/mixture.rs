//! Mixtures: conditionals with several modes.
//!
//! Gaussian: Germain et al., *MADE*, 2015; Papamakarios et al., *Masked Autoregressive Flow for Density
//! Estimation*, 2017 ("`MoG`"). Logistic: Salimans et al., *`PixelCNN`++*, 2017; van den Oord et al., *Parallel
//! `WaveNet`*, 2018.

mod kind;
mod scalar;

pub use kind::Kind;

use super::super::implicit::recorded_root;
use super::{Conditional, Elementwise, bounded, softly_bounded};
use autograd::{Real, Tensor, Var, parallel};
use scalar::Scalar;
use std::f64::consts::LN_2;

/// From here on the places of all components move in together until the nearest is here: at so many scales a
/// component's weight and the others' changes of it are less than a unit in the last place of z, and beyond
/// about 10¹⁹ the squares of `f32` overflow.
const FAR: f64 = 1e8;

/// A mixture of K components that all have the shape of G, mapped to the latents that follow G itself:
///
/// <!--
/// F(x) = Σₖ πₖ·G((x − μₖ)/σₖ)              π = softmax, log σ = s
/// z = G⁻¹(F(x))
/// log ∂z/∂x = log F′(x) − log g(z)
/// -->
///
#[doc = include_str!("../../../formulas/mixture.html")]
///
/// With a base of the same kind ([`StandardNormal`](crate::StandardNormal), [`Logistic`](crate::Logistic)) x given
/// its parameters has exactly the mixture's density F′. With one component the map is `(x − μ)/σ`.
///
/// The parameters of a dimension are the K logits of π, then the K means, then the K log-scales, which are softly
/// bounded to ±5 as [`Affine`](super::Affine)'s are: a factor of e⁵ either way is room for data whose columns
/// were never put into one unit, and a component cannot shrink onto a value that the data repeat, whose density
/// would grow without end.
///
/// Everything is computed from the lighter tail, F or 1 − F, and from its logarithm ℓ = log Σ πₖG(±uₖ):
/// `z = ±G⁻¹(eˡ)`, and the slope is the ratio of two scores g/G, that of the mixture, weighted by each component's
/// part of the tail, and that of z. Neither cancels far out, where log F′ and log g(z) are both beyond all numbers.
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
    #[must_use]
    pub fn new(components: usize, kind: Kind) -> Self {
        assert!(components > 0, "mixture: no components");
        Self { components, kind }
    }

    /// Parameters to start from, 3·K: equal weights, and means that lie apart, since components that are equal
    /// have equal gradients and stay so for ever. Half of the variance is that of the means, which are evenly spread,
    /// and half that of the components, so that in all it is that of one component at μ = 0, σ = 1.
    #[must_use]
    pub fn start(self) -> Vec<f64> {
        let count = self.components as f64;
        let unit = match self.kind {
            Kind::Gaussian => 1.0,
            // The standard logistic's variance is π²/3.
            Kind::Logistic => std::f64::consts::PI / 3f64.sqrt(),
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
    fn latent<T: Real>(self, x: &Var<T>, parameters: &Var<T>) -> Elementwise<T> {
        let (count, kind) = (self.components, self.kind);
        let each = [x.extent(0), x.extent(1), 1];
        let [logits, means, log_scales] = [0, 1, 2].map(|j| parameters.slice(2, j * count..(j + 1) * count));
        let (log_weights, log_scales) = (logits.log_softmax(&[2]), softly_bounded(&log_scales));
        let places = (x.reshape(each) - means) * (-&log_scales).exp();
        // The lighter tail is that of the places as they are, or with the other sign.
        let left = (log_weights.detach() + kind.log_cdf(&places.detach())).logsumexp(&[2]);
        let side = left.shift(LN_2).step().affine(-2.0, 1.0);
        let places = places * side.reshape(each);
        // How far all move in: from the nearest place to −FAR, in two parts, since their difference would have
        // lost the smaller one.
        let nearest = places.max(&[2]);
        let beyond = (-nearest.detach()).shift(-FAR).step();
        let (from, to) = (nearest * &beyond, beyond.scale(-FAR));
        let places = (places - from.reshape(each)) + to.reshape(each);
        let parts = log_weights + kind.log_cdf(&places);
        let quantile = kind.quantile(&parts.logsumexp(&[2]));
        // Two sums over the same largest part: their logarithms would otherwise be far larger than their difference.
        let relative = &parts - parts.detach().max(&[2]).reshape(each);
        let log_deriv = (&relative + kind.log_score(&places) - log_scales).logsumexp(&[2])
            - relative.logsumexp(&[2])
            - kind.log_score(&quantile);
        Elementwise { value: ((quantile - to) + from) * side, log_deriv }
    }

    /// z → x number by number, on plain values, with `log ∂x/∂z`.
    fn solved<T: Real>(self, z: &Tensor<T>, parameters: &Tensor<T>) -> [Tensor<T>; 2] {
        let (targets, parameters) = (z.as_slice(), parameters.as_slice());
        let width = 3 * self.components;
        let mut solved = vec![(T::ZERO, T::ZERO); targets.len()];
        let per = targets.len().div_ceil(parallel::threads());
        parallel::side_by_side(&mut solved, per, &|start, solved| {
            let mut mixture = Scalar::new(self.kind, self.components);
            for (i, solved) in (start..).zip(solved) {
                mixture.set(|j| parameters[i * width + j].to_f64());
                let (x, log_deriv) = mixture.x_of(targets[i].to_f64());
                *solved = (T::from_f64(x), T::from_f64(log_deriv));
            }
        });
        [Tensor::from_fn(z.shape(), |i| solved[i].0), Tensor::from_fn(z.shape(), |i| solved[i].1)]
    }

    /// Maps rows by `f`, which is given the mixture under each row's parameters.
    fn rows<T: Real>(
        self,
        input: &[T],
        parameters: &[T],
        result: &mut [T],
        log_deriv: &mut [T],
        f: impl Fn(&mut Scalar, f64) -> (f64, f64),
    ) {
        let rows = input.len();
        let mut mixture = Scalar::new(self.kind, self.components);
        for (row, (result, log_deriv)) in result.iter_mut().zip(log_deriv).enumerate() {
            mixture.set(|j| parameters[j * rows + row].to_f64());
            let (y, slope) = f(&mut mixture, input[row].to_f64());
            (*result, *log_deriv) = (T::from_f64(y), T::from_f64(slope));
        }
    }
}

impl<T: Real> Conditional<T> for Mixture {
    fn parameters(&self) -> usize {
        3 * self.components
    }

    fn to_latent(&self, x: &Var<T>, parameters: &Var<T>) -> Elementwise<T> {
        self.latent(x, parameters)
    }

    fn to_data(&self, z: &Var<T>, parameters: &Var<T>) -> Elementwise<T> {
        let [x, log_deriv] = self.solved(z.value(), parameters.value());
        let beside = if z.tape().is_some() { z } else { parameters };
        let (x, log_deriv) = (beside.constant_like(x), beside.constant_like(log_deriv));
        if beside.tape().is_none() {
            return Elementwise { value: x, log_deriv };
        }
        recorded_root(x, z, |x| self.latent(x, parameters))
    }

    fn to_latent_rows(&self, x: &[T], parameters: &[T], z: &mut [T], log_deriv: &mut [T]) {
        self.rows(x, parameters, z, log_deriv, Scalar::z_of);
    }

    fn to_data_rows(&self, z: &[T], parameters: &[T], x: &mut [T], log_deriv: &mut [T]) {
        self.rows(z, parameters, x, log_deriv, Scalar::x_of);
    }
}
