//! Which taps of a convolution are alive.

use crate::kernels::Plan;
use crate::real::Real;
use crate::tensor::Tensor;
use std::fmt;
use std::sync::Arc;

/// Which taps of a convolution's weights `[outputs, inputs, kernel height, kernel width]` are alive;
/// the others are dead, and count as 0.
///
/// The masked convolutions of autoregressive models (van den Oord et al. 2016; MintNet, Song et al. 2019)
/// keep about half of their taps, and [`crate::Var::conv2d_masked`] multiplies with those
/// alone. Any set of taps will do; outputs that see the same taps are worked on together, so the
/// fewer different ones there are the better. Making one costs about as much as a small convolution,
/// so it is made once; cloning is cheap.
///
/// ```
/// use autograd::KernelMask;
///
/// // One channel: what comes before a pixel in reading order, and the pixel itself.
/// let taps = KernelMask::preceding(&[0], &[0], [3, 3]);
/// assert_eq!(taps.mask::<f32>().as_slice(), [
///     1.0, 1.0, 1.0, //
///     1.0, 1.0, 0.0, //
///     0.0, 0.0, 0.0,
/// ]);
/// ```
#[derive(Clone)]
pub struct KernelMask(Arc<Set>);

struct Set {
    shape: [usize; 4],
    alive: Vec<bool>,
    count: usize,
    by_output: Plan,
    by_input: Plan,
}

impl KernelMask {
    /// The taps of weights of this shape, `[outputs, inputs, kernel height, kernel width]`, for which
    /// `alive(output, input, [row, column])` is true.
    ///
    /// # Panics
    /// If 32 bits cannot count the weights.
    #[must_use]
    #[track_caller]
    pub fn new(shape: [usize; 4], alive: impl Fn(usize, usize, [usize; 2]) -> bool) -> Self {
        let [outputs, inputs, height, width] = shape;
        let len = shape.iter().try_fold(1usize, |all, &extent| all.checked_mul(extent));
        assert!(len.is_some_and(|len| u32::try_from(len).is_ok()), "taps: too many weights in {shape:?}");
        let pairs = (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i)));
        let places = || (0..height).flat_map(|row| (0..width).map(move |col| [row, col]));
        let alive: Vec<bool> =
            pairs.flat_map(|(o, i)| places().map(move |at| (o, i, at))).map(|(o, i, at)| alive(o, i, at)).collect();
        let count = alive.iter().filter(|&&alive| alive).count();
        let (by_output, by_input) = (Plan::by_output(shape, &alive), Plan::by_input(shape, &alive));
        Self(Arc::new(Set { shape, alive, count, by_output, by_input }))
    }

    /// For channels that come in groups, given for each output and each input: an output sees all taps
    /// of inputs of lower group, none of higher, and of its own group those up to and including the
    /// center in reading order. (MintNet's mask A, where a group is a channel of the image.)
    ///
    /// The center of an even extent is the later of the two in its middle.
    ///
    /// # Panics
    /// If 32 bits cannot count the weights.
    #[must_use]
    #[track_caller]
    pub fn preceding(outputs: &[usize], inputs: &[usize], kernel: [usize; 2]) -> Self {
        let center = kernel.map(|extent| extent / 2);
        Self::new([outputs.len(), inputs.len(), kernel[0], kernel[1]], |o, i, at| {
            inputs[i] < outputs[o] || inputs[i] == outputs[o] && at <= center
        })
    }

    /// The mirror image of [`KernelMask::preceding`]: all taps of inputs of higher group, none of lower, and
    /// of its own group those from the center on in reading order. (MintNet's mask B.)
    ///
    /// # Panics
    /// If 32 bits cannot count the weights.
    #[must_use]
    #[track_caller]
    pub fn following(outputs: &[usize], inputs: &[usize], kernel: [usize; 2]) -> Self {
        let center = kernel.map(|extent| extent / 2);
        Self::new([outputs.len(), inputs.len(), kernel[0], kernel[1]], |o, i, at| {
            inputs[i] > outputs[o] || inputs[i] == outputs[o] && at >= center
        })
    }

    /// The shape of the weights, `[outputs, inputs, kernel height, kernel width]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 4] {
        self.0.shape
    }

    /// How many taps are alive: the ones of the mask.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.count
    }

    /// The mask itself, in the shape of the weights: 1 where a tap is alive, else 0.
    #[must_use]
    pub fn mask<T: Real>(&self) -> Tensor<T> {
        Tensor::from_fn(self.shape(), |i| if self.0.alive[i] { T::ONE } else { T::ZERO })
    }

    /// Whether each weight's tap is alive.
    pub(crate) fn alive(&self) -> &[bool] {
        &self.0.alive
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
        Arc::ptr_eq(&self.0, &other.0) || self.shape() == other.shape() && self.alive() == other.alive()
    }
}

impl Eq for KernelMask {}

impl fmt::Debug for KernelMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KernelMask {:?}, {} of {} alive", self.shape(), self.count(), self.alive().len())
    }
}
