//! A learned scale for every dimension.

use crate::bijection::{Bijection, Context, Mapped};
use crate::module::{Module, Visitor};
use autograd::{Param, Real, Tensor, Var};

/// Diagonal rescaling (Dinh et al. 2015, NICE, §3.3), on `[batch, D]`.
///
/// <!--
/// to_latent:  z = exp(s) ⊙ x,   log|det ∂z/∂x| =  Σ s
/// to_data:    x = exp(−s) ⊙ z,  log|det ∂x/∂z| = −Σ s
/// -->
///
/// From the input h to z (back with the other sign):
///
#[doc = include_str!("../../formulas/rescaling.html")]
///
/// A large `sᵢ` means that the data hardly varies along dimension i of the layer's input. (The
/// lecture writes `xᵢ = sᵢzᵢ`: its s is our `exp(−s)`.)
#[derive(Debug)]
pub struct Rescaling<T: Real> {
    log_scale: Param<T>,
}

impl<T: Real> Rescaling<T> {
    /// A rescaling of `dims` dimensions, the identity at first.
    #[must_use]
    pub fn new(dims: usize) -> Self {
        Self { log_scale: Param::new(Tensor::zeros([dims])) }
    }

    /// The map for one sign of s: the directions differ in nothing else.
    fn scaled(&self, x: &Var<T>, sign: f64) -> Mapped<T> {
        let s = self.log_scale.on(x).scale(sign);
        let value = x * s.exp();
        let log_det = s.sum_all().broadcast_to([x.extent(0)]);
        Mapped { value, log_det }
    }
}

impl<T: Real> Bijection<T> for Rescaling<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        self.scaled(x, 1.0)
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        self.scaled(z, -1.0)
    }

    /// Scales each dimension to unit standard deviation over the batch, so that training does not
    /// spend its first thousands of steps on finding the order of magnitude. Dimensions that do not
    /// vary at all stay as they are.
    fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        let mean = x.mean(&[0]);
        let variance = (x - &mean).square().mean(&[0]).into_value();
        self.log_scale.update(|s| {
            for (s, variance) in s.iter_mut().zip(variance.as_slice()) {
                if variance.to_f64() > 0.0 {
                    *s = T::from_f64(-0.5 * variance.to_f64().ln());
                }
            }
        });
        self.to_latent(x, cx).value
    }
}

impl<T: Real> Module<T> for Rescaling<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("log_scale", &self.log_scale);
    }
}
