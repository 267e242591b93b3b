//! From [0, 1] to the real line.

use crate::{Bijection, Context, Mapped, Module, Visitor};
use autograd::{Real, Var};

/// The logit with a margin (Papamakarios et al. 2017, MAF, appendix D.2), on any shape.
///
/// From u, within [0, 1], to y:
///
/// <!--
/// y = log(s/(1 − s)),   s = λ + (1 − 2λ)·u
/// log|det ∂y/∂u| = Σᵢ₌₁ᴰ [softplus(yᵢ) + softplus(−yᵢ)] + D log(1 − 2λ)
/// -->
#[doc = include_str!("../../formulas/logit.html")]
///
/// The margin λ keeps the logit of 0 and 1 finite. Published models use 1e-6 (MAF, MintNet), 1e-5 (RBIG) or 0.05
/// (RealNVP's code).
#[derive(Clone, Copy, Debug)]
pub struct Logit {
    margin: f64,
}

impl Logit {
    /// With margin λ.
    ///
    /// # Panics
    /// Unless 0 ≤ λ < ½.
    pub fn new(margin: f64) -> Self {
        assert!((0.0..0.5).contains(&margin), "logit: the margin {margin} is not in [0, 0.5)");
        Self { margin }
    }

    /// `log|det ∂y/∂u|` at y.
    fn log_det<T: Real>(self, y: &Var<T>) -> Var<T> {
        let dims = y.shape()[1..].iter().product::<usize>() as f64;
        (y.softplus() + (-y).softplus()).sum_per_sample().shift(dims * (-2.0 * self.margin).ln_1p())
    }
}

impl<T: Real> Bijection<T> for Logit {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let (margin, width) = (self.margin, 1.0 - 2.0 * self.margin);
        let s = x.affine(width, margin);
        // 1 − s from 1 − u, which is exact for u near 1.
        let rest = x.affine(-1.0, 1.0).affine(width, margin);
        let y = s.ln() - rest.ln();
        let log_det = self.log_det(&y);
        Mapped { value: y, log_det }
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let width = 1.0 - 2.0 * self.margin;
        let value = z.sigmoid().affine(1.0 / width, -self.margin / width);
        Mapped { value, log_det: -self.log_det(z) }
    }
}

impl<T: Real> Module<T> for Logit {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("margin", self.margin);
    }
}
