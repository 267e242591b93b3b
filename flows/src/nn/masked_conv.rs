//! A convolution under a mask that orders the numbers of an image.

use super::Init;
use crate::module::{Module, Visitor};
use autograd::{ConvSpec, KernelMask, Param, Real, Tensor, Var};
use rand::Rng;

/// The side of the kernels.
const SIDE: usize = 3;
/// KernelMask of a kernel, in raster order.
pub(crate) const TAPS: usize = SIDE * SIDE;
/// The tap in the middle.
pub(crate) const CENTER: usize = TAPS / 2;

/// In which order a masked convolution sees the numbers of an image (Song, Meng & Ermon 2019, `MintNet`, §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvMask {
    /// Channel by channel, each from the upper left to the lower right: a channel sees all taps of those before
    /// it, and of itself those up to and including the center in raster order.
    A,
    /// The same order from its end: a channel sees all taps of those after it, and of itself those from the center
    /// on.
    B,
}

impl ConvMask {
    /// The taps that it keeps between units of an image's channels: of `n` units and C channels, unit h belongs to
    /// channel `h/(n/C)`.
    #[must_use]
    pub fn taps(self, channels: usize, inputs: usize, outputs: usize) -> KernelMask {
        let [outputs, inputs] = [outputs, inputs].map(|units| channel_of_each(units, channels));
        match self {
            Self::A => KernelMask::preceding(&outputs, &inputs, [SIDE; 2]),
            Self::B => KernelMask::following(&outputs, &inputs, [SIDE; 2]),
        }
    }
}

fn channel_of_each(units: usize, channels: usize) -> Vec<usize> {
    (0..units).map(|unit| unit * channels / units).collect()
}

/// `y = x ⋆ (M∘W) + b`, `[batch, in, height, width] → [batch, out, height, width]`: a kernel of 3×3 and one zero
/// around the image. `W` is `[out, in, 3, 3]`, `b` `[out]`.
///
/// Sorted by [channel](ConvMask::taps), the units make the masks stairs. What a mask kills is never multiplied with,
/// whatever its weight is, and has no gradient.
#[derive(Debug)]
pub struct MaskedConv2d<T: Real> {
    weight: Param<T>,
    bias: Param<T>,
    taps: KernelMask,
    /// Of 1×1 kernels, the taps between units of one channel.
    within: KernelMask,
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
        let [to, from] = [outputs, inputs].map(|units| channel_of_each(units, channels));
        Self {
            weight: Param::new(init.draw(&[outputs, inputs, SIDE, SIDE], inputs * TAPS, rng)),
            bias: Param::new(Tensor::zeros([outputs])),
            taps: mask.taps(channels, inputs, outputs),
            within: KernelMask::new([outputs, inputs, 1, 1], |output, input, _| to[output] == from[input]),
        }
    }

    /// The weight W, `[out, in, 3, 3]`, as it is without the mask.
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
        let [outputs, inputs, ..] = self.taps.shape();
        [inputs, outputs]
    }

    /// W on `x`'s tape, with these signs between units of one channel at the center: `positive` of an output and an
    /// input says whether the weight between them is to be `|W|` or `−|W|`.
    #[must_use]
    pub fn weight_with_signs(&self, x: &Var<T>, positive: impl Fn(usize, usize) -> bool) -> Var<T> {
        let [inputs, _] = self.units();
        let weight = self.weight.on(x);
        // |w| as w times its sign, so that a weight of exactly 0 has a gradient and can leave.
        let mut signs = Tensor::full(self.taps.shape(), T::ONE);
        let within = self.within.mask::<T>();
        for (i, (sign, &within)) in signs.as_mut_slice().chunks_mut(TAPS).zip(within.as_slice()).enumerate() {
            let is = is_positive(weight.value().as_slice()[i * TAPS + CENTER]);
            if within > T::ZERO && is != positive(i / inputs, i % inputs) {
                sign[CENTER] = -T::ONE;
            }
        }
        weight * x.constant_like(signs)
    }

    /// The part of a weight that lies between units of one channel at the center, as a kernel
    /// `[out, in, 1, 1]` that is 0 between others.
    #[must_use]
    pub fn center(&self, weight: &Var<T>) -> Var<T> {
        let center = weight.slice(2, 1..2).slice(3, 1..2);
        &center * center.constant_like(self.within.mask())
    }

    /// `x ⋆ Wᶜ` with that part for Wᶜ.
    #[must_use]
    pub fn apply_center(&self, x: &Var<T>, center: &Var<T>) -> Var<T> {
        x.conv2d_masked(center, ConvSpec::padded(0), &self.within)
    }

    /// `x ⋆ (M∘W) + b` with this weight for W.
    ///
    /// # Panics
    /// If `x` has not this layer's number of inputs.
    #[must_use]
    #[track_caller]
    pub fn apply(&self, x: &Var<T>, weight: &Var<T>) -> Var<T> {
        let y = x.conv2d_masked(weight, ConvSpec::padded(SIDE / 2), &self.taps);
        y + self.bias.on(x).reshape([self.units()[1], 1, 1])
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
