//! The multi-scale architecture: half of the channels are factored out early.

use super::Split;
use crate::{Bijection, Context, Mapped, Module, Visitor};
use autograd::{Real, Var};

/// Factoring out (Dinh et al. 2017, `RealNVP`, §3.6), on `[batch, C, …]`: the first half of the channels is latent, and
/// the other half passes through the remaining layers, `rest`.
///
/// From x to z, with g for `rest`:
///
/// <!-- (z₁, h) = x,   z = (z₁, g(h)),   log|det ∂z/∂x| = log|det ∂g/∂h| -->
#[doc = include_str!("../../formulas/factor-out.html")]
///
/// The factored-out channels are latents like the others, so the base distribution includes them.
#[derive(Debug)]
pub struct FactorOut<B> {
    rest: B,
}

const HALVES: Split = Split::ReadFirst;

impl<B> FactorOut<B> {
    /// `rest` acts on the last ⌊C/2⌋ channels and keeps the shape of its events.
    pub fn new(rest: B) -> Self {
        Self { rest }
    }
}

fn joined<T: Real>(left: &Var<T>, Mapped { value, log_det }: Mapped<T>) -> Mapped<T> {
    Mapped { value: HALVES.join(left, &value), log_det }
}

impl<T: Real, B: Bijection<T>> Bijection<T> for FactorOut<B> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let (left, h) = HALVES.halves(x);
        joined(&left, self.rest.to_latent(&h, cx))
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let (left, h) = HALVES.halves(z);
        joined(&left, self.rest.to_data(&h, cx))
    }

    fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        let (left, h) = HALVES.halves(x);
        HALVES.join(&left, &self.rest.initialize(&h, cx))
    }

    fn calibrate(&self, x: &Var<T>, cx: Context<'_, T>, seen: u64) -> Var<T> {
        let (left, h) = HALVES.halves(x);
        HALVES.join(&left, &self.rest.calibrate(&h, cx, seen))
    }
}

impl<T: Real, B: Module<T>> Module<T> for FactorOut<B> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.part("rest", &self.rest);
        visitor.constant("leaves", HALVES.reads());
    }
}
