//! Masks of convolution kernels.

use crate::kernels::Plan;
use crate::outline;
use crate::real::Real;
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::fmt;
use std::sync::Arc;

/// Which of a convolution's weights `[outputs, inputs, kernel height, kernel width]` are kept; the others count as 0.
///
/// The masked convolutions of autoregressive models (van den Oord et al. 2016; MintNet, Song et al. 2019) keep about
/// half of their weights, and [`crate::Var::conv2d_masked`] multiplies with those alone. Any mask will do; outputs that
/// see the same inputs are computed together, so the fewer different rows it has the better. Making a mask costs about
/// as much as a small convolution, so make it once; cloning is cheap.
///
/// ```
/// use autograd::KernelMask;
///
/// // One channel: what comes before a pixel in reading order, and the pixel itself.
/// let mask = KernelMask::preceding(&[0], &[0], [3, 3]);
/// assert_eq!(mask.mask::<f32>().as_slice(), [
///     1.0, 1.0, 1.0, //
///     1.0, 1.0, 0.0, //
///     0.0, 0.0, 0.0,
/// ]);
/// ```
#[derive(Clone)]
pub struct KernelMask(Arc<Set>);

struct Set {
    shape: [usize; 4],
    kept: Vec<bool>,
    count: usize,
    by_output: Plan,
    by_input: Plan,
}

impl KernelMask {
    /// Of weights of this shape, `[outputs, inputs, kernel height, kernel width]`, keeps those for which
    /// `keep(output, input, [row, column])` is true.
    ///
    /// # Panics
    /// If 32 bits cannot count the weights.
    #[track_caller]
    pub fn new(shape: [usize; 4], keep: impl Fn(usize, usize, [usize; 2]) -> bool) -> Self {
        let [_, inputs, height, width] = shape;
        // A flag, and for the half that is kept a term in each of two plans.
        outline::spend(Shape::from(shape).elements().saturating_mul(3));
        if outline::is_active() {
            let [by_output, by_input] = [false, true].map(|is_adjoint| Plan::new([0; 4], is_adjoint, &[]));
            return Self(Arc::new(Set { shape, kept: Vec::new(), count: 0, by_output, by_input }));
        }
        let len = shape.iter().try_fold(1usize, |all, &extent| all.checked_mul(extent));
        let len = len.filter(|&len| u32::try_from(len).is_ok());
        let Some(len) = len else { panic!("kernel mask: too many weights in {shape:?}") };
        let is_kept = |i: usize| {
            let (channels, at) = (i / (height * width), i % (height * width));
            keep(channels / inputs, channels % inputs, [at / width, at % width])
        };
        let kept: Vec<bool> = (0..len).map(is_kept).collect();
        let count = kept.iter().filter(|&&kept| kept).count();
        let [by_output, by_input] = [false, true].map(|is_adjoint| Plan::new(shape, is_adjoint, &kept));
        Self(Arc::new(Set { shape, kept, count, by_output, by_input }))
    }

    /// For channels that come in groups, given for each output and each input: an output sees all of the kernel for
    /// inputs of a lower group, none of it for a higher one, and for its own group the weights up to and including the
    /// center in reading order. (MintNet's mask A, where a group is a channel of the image.)
    ///
    /// The center of an even extent is the later of the two in its middle.
    ///
    /// # Panics
    /// If 32 bits cannot count the weights.
    #[track_caller]
    pub fn preceding(outputs: &[usize], inputs: &[usize], kernel: [usize; 2]) -> Self {
        let center = kernel.map(|extent| extent / 2);
        Self::new([outputs.len(), inputs.len(), kernel[0], kernel[1]], |o, i, at| {
            inputs[i] < outputs[o] || inputs[i] == outputs[o] && at <= center
        })
    }

    /// The mirror image of [`KernelMask::preceding`]: all of the kernel for inputs of a higher group, none of it for a
    /// lower one, and for its own group the weights from the center on in reading order. (MintNet's mask B.)
    ///
    /// # Panics
    /// If 32 bits cannot count the weights.
    #[track_caller]
    pub fn following(outputs: &[usize], inputs: &[usize], kernel: [usize; 2]) -> Self {
        let center = kernel.map(|extent| extent / 2);
        Self::new([outputs.len(), inputs.len(), kernel[0], kernel[1]], |o, i, at| {
            inputs[i] > outputs[o] || inputs[i] == outputs[o] && at >= center
        })
    }

    /// The shape of the weights, `[outputs, inputs, kernel height, kernel width]`.
    pub fn shape(&self) -> [usize; 4] {
        self.0.shape
    }

    /// How many weights are kept: the ones of the mask.
    pub fn count(&self) -> usize {
        self.0.count
    }

    /// The mask itself, in the shape of the weights: 1 where a weight is kept, else 0.
    pub fn mask<T: Real>(&self) -> Tensor<T> {
        Tensor::from_fn(self.shape(), |i| if self.0.kept[i] { T::ONE } else { T::ZERO })
    }

    /// Whether each weight is kept.
    pub(crate) fn kept(&self) -> &[bool] {
        &self.0.kept
    }

    /// What each output sums.
    pub(crate) fn by_output(&self) -> &Plan {
        &self.0.by_output
    }

    /// What the gradient of each input sums.
    pub(crate) fn by_input(&self) -> &Plan {
        &self.0.by_input
    }
}

impl PartialEq for KernelMask {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.shape() == other.shape() && self.kept() == other.kept()
    }
}

impl Eq for KernelMask {}

impl fmt::Debug for KernelMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KernelMask {:?}, {} of {} kept", self.shape(), self.count(), self.kept().len())
    }
}
