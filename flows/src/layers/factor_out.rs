//! The multi-scale architecture: half of the channels leave early.

use super::Split;
use crate::bijection::{Bijection, Context, Mapped};
use crate::module::{Module, Visitor};
use autograd::{Real, Var};

/// Factoring out (Dinh et al. 2017, `RealNVP`, §3.6), on `[batch, C, …]`: the first half of the channels
/// is latent at once, the other half goes on through `rest`.
///
/// <!--
/// to_latent:  (z₁, h) = halves of x,  z = (z₁, rest.to_latent(h))      log|det| is that of `rest`
/// to_data:    (z₁, h) = halves of z,  x = (z₁, rest.to_data(h))
/// -->
///
/// From x to z, g being `rest`:
///
#[doc = include_str!("../../formulas/factor-out.html")]
///
/// The channels that left are still latents: the base distribution counts them with the others.
#[derive(Debug)]
pub struct FactorOut<B> {
    rest: B,
}

const HALVES: Split = Split::ReadFirst;

impl<B> FactorOut<B> {
    /// `rest` acts on the last ⌊C/2⌋ channels and keeps the shape of its events.
    #[must_use]
    pub fn new(rest: B) -> Self {
        Self { rest }
    }
}

fn beside<T: Real>(left: &Var<T>, Mapped { value, log_det }: Mapped<T>) -> Mapped<T> {
    Mapped { value: HALVES.join(left, &value), log_det }
}

impl<T: Real, B: Bijection<T>> Bijection<T> for FactorOut<B> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let (left, h) = HALVES.halves(x);
        beside(&left, self.rest.to_latent(&h, cx))
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let (left, h) = HALVES.halves(z);
        beside(&left, self.rest.to_data(&h, cx))
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
    }
}
