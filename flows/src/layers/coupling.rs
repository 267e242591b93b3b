//! The coupling layer, which makes NICE with one map and RealNVP with another.

use super::Partition;
use crate::univariate::{Elementwise, Parameters, Univariate};
use crate::{Bijection, Context, Mapped, Module, Visitor, nn::Network};
use autograd::{Real, Var};

/// A coupling, on `[batch, features, …]`: the input has two parts, and a network of the first chooses an increasing map
/// u for each element of the second.
///
/// With [`Shift`](crate::univariate::Shift) this is NICE's additive coupling (Dinh et al. 2015, §3.2); m can be any
/// network, as it is never inverted:
///
/// <!--
/// x₁ = z₁, x₂ = z₂ + m(z₁)
/// z₁ = x₁, z₂ = x₂ − m(x₁)   log|det| = 0
/// -->
#[doc = include_str!("../../formulas/additive-coupling.html")]
///
/// With [`Affine`](crate::univariate::Affine) it is RealNVP's affine coupling (Dinh et al. 2017, §3.2):
///
/// <!--
/// x₁ = z₁, x₂ = z₂ ⊙ exp(α(z₁)) + μ(z₁)
/// z₁ = x₁, z₂ = (x₂ − μ(x₁)) ⊙ exp(−α(x₁))
/// -->
#[doc = include_str!("../../formulas/affine-coupling.html")]
///
/// Both Jacobians are block triangular, so the determinant is a product of scales. From z to x:
///
/// <!-- ∂x/∂z = (I, 0; ∂x₂/∂z₁, diag(exp(α(z₁)))),   log|det ∂x/∂z| = Σⱼ αⱼ(z₁) -->
#[doc = include_str!("../../formulas/affine-determinant.html")]
///
/// (The authors of RealNVP shift before they scale in their code; this is the lecture's form.)
///
/// The parts are halves of the features, or the two sides of a [`Mask`](super::Mask); see [`Partition`]. Under a mask b
/// the network reads `b⊙x`, and elements with b = 1 do not change.
#[derive(Debug)]
pub struct Coupling<T: Real, U> {
    partition: Partition<T>,
    univariate: U,
    net: Box<dyn Network<T>>,
}

impl<T: Real, U: Univariate<T>> Coupling<T, U> {
    /// A coupling whose network returns the map's P parameters for each feature that changes: first θ₀ of all features,
    /// then θ₁, …
    pub fn new(partition: impl Into<Partition<T>>, univariate: U, net: impl Network<T> + 'static) -> Self {
        Self { partition: partition.into(), univariate, net: Box::new(net) }
    }

    /// Maps the second part under parameters chosen by the first, which both directions have in common.
    fn mapped(
        &self,
        input: &Var<T>,
        cx: Context<'_, T>,
        map: impl FnOnce(&Var<T>, &Parameters<T>) -> Elementwise<T>,
    ) -> Mapped<T> {
        let (read, changed) = self.partition.split(input);
        let theta = self.net.apply(&read, cx.condition);
        let mapped = map(&changed, &Parameters::blocks(theta, self.univariate.parameters(), 1));
        let Elementwise { value, log_deriv } = self.partition.join(&read, &changed, mapped);
        Mapped { value, log_det: log_deriv.sum_per_sample() }
    }
}

impl<T: Real, U: Univariate<T>> Bijection<T> for Coupling<T, U> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        self.mapped(x, cx, |x2, theta| self.univariate.to_latent(x2, theta))
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        self.mapped(z, cx, |z2, theta| self.univariate.to_data(z2, theta))
    }
}

impl<T: Real, U: Univariate<T>> Module<T> for Coupling<T, U> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("reads", self.partition.reads());
        visitor.part("net", self.net.as_ref());
        self.univariate.visit(visitor);
    }
}
