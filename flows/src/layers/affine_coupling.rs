//! The affine coupling of `RealNVP`.

use super::Partition;
use crate::bijection::{Bijection, Context, Mapped};
use crate::module::{Module, Visitor};
use crate::nn::Network;
use autograd::{Param, Real, Tensor, Var};

/// Affine coupling (Dinh et al. 2017, `RealNVP`, §3.2), on `[batch, features, …]`.
///
/// The input is parted into `x₁`, which is read, and `x₂`, which is changed, and a network gives `(a, μ)` of `x₁`.
///
/// <!--
/// α(x₁) = c·tanh a(x₁)                                     bounded, with a learned factor c a feature
/// to_latent:  z₁ = x₁,  z₂ = (x₂ − μ(x₁)) ⊙ exp(−α(x₁))    log|det ∂z/∂x| = −Σ α
/// to_data:    x₁ = z₁,  x₂ = z₂ ⊙ exp(α(z₁)) + μ(z₁)       log|det ∂x/∂z| =  Σ α
/// -->
///
/// The log-scale is bounded, with a learned factor c for each feature:
///
#[doc = include_str!("../../formulas/bounded-scale.html")]
///
/// From z to x, and from x to z:
///
#[doc = include_str!("../../formulas/affine-coupling.html")]
///
/// Both Jacobians are triangular in blocks, so that the determinant is a product of scales (from x to z,
/// −Σα):
///
#[doc = include_str!("../../formulas/affine-determinant.html")]
///
/// Under a mask b, `x₁ = b⊙x` and the whole of it is `z = (x − (1−b)⊙μ) ⊙ exp(−(1−b)⊙α)`: what is read stays.
/// (The authors' code shifts before it scales; this is the lecture's form.)
#[derive(Debug)]
pub struct AffineCoupling<T: Real> {
    partition: Partition<T>,
    net: Box<dyn Network<T>>,
    factor: Param<T>,
}

/// The map of `x₂` that a given `x₁` chooses.
struct Affine<T: Real> {
    log_scale: Var<T>,
    shift: Var<T>,
}

impl<T: Real> AffineCoupling<T> {
    /// A coupling that changes `changed` features. The network gives twice as many for each place:
    /// first all `a`, then all `μ`. The factor c begins at 2: at 1, a coupling that has to shrink
    /// something tenfold must first wait for its factor to grow.
    #[must_use]
    pub fn new(partition: impl Into<Partition<T>>, changed: usize, net: impl Network<T> + 'static) -> Self {
        let factor = Param::new(Tensor::full([changed], T::from_f64(2.0)));
        Self { partition: partition.into(), net: Box::new(net), factor }
    }

    fn affine(&self, read: &Var<T>, cx: Context<'_, T>) -> Affine<T> {
        let raw = self.net.apply(read, cx.condition);
        let features = self.factor.shape()[0];
        let factor = super::per_feature(&self.factor.on(read), raw.shape().rank());
        let log_scale = raw.slice(1, 0..features).tanh() * factor;
        let shift = raw.slice(1, features..2 * features);
        Affine { log_scale: self.partition.only_changed(log_scale), shift: self.partition.only_changed(shift) }
    }
}

impl<T: Real> Bijection<T> for AffineCoupling<T> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let (x1, x2) = self.partition.part(x);
        let Affine { log_scale, shift } = self.affine(&x1, cx);
        let z2 = (x2 - shift) * (-&log_scale).exp();
        Mapped { value: self.partition.join(&x1, z2), log_det: -log_scale.sum_per_sample() }
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let (z1, z2) = self.partition.part(z);
        let Affine { log_scale, shift } = self.affine(&z1, cx);
        let x2 = z2 * log_scale.exp() + shift;
        Mapped { value: self.partition.join(&z1, x2), log_det: log_scale.sum_per_sample() }
    }
}

impl<T: Real> Module<T> for AffineCoupling<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.part("net", self.net.as_ref());
        visitor.param("factor", &self.factor);
    }
}
