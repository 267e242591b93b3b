//! The additive coupling of NICE.

use super::Split;
use crate::bijection::{Bijection, Context, Mapped};
use crate::module::{Module, Visitor};
use crate::nn::{Mlp, Network};
use autograd::{Real, Var};

/// Additive coupling (Dinh et al. 2015, NICE, §3.2), on `[batch, D]`.
///
/// The input is parted into `x₁`, which is read, and `x₂`, which is changed; from x to z and back:
///
/// <!--
/// to_latent:  z₁ = x₁,  z₂ = x₂ + m(x₁)
/// to_data:    x₁ = z₁,  x₂ = z₂ − m(z₁)
/// log|det| = 0
/// -->
///
#[doc = include_str!("../../formulas/additive-coupling.html")]
///
/// `m` is any network; it is never inverted.
#[derive(Debug)]
pub struct AdditiveCoupling<T: Real> {
    split: Split,
    net: Mlp<T>,
}

impl<T: Real> AdditiveCoupling<T> {
    /// A coupling whose network reads one half of `split` and gives the shift of the other.
    #[must_use]
    pub fn new(split: Split, net: Mlp<T>) -> Self {
        Self { split, net }
    }
}

impl<T: Real> Bijection<T> for AdditiveCoupling<T> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let (x1, x2) = self.split.part(x);
        let z2 = x2 + self.net.apply(&x1, cx.condition);
        Mapped::volume_preserving(self.split.join(&x1, &z2))
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let (z1, z2) = self.split.part(z);
        let x2 = z2 - self.net.apply(&z1, cx.condition);
        Mapped::volume_preserving(self.split.join(&z1, &x2))
    }
}

impl<T: Real> Module<T> for AdditiveCoupling<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.part("net", &self.net);
    }
}
