//! A residual network of convolutions.

use super::{Conv2d, Init, Linear, Network};
use crate::module::parameters;
use autograd::{Real, Var, elementwise::Unary};
use rand::Rng;

/// The sizes of a [`ResNet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResNetConfig {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Channels of the hidden layers.
    pub channels: usize,
    /// Residual blocks, of two convolutions each.
    pub blocks: usize,
    /// Features of the condition; 0 without one.
    pub condition: usize,
    /// Whether weights are normalized.
    pub normalized: bool,
}

/// A pre-activation residual network (He et al. 2016) that keeps the size of the image:
///
/// ```text
/// h ← x ⋆ W₀ + b₀ + C·condition
/// h ← h + relu(relu(h) ⋆ W₁ + b₁) ⋆ W₂ + b₂      in each block
/// y = relu(h) ⋆ W₃ + b₃                            with a kernel of 1×1
/// ```
///
/// The last convolution starts at 0, so a coupling with this network starts as the identity.
#[derive(Debug)]
pub struct ResNet<T: Real> {
    input: Conv2d<T>,
    condition: Option<Linear<T>>,
    blocks: Vec<[Conv2d<T>; 2]>,
    output: Conv2d<T>,
}

impl<T: Real> ResNet<T> {
    /// A network of these sizes with 3×3 kernels.
    pub fn new(config: &ResNetConfig, rng: &mut dyn Rng) -> Self {
        let &ResNetConfig { inputs, outputs, channels, blocks, condition, normalized } = config;
        let mut conv = |inputs, outputs, kernel, gain| {
            let conv = Conv2d::new(inputs, outputs, kernel, Init::He { gain }, rng);
            if normalized { conv.normalized() } else { conv }
        };
        // The sum of all branches then has about the scale of what they are added to.
        let branch = 1.0 / (blocks.max(1) as f64).sqrt();
        let input = conv(inputs, channels, 3, 1.0);
        // Not collected, which would allocate for all of them before an outline counts the first.
        let mut pairs = Vec::new();
        for _ in 0..blocks {
            pairs.push([conv(channels, channels, 3, 1.0), conv(channels, channels, 3, branch)]);
        }
        Self {
            input,
            blocks: pairs,
            output: conv(channels, outputs, 1, 1.0).zero_initialized(),
            condition: (condition > 0).then(|| Linear::new(condition, channels, Init::He { gain: 1.0 }, rng)),
        }
    }
}

impl<T: Real> Network<T> for ResNet<T> {
    fn apply(&self, x: &Var<T>, condition: Option<&Var<T>>) -> Var<T> {
        let mut h = self.input.apply(x);
        if let (Some(layer), Some(condition)) = (&self.condition, condition) {
            let shift = layer.apply(condition);
            let each = [shift.extent(0), shift.extent(1), 1, 1];
            h = h + shift.reshape(each);
        }
        for [first, second] in &self.blocks {
            let inner = first.apply_relu(&h.relu());
            h = h + second.apply(&inner);
        }
        self.output.apply(&h.then(Unary::Relu))
    }
}

parameters!(ResNet: input, condition, blocks, output; activation = "relu");
