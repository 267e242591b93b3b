//! The judge's network: a classifier made of convolutions, with no flow in it.

use super::{CLASSES, SIDE};
use autograd::Var;
use flows::layers::Squeeze;
use flows::nn::{Conv2d, Init, Linear};
use flows::{Bijection as _, Context, Module, Visitor};
use rand::Rng;

/// Channels on the two grids, of 14×14 and of 7×7 positions.
const CHANNELS: [usize; 2] = [16, 40];
/// The number of features: the last hidden layer.
pub const FEATURES: usize = CHANNELS[1];

/// A classifier of images of 28×28 pixels, with 40,842 parameters:
///
/// ```text
/// h ← relu(squeeze(h) ⋆ W + b)       from 28×28 pixels to 16×14×14 and then to 40×7×7
/// h ← h + relu(h ⋆ W′ + b′)          after each of the two
/// features = mean of h over the 7×7 positions
/// logits = features·Vᵀ + c
/// ```
///
/// The kernels are 3×3. A [`Squeeze`] halves the resolution as pooling would, and loses nothing.
#[derive(Debug)]
pub(super) struct Network {
    blocks: Vec<[Conv2d<f32>; 2]>,
    head: Linear<f32>,
}

/// What the network makes of some images.
#[derive(Debug)]
pub(super) struct Found {
    /// The last hidden layer, `[batch, FEATURES]`.
    pub(super) features: Var<f32>,
    /// Logarithms of the classes' probabilities, up to a constant of each row, `[batch, CLASSES]`.
    pub(super) logits: Var<f32>,
}

impl Network {
    /// A network with random weights. It starts by giving each class the same probability.
    pub(super) fn new(rng: &mut dyn Rng) -> Self {
        let init = Init::He { gain: 1.0 };
        let mut inputs = 1;
        let blocks = CHANNELS.map(|channels| {
            let block = [4 * inputs, channels].map(|from| Conv2d::new(from, channels, 3, init, rng));
            inputs = channels;
            block
        });
        Self { blocks: blocks.into(), head: Linear::new(FEATURES, CLASSES, Init::Zeros, rng) }
    }

    /// Reads pixels from 0 to 1, `[batch, 784]`.
    pub(super) fn apply(&self, pixels: &Var<f32>) -> Found {
        let mut h = pixels.reshape([pixels.extent(0), 1, SIDE, SIDE]);
        for [first, second] in &self.blocks {
            h = first.apply(&Squeeze.to_latent(&h, Context::default()).value).relu();
            h = &h + second.apply(&h).relu();
        }
        let features = h.mean(&[2, 3]);
        Found { logits: self.head.apply(&features), features }
    }
}

impl Module<f32> for Network {
    fn visit(&self, visitor: &mut Visitor<f32>) {
        visitor.part("blocks", &self.blocks);
        visitor.part("head", &self.head);
    }
}
