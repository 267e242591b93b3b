//! A linear layer.

use super::Init;
use crate::module::parameters;
use autograd::{Param, Real, Tensor, Var};
use rand::Rng;

/// `y = x·Wᵀ + b`, from `[batch, in]` to `[batch, out]`. The weight is `[out, in]`.
#[derive(Debug)]
pub struct Linear<T: Real> {
    /// `[out, in]`.
    pub(super) weight: Param<T>,
    /// `[out]`.
    pub(super) bias: Param<T>,
}

impl<T: Real> Linear<T> {
    /// A layer whose weights are drawn from `init` and whose biases are 0.
    pub fn new(inputs: usize, outputs: usize, init: Init, rng: &mut dyn Rng) -> Self {
        let weight = Param::new(init.draw(&[outputs, inputs], inputs, rng));
        Self { weight, bias: Param::new(Tensor::zeros([outputs])) }
    }

    /// `x·Wᵀ + b`.
    ///
    /// # Panics
    /// If `x` does not have this layer's number of inputs.
    #[track_caller]
    pub fn apply(&self, x: &Var<T>) -> Var<T> {
        x.matmul_t(&self.weight.on(x)) + self.bias.on(x)
    }
}

parameters!(Linear: weight, bias);
