//! A masked convolution, which orders the elements of an image.

use super::Init;
use crate::module::parameters;
use autograd::{ConvSpec, KernelMask, Param, Real, Tensor, Var};
use rand::Rng;

/// The side of the kernels over these images, `[channels, height, width]`. Over a single pixel, all taps but the center
/// would only ever see the padding.
const fn side([_, height, width]: [usize; 3]) -> usize {
    if height == 1 && width == 1 { 1 } else { 3 }
}

/// The order of an image's elements under a masked convolution (Song, Meng & Ermon 2019, `MintNet`, §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvMask {
    /// Channel by channel, each in raster order: a channel sees all taps of the channels before it, and of itself those
    /// up to and including the center.
    A,
    /// The reverse: a channel sees all taps of the channels after it, and of itself those from the center on.
    B,
}

impl ConvMask {
    /// The paper's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }

    /// The taps that are kept between units of these channels.
    fn taps(self, outputs: &[usize], inputs: &[usize], side: usize) -> KernelMask {
        match self {
            Self::A => KernelMask::preceding(outputs, inputs, [side; 2]),
            Self::B => KernelMask::following(outputs, inputs, [side; 2]),
        }
    }
}

/// Of n units and C channels, unit h belongs to channel `h/(n/C)`.
fn channel_of_each(units: usize, channels: usize) -> Vec<usize> {
    (0..units).map(|unit| unit * channels / units).collect()
}

/// `y = x ⋆ (M∘W) + b`, `[batch, in, height, width] → [batch, out, height, width]`, with kernels of k×k that keep the
/// size: k = 3, or 1 over images of a single pixel. W is `[out, in, k, k]`, b `[out]`.
///
/// The kernels skip masked weights, which get no gradient either.
#[derive(Debug)]
pub struct MaskedConv2d<T: Real> {
    weight: Param<T>,
    bias: Param<T>,
    taps: KernelMask,
    /// The taps of 1×1 kernels between units of the same channel.
    within: KernelMask,
}

impl<T: Real> MaskedConv2d<T> {
    /// A convolution between units of images `[channels, height, width]`. Weights are drawn from `init` as if unmasked,
    /// and biases are 0.
    ///
    /// # Panics
    /// If the channels do not divide the inputs or the outputs.
    pub fn new(
        mask: ConvMask,
        image: [usize; 3],
        inputs: usize,
        outputs: usize,
        init: Init,
        rng: &mut dyn Rng,
    ) -> Self {
        let (channels, side) = (image[0], side(image));
        assert!(
            channels > 0 && inputs.is_multiple_of(channels) && outputs.is_multiple_of(channels),
            "masked convolution: {inputs} inputs and {outputs} outputs do not belong to {channels} channels"
        );
        let weight = Param::new(init.draw(&[outputs, inputs, side, side], inputs * side * side, rng));
        let [to, from] = [outputs, inputs].map(|units| channel_of_each(units, channels));
        Self {
            weight,
            bias: Param::new(Tensor::zeros([outputs])),
            taps: mask.taps(&to, &from, side),
            within: KernelMask::new([outputs, inputs, 1, 1], |output, input, _| to[output] == from[input]),
        }
    }

    /// The weight W before masking, `[out, in, k, k]`.
    pub fn weight(&self) -> &Param<T> {
        &self.weight
    }

    /// The bias, `[out]`.
    pub fn bias(&self) -> &Param<T> {
        &self.bias
    }

    /// Inputs and outputs.
    pub fn units(&self) -> [usize; 2] {
        let [outputs, inputs, ..] = self.taps.shape();
        [inputs, outputs]
    }

    /// The side k of the kernels.
    pub fn side(&self) -> usize {
        self.taps.shape()[3]
    }

    /// W on `x`'s tape, with prescribed signs of the center taps between units of the same channel: |W| where
    /// `positive(output, input)`, otherwise −|W|.
    pub fn weight_with_signs(&self, x: &Var<T>, positive: impl Fn(usize, usize) -> bool) -> Var<T> {
        let ([inputs, _], side) = (self.units(), self.side());
        let (taps, middle) = (side * side, side * side / 2);
        let weight = self.weight.on(x);
        // |w| as w times its sign: a weight of exactly 0 then has a gradient.
        let mut signs = Tensor::full(self.taps.shape(), T::ONE);
        let within = self.within.mask::<T>();
        for (i, (sign, &within)) in signs.as_mut_slice().chunks_mut(taps).zip(within.as_slice()).enumerate() {
            let is = is_positive(weight.value().as_slice()[i * taps + middle]);
            if within > T::ZERO && is != positive(i / inputs, i % inputs) {
                sign[middle] = -T::ONE;
            }
        }
        weight * x.constant_like(signs)
    }

    /// The center taps between units of the same channel, as a kernel `[out, in, 1, 1]` that is 0 elsewhere.
    pub fn center(&self, weight: &Var<T>) -> Var<T> {
        let middle = self.side() / 2;
        let center = weight.slice(2, middle..middle + 1).slice(3, middle..middle + 1);
        &center * center.constant_like(self.within.mask())
    }

    /// `x ⋆ Wᶜ` with those center taps.
    pub fn apply_center(&self, x: &Var<T>, center: &Var<T>) -> Var<T> {
        x.conv2d_masked(center, ConvSpec::padded(0), &self.within)
    }

    /// `x ⋆ (M∘W) + b` with this weight for W.
    ///
    /// # Panics
    /// If `x` has the wrong number of channels.
    #[track_caller]
    pub fn apply(&self, x: &Var<T>, weight: &Var<T>) -> Var<T> {
        let y = x.conv2d_masked(weight, ConvSpec::padded(self.side() / 2), &self.taps);
        y + self.bias.on(x).reshape([self.units()[1], 1, 1])
    }
}

/// The sign of a weight. 0 counts as positive: a sign of 0 would cut all paths through it.
pub(crate) fn is_positive<T: Real>(weight: T) -> bool {
    weight >= T::ZERO
}

parameters!(MaskedConv2d: weight, bias);
