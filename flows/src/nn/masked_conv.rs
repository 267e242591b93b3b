//! A convolution under a mask that orders the numbers of an image.

use super::Init;
use crate::module::{Module, Visitor};
use autograd::{ConvSpec, Param, Real, Tensor, Var};
use rand::Rng;

/// The side of the kernels.
const SIDE: usize = 3;
/// Taps of a kernel, in raster order.
pub(crate) const TAPS: usize = SIDE * SIDE;
/// The tap in the middle.
pub(crate) const CENTRE: usize = TAPS / 2;

/// In which order a masked convolution sees the numbers of an image (Song, Meng & Ermon 2019, `MintNet`, §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvMask {
    /// Channel by channel, each from the upper left to the lower right: a channel sees all taps of those before
    /// it, and of itself those up to and including the centre in raster order.
    A,
    /// The same order from its end: a channel sees all taps of those after it, and of itself those from the centre
    /// on.
    B,
}

impl ConvMask {
    /// Whether an output of channel `output` sees this tap, counted in raster order, of channel `input`.
    #[must_use]
    pub fn sees(self, output: usize, input: usize, tap: usize) -> bool {
        match self {
            Self::A => input < output || (input == output && tap <= CENTRE),
            Self::B => input > output || (input == output && tap >= CENTRE),
        }
    }
}

/// `y = x ⋆ (M∘W) + b`, `[batch, in, height, width] → [batch, out, height, width]`: a kernel of 3×3 and one zero
/// around the image. `W` is `[out, in, 3, 3]`, `b` `[out]`.
///
/// Units belong to the channels of an image: of `n` units and C channels, unit h to channel `h/(n/C)`. Sorted by
/// channel like this the masks are stairs. What the mask kills counts for nothing and has no gradient.
#[derive(Debug)]
pub struct MaskedConv2d<T: Real> {
    weight: Param<T>,
    bias: Param<T>,
    mask: Tensor<T>,
    channels: usize,
}

impl<T: Real> MaskedConv2d<T> {
    /// A convolution between units of an image of so many channels, whose weights are drawn from `init` as if its
    /// outputs saw all inputs, and whose biases are 0.
    ///
    /// # Panics
    /// If the channels do not divide the inputs or the outputs.
    #[must_use]
    pub fn new(mask: ConvMask, channels: usize, inputs: usize, outputs: usize, init: Init, rng: &mut dyn Rng) -> Self {
        assert!(
            channels > 0 && inputs.is_multiple_of(channels) && outputs.is_multiple_of(channels),
            "masked convolution: {inputs} inputs and {outputs} outputs do not belong to {channels} channels"
        );
        let shape = [outputs, inputs, SIDE, SIDE];
        let sees = |i: usize| {
            let (output, input) = (i / TAPS / inputs, i / TAPS % inputs);
            mask.sees(output * channels / outputs, input * channels / inputs, i % TAPS)
        };
        Self {
            weight: Param::new(init.draw(&shape, inputs * TAPS, rng)),
            bias: Param::new(Tensor::zeros([outputs])),
            mask: Tensor::from_fn(shape, |i| if sees(i) { T::ONE } else { T::ZERO }),
            channels,
        }
    }

    /// The weight, `[out, in, 3, 3]`, as it is without the mask.
    #[must_use]
    pub fn weight(&self) -> &Param<T> {
        &self.weight
    }

    /// The bias, `[out]`.
    #[must_use]
    pub fn bias(&self) -> &Param<T> {
        &self.bias
    }

    /// Inputs and outputs.
    #[must_use]
    pub fn units(&self) -> [usize; 2] {
        let shape = self.mask.shape();
        [shape[1], shape[0]]
    }

    /// `M∘W` on `x`'s tape.
    #[must_use]
    pub fn masked_weight(&self, x: &Var<T>) -> Var<T> {
        self.weight.on(x) * x.constant_like(self.mask.clone())
    }

    /// `M∘W` on `x`'s tape, with these signs between units of one channel at the centre, where M is 1: `positive`
    /// of an output and an input says whether the weight between them is to be `|W|` or `−|W|`.
    #[must_use]
    pub fn masked_weight_with_signs(&self, x: &Var<T>, positive: impl Fn(usize, usize) -> bool) -> Var<T> {
        let [inputs, outputs] = self.units();
        let weight = self.weight.on(x);
        // |w| as w times its sign, so that a weight of exactly 0 has a gradient and can leave.
        let mut factors = self.mask.clone();
        for (i, factor) in factors.as_mut_slice().iter_mut().enumerate().skip(CENTRE).step_by(TAPS) {
            let (output, input) = (i / TAPS / inputs, i / TAPS % inputs);
            let same = output * self.channels / outputs == input * self.channels / inputs;
            if same && is_positive(weight.value().as_slice()[i]) != positive(output, input) {
                *factor = -T::ONE;
            }
        }
        weight * x.constant_like(factors)
    }

    /// The part of a masked weight that lies between units of one channel at the centre, as a kernel
    /// `[out, in, 1, 1]` that is 0 between others.
    #[must_use]
    pub fn centre(&self, masked_weight: &Var<T>) -> Var<T> {
        let [inputs, outputs] = self.units();
        let same = |i: usize| i / inputs * self.channels / outputs == i % inputs * self.channels / inputs;
        let block = Tensor::from_fn([outputs, inputs, 1, 1], |i| if same(i) { T::ONE } else { T::ZERO });
        let centre = masked_weight.slice(2, 1..2).slice(3, 1..2);
        &centre * centre.constant_like(block)
    }

    /// `x ⋆ W + b` with a weight that is masked already.
    ///
    /// # Panics
    /// If `x` has not this layer's number of inputs.
    #[must_use]
    #[track_caller]
    pub fn apply(&self, x: &Var<T>, masked_weight: &Var<T>) -> Var<T> {
        x.conv2d(masked_weight, ConvSpec::padded(SIDE / 2)) + self.bias.on(x).reshape([self.units()[1], 1, 1])
    }
}

/// The sign of a weight: 0 counts as positive, since it must not end what goes through it.
pub(crate) fn is_positive<T: Real>(weight: T) -> bool {
    weight >= T::ZERO
}

impl<T: Real> Module<T> for MaskedConv2d<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("weight", &self.weight);
        visitor.param("bias", &self.bias);
    }
}
