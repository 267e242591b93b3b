//! A learned scale for every dimension.

use crate::{Bijection, Context, Mapped, parameters};
use autograd::{Param, Real, Tensor, Var};

/// Diagonal rescaling (Dinh et al. 2015, NICE, §3.3), on `[batch, D]`.
///
/// <!-- xᵢ = sᵢ·zᵢ,   sᵢ = exp(σᵢ),   log|det ∂x/∂z| = Σᵢ₌₁ᴰ σᵢ -->
#[doc = include_str!("../../formulas/rescaling.html")]
///
/// A small `sᵢ` means that the data hardly vary along dimension i of the layer's input. (The paper scales from x to z:
/// its s is the reciprocal.)
#[derive(Debug)]
pub struct Rescaling<T: Real> {
    log_scale: Param<T>,
}

impl<T: Real> Rescaling<T> {
    /// A rescaling of `dims` dimensions, the identity at first.
    pub fn new(dims: usize) -> Self {
        Self { log_scale: Param::new(Tensor::zeros([dims])) }
    }

    /// Scales by `exp(sign·σ)`.
    fn scaled(&self, input: &Var<T>, sign: f64) -> Mapped<T> {
        let log_scale = self.log_scale.on(input).scale(sign);
        let value = input * log_scale.exp();
        let log_det = log_scale.sum_all().broadcast_to([input.extent(0)]);
        Mapped { value, log_det }
    }
}

impl<T: Real> Bijection<T> for Rescaling<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        self.scaled(x, -1.0)
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        self.scaled(z, 1.0)
    }

    /// Sets σ so that each latent has unit standard deviation over the batch, which saves training thousands of steps.
    /// Dimensions that do not vary stay as they are.
    fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        let mean = x.mean(&[0]);
        let variance = (x - &mean).square().mean(&[0]).into_value();
        self.log_scale.update(|log_scale| {
            for (log_scale, variance) in log_scale.iter_mut().zip(variance.as_slice()) {
                if variance.to_f64() > 0.0 {
                    *log_scale = T::from_f64(0.5 * variance.to_f64().ln());
                }
            }
        });
        self.to_latent(x, cx).value
    }
}

parameters!(Rescaling: log_scale);
