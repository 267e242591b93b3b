//! The sizes of a convolution, checked once.

use crate::bilinear::Side;
use crate::ops::ConvSpec;

/// The images on one side of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Images {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Images {
    /// Elements of one image.
    pub(crate) fn len(self) -> usize {
        self.channels * self.plane()
    }

    /// Elements of one channel.
    pub(crate) fn plane(self) -> usize {
        self.height * self.width
    }
}

/// The sizes of a 2-D convolution over `[batch, channel, height, width]` data.
///
/// Weights are `[out, in, kernel height, kernel width]`, and the kernel is not flipped (what is
/// called convolution here is the cross-correlation of signal processing). Pairs are `[vertical,
/// horizontal]`. A 1-D convolution has height 1 and a kernel of height 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conv2d {
    pub(crate) batch: usize,
    pub(crate) input: Images,
    pub(crate) output: Images,
    pub(crate) kernel: [usize; 2],
    pub(crate) spec: ConvSpec,
}

impl Conv2d {
    /// The convolution of an input `[batch, channels, height, width]` with weights `[out, in, height, width]`.
    ///
    /// # Errors
    /// If the channels of `input` and `weight` differ, a kernel size, stride or dilation is 0, the kernel does not fit
    /// into the padded input, or a tensor would have more elements than can be addressed.
    pub(crate) fn new(input: [usize; 4], weight: [usize; 4], spec: ConvSpec) -> Result<Self, String> {
        let ConvSpec { stride, padding, dilation } = spec;
        let ([batch, channels, height, width], [outputs, inputs, kernel_h, kernel_w]) = (input, weight);
        let (size, kernel) = ([height, width], [kernel_h, kernel_w]);
        if channels != inputs {
            return Err(format!("the input has {channels} channels and the weights expect {inputs}"));
        }
        if [kernel, stride, dilation].as_flattened().contains(&0) {
            return Err(format!("kernel sizes, stride {stride:?} and dilation {dilation:?} must be at least 1"));
        }
        let mut out = [0; 2];
        for (axis, direction) in ["high", "wide"].into_iter().enumerate() {
            let padded = padding[axis].checked_mul(2).and_then(|both| both.checked_add(size[axis]));
            let reach = (kernel[axis] - 1).checked_mul(dilation[axis]).and_then(|last| last.checked_add(1));
            let Some((padded, reach)) = padded.zip(reach) else { return Err(TOO_LARGE.to_owned()) };
            if reach > padded {
                return Err(format!(
                    "the kernel is {reach} {direction} with dilation {dilation:?}, \
                     and the input only {padded} with padding {padding:?}"
                ));
            }
            out[axis] = (padded - reach) / stride[axis] + 1;
        }
        let input = Images { channels, height, width };
        let output = Images { channels: outputs, height: out[0], width: out[1] };
        let geometry = Self { batch, input, output, kernel, spec };
        if geometry.is_addressable() { Ok(geometry) } else { Err(TOO_LARGE.to_owned()) }
    }

    /// Whether the elements of any padded image and of the weights fit in 32 bits, and those of all images in a
    /// `usize`.
    fn is_addressable(&self) -> bool {
        let product = |factors: &[usize]| factors.iter().try_fold(1usize, |all, &f| all.checked_mul(f));
        // The source of any of the three products, with zeros on both sides.
        let padded = |axis: usize, size: usize| {
            let reach = (self.kernel[axis] - 1) * self.spec.dilation[axis];
            size.checked_add(2 * self.spec.padding[axis])?.checked_add(reach.checked_mul(2)?)
        };
        let image = padded(0, self.input.height).zip(padded(1, self.input.width));
        let image = image.and_then(|(h, w)| product(&[self.input.channels.max(self.output.channels), h + 1, w + 1]));
        let fits = |n: Option<usize>, most: usize| n.is_some_and(|n| n <= most);
        fits(image, u32::MAX as usize / 2)
            && fits(product(&self.shape(Side::Weight)), u32::MAX as usize / 2)
            && fits(image.and_then(|n| n.checked_mul(self.batch)), isize::MAX as usize / 16)
    }

    /// The shape of the input, the weights or the output.
    pub(crate) fn shape(&self, side: Side) -> [usize; 4] {
        let of = |images: Images| [self.batch, images.channels, images.height, images.width];
        match side {
            Side::Input => of(self.input),
            Side::Weight => [self.output.channels, self.input.channels, self.kernel[0], self.kernel[1]],
            Side::Output => of(self.output),
        }
    }

    /// The elements of the input, the weights or the output.
    pub(crate) fn len(&self, side: Side) -> usize {
        self.shape(side).iter().product()
    }

    /// Elements of the kernel of one pair of channels.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether there is nothing to sum.
    pub(super) fn is_empty(&self) -> bool {
        self.len(Side::Input) == 0 || self.len(Side::Weight) == 0
    }

    /// A 1×1 kernel that visits every input element once: a product of matrices.
    pub(super) fn is_pointwise(&self) -> bool {
        self.taps() == 1 && self.spec.stride == [1, 1] && self.spec.padding == [0, 0]
    }
}

const TOO_LARGE: &str = "too many elements to address";
