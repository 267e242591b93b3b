//! A convolution, with or without normalized weights.

use super::Init;
use crate::module::parameters;
use autograd::{ConvSpec, Param, Real, Tensor, Var};
use rand::Rng;

/// `y = x ⋆ W + b`, `[batch, in, height, width] → [batch, out, height, width]`, with an odd square kernel and zero
/// padding that keeps the size. `W` is `[out, in, kernel, kernel]`, `b` `[out]`.
///
/// With normalized weights (Salimans & Kingma 2016) the length g and the direction V of each output's weights are
/// parameters of their own: `W_o = g_o·V_o/‖V_o‖`.
#[derive(Debug)]
pub struct Conv2d<T: Real> {
    weight: Param<T>,
    gain: Option<Param<T>>,
    bias: Param<T>,
}

impl<T: Real> Conv2d<T> {
    /// A convolution whose weights are drawn from `init` and whose biases are 0.
    ///
    /// # Panics
    /// If `kernel` is even.
    pub fn new(inputs: usize, outputs: usize, kernel: usize, init: Init, rng: &mut dyn Rng) -> Self {
        assert!(kernel % 2 == 1, "conv2d: a kernel of {kernel} has no center; use an odd one");
        let weight = init.draw(&[outputs, inputs, kernel, kernel], inputs * kernel * kernel, rng);
        Self { weight: Param::new(weight), gain: None, bias: Param::new(Tensor::zeros([outputs])) }
    }

    /// The same function with its weights normalized.
    pub fn normalized(self) -> Self {
        let outputs = self.weight.shape()[0];
        let each = self.weight.shape().elements() / outputs.max(1);
        let mut lengths = vec![T::ZERO; outputs];
        self.weight.update(|weight| {
            for (length, weight) in lengths.iter_mut().zip(weight.chunks_mut(each.max(1))) {
                let squares: f64 = weight.iter().map(|w| w.to_f64().powi(2)).sum();
                *length = T::from_f64(squares.sqrt());
                if *length == T::ZERO {
                    // Weights of 0 have no direction: any will do.
                    weight.fill(T::ONE);
                }
            }
        });
        Self { gain: Some(Param::new(Tensor::from_slice([outputs], &lengths))), ..self }
    }

    /// The same convolution starting as the function 0.
    pub fn zero_initialized(self) -> Self {
        // For normalized weights, lengths become 0 and directions stay as drawn.
        self.gain.as_ref().unwrap_or(&self.weight).update(|w| w.fill(T::ZERO));
        self
    }

    /// `x ⋆ W + b`.
    ///
    /// # Panics
    /// If `x` does not have this layer's number of channels.
    #[track_caller]
    pub fn apply(&self, x: &Var<T>) -> Var<T> {
        let weight = self.effective_weight(x);
        x.conv2d_biased(&weight, &self.bias.on(x), ConvSpec::padded(weight.extent(2) / 2))
    }

    /// `max(x ⋆ W + b, 0)`.
    ///
    /// # Panics
    /// As [`Conv2d::apply`].
    #[track_caller]
    pub fn apply_relu(&self, x: &Var<T>) -> Var<T> {
        let weight = self.effective_weight(x);
        x.conv2d_biased_relu(&weight, &self.bias.on(x), ConvSpec::padded(weight.extent(2) / 2))
    }

    /// `W`, on `x`'s tape.
    fn effective_weight(&self, x: &Var<T>) -> Var<T> {
        let weight = self.weight.on(x);
        let Some(gain) = &self.gain else { return weight };
        let outputs = weight.extent(0);
        let length = weight.square().sum(&[1, 2, 3]).sqrt();
        &weight * (gain.on(x) / length).reshape([outputs, 1, 1, 1])
    }
}

parameters!(Conv2d: weight, gain, bias);
