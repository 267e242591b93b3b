//! The shape of a convolution, and what is checked about it once.

use std::error::Error;
use std::fmt;

/// The sizes of a 2-D convolution over `[batch, channel, height, width]` data.
///
/// Weights are `[out, in, kernel height, kernel width]`, and the kernel is not flipped (what is
/// called convolution here is the cross-correlation of signal processing). Pairs are `[vertical,
/// horizontal]`. A 1-D convolution has height 1 and a kernel of height 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Conv2d {
    /// Images.
    pub(crate) batch: usize,
    /// Channels of the input.
    pub(crate) in_channels: usize,
    /// Channels of the output.
    pub(crate) out_channels: usize,
    /// Height of the input.
    pub(crate) in_h: usize,
    /// Width of the input.
    pub(crate) in_w: usize,
    /// Height of the kernel.
    pub(crate) kernel_h: usize,
    /// Width of the kernel.
    pub(crate) kernel_w: usize,
    /// The step from one output to the next, in input elements.
    pub(crate) stride: [usize; 2],
    /// Zeros added on each side of the input.
    pub(crate) padding: [usize; 2],
    /// The step from one kernel element to the next, in input elements.
    pub(crate) dilation: [usize; 2],
}

impl Conv2d {
    /// The convolution of an input `[batch, channels, height, width]` with weights `[out, in, height,
    /// width]`.
    ///
    /// # Errors
    /// If the channels of `input` and `weight` differ, a kernel size, stride or dilation is 0, the
    /// kernel does not fit into the padded input, or a tensor would have more elements than can be
    /// addressed.
    pub(crate) fn with(
        input: [usize; 4],
        weight: [usize; 4],
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
    ) -> Result<Self, GeometryError> {
        let fail =
            |problem| Err(GeometryError(Box::new(Refused { input, weight, stride, padding, dilation, problem })));
        let [batch, in_channels, in_h, in_w] = input;
        let [out_channels, weight_in, kernel_h, kernel_w] = weight;
        if in_channels != weight_in {
            return fail(Problem::Channels);
        }
        if kernel_h == 0 || kernel_w == 0 || stride.contains(&0) || dilation.contains(&0) {
            return fail(Problem::Zero);
        }
        for (axis, (size, kernel)) in [(in_h, kernel_h), (in_w, kernel_w)].into_iter().enumerate() {
            let padded = padding[axis].checked_mul(2).and_then(|both| both.checked_add(size));
            let reach = (kernel - 1).checked_mul(dilation[axis]).and_then(|last| last.checked_add(1));
            let (Some(padded), Some(reach)) = (padded, reach) else {
                return fail(Problem::TooLarge);
            };
            if reach > padded {
                return fail(Problem::KernelTooLarge { vertical: axis == 0, reach, padded });
            }
        }
        let geometry =
            Self { batch, in_channels, out_channels, in_h, in_w, kernel_h, kernel_w, stride, padding, dilation };
        if geometry.addressable() { Ok(geometry) } else { fail(Problem::TooLarge) }
    }

    /// Whether 32 bits can count the elements of any padded image and of the weights, and a `usize` all.
    fn addressable(&self) -> bool {
        let product = |factors: &[usize]| factors.iter().try_fold(1usize, |all, &f| all.checked_mul(f));
        // The source of any of the three, with zeros on both sides.
        let padded = |axis: usize, size: usize, kernel: usize| {
            let reach = (kernel - 1) * self.dilation[axis];
            size.checked_add(2 * self.padding[axis])?.checked_add(reach.checked_mul(2)?)
        };
        let image = padded(0, self.in_h, self.kernel_h).zip(padded(1, self.in_w, self.kernel_w));
        let image = image.and_then(|(h, w)| product(&[self.in_channels.max(self.out_channels), h + 1, w + 1]));
        let weights = product(&[self.out_channels, self.in_channels, self.kernel_h, self.kernel_w]);
        let fits = |n: Option<usize>, most: usize| n.is_some_and(|n| n <= most);
        fits(image, u32::MAX as usize / 2)
            && fits(weights, u32::MAX as usize / 2)
            && fits(image.and_then(|n| n.checked_mul(self.batch)), isize::MAX as usize / 16)
    }

    /// Height of the output.
    #[must_use]
    pub(crate) fn out_h(&self) -> usize {
        (self.in_h + 2 * self.padding[0] - self.dilation[0] * (self.kernel_h - 1) - 1) / self.stride[0] + 1
    }

    /// Width of the output.
    #[must_use]
    pub(crate) fn out_w(&self) -> usize {
        (self.in_w + 2 * self.padding[1] - self.dilation[1] * (self.kernel_w - 1) - 1) / self.stride[1] + 1
    }

    /// Elements of the input.
    #[must_use]
    pub(crate) fn input_len(&self) -> usize {
        self.batch * self.in_image()
    }

    /// Elements of the weights.
    #[must_use]
    pub(crate) fn weight_len(&self) -> usize {
        self.out_channels * self.in_channels * self.taps()
    }

    /// Elements of the output.
    #[must_use]
    pub(crate) fn output_len(&self) -> usize {
        self.batch * self.out_image()
    }

    /// Elements of one input image.
    pub(super) fn in_image(&self) -> usize {
        self.in_channels * self.in_h * self.in_w
    }

    /// Elements of one output image.
    pub(super) fn out_image(&self) -> usize {
        self.out_channels * self.out_h() * self.out_w()
    }

    /// Elements of the kernel of one pair of channels.
    pub(super) fn taps(&self) -> usize {
        self.kernel_h * self.kernel_w
    }

    /// Every sum of products is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.input_len() == 0 || self.weight_len() == 0
    }

    /// A 1×1 kernel that visits every input element once: a product of matrices.
    pub(super) fn is_pointwise(&self) -> bool {
        self.taps() == 1 && self.stride == [1, 1] && self.padding == [0, 0]
    }
}

/// Why a convolution cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GeometryError(Box<Refused>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused {
    input: [usize; 4],
    weight: [usize; 4],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Channels,
    Zero,
    KernelTooLarge { vertical: bool, reach: usize, padded: usize },
    TooLarge,
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { input, weight, stride, padding, dilation, problem } = &*self.0;
        write!(f, "conv2d of input {input:?} with weights {weight:?}: ")?;
        match problem {
            Problem::Channels => {
                write!(f, "the input has {} channels and the weights expect {}", input[1], weight[1])
            }
            Problem::Zero => {
                write!(f, "kernel sizes, stride {stride:?} and dilation {dilation:?} must be at least 1")
            }
            Problem::KernelTooLarge { vertical, reach, padded } => {
                let direction = if *vertical { "high" } else { "wide" };
                write!(
                    f,
                    "the kernel is {reach} {direction} with dilation {dilation:?}, \
                     and the input only {padded} with padding {padding:?}"
                )
            }
            Problem::TooLarge => f.write_str("too many elements to address"),
        }
    }
}

impl Error for GeometryError {}
