//! `MintNet`: invertible masked convolutions (lecture 8).
//!
//! Song, Meng & Ermon, *`MintNet`: Building Invertible Neural Networks with Masked Convolutions*, 2019.

use crate::layers::{ActNorm, Logit, Mint, MintSolver, Reshape, Squeeze};
use crate::nn::{ConvMask, Init};
use crate::{Bijection, Chain, Flow, Inverted, StandardNormal};
use autograd::Real;
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The layers of a `MintNet` between two squeezes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintScale {
    /// Pairs of layers, one under each mask.
    pub pairs: usize,
    /// Branches K of each layer: hidden units for each channel.
    pub branches: usize,
}

/// The sizes of a `MintNet` over images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintNetConfig {
    /// Channels, height and width of an image.
    pub image: [usize; 3],
    /// The layers at each scale. The image is squeezed between two scales: four times the channels, half the height and
    /// the width.
    pub scales: Vec<MintScale>,
    /// Initial weights are drawn from N(0, gain²·2/(k²·inputs)), for kernels of k×k: 3×3, or 1×1 over a single pixel. The paper's gain is 0.005, with which every layer is
    /// nearly the identity.
    pub gain: f64,
    /// The margin λ of a logit for pixels in [0, 1], if there is to be one.
    pub logit: Option<f64>,
    /// Whether an [`ActNorm`] after the logit normalizes each element. The paper has none; without it the layers' t and
    /// b₃ first have to learn the data's scale.
    pub act_norm: bool,
}

impl MintNetConfig {
    /// The paper's model of MNIST: 20 pairs with 45, 11 and 2 branches, and squeezes before pairs 6 and 12 (from 0).
    pub fn mnist() -> Self {
        Self {
            image: [1, 28, 28],
            scales: [(6, 45), (6, 11), (8, 2)].map(|(pairs, branches)| MintScale { pairs, branches }).to_vec(),
            gain: 0.005,
            logit: Some(1e-6),
            act_norm: false,
        }
    }
}

/// Pairs of [`Mint`] layers, in the direction x → z. Each layer is three masked convolutions with a triangular Jacobian,
/// whose diagonal is t + d. Over all layers (the logit and `ActNorm` add their own terms):
///
/// <!-- log p(x) = log N(z; 0, I) + Σ_layers Σᵢ log(tᵢ + dᵢ) -->
#[doc = include_str!("../../formulas/mintnet-density.html")]
///
/// After a pair, with masks A and B, an element depends on all within the kernels' reach, which a squeeze doubles. Nothing
/// is factored out. At the end the squeezes are undone, so z has the image's order.
///
/// On MNIST the paper reports 0.98 bits per dimension, on CIFAR-10 3.32.
///
/// # On the slides
///
/// - **Lecture:** lecture 8, masked convolutions
/// - **Paper:** Song, Meng & Ermon: MintNet (2019), table 1
/// - **Command:** `zoo train mint-net`, then `zoo inversion-error runs/mint-net-mnist`
/// - **File:** `flows/src/models/mint_net.rs`
#[derive(Clone, Copy, Debug)]
pub struct MintNet;

impl MintNet {
    /// A `MintNet` over images, given and drawn as flat rows. [`MintSolver::of`] finds how it is inverted.
    ///
    /// # Panics
    /// If there are no scales, or the height or the width cannot be halved that often.
    pub fn build<T: Real>(config: &MintNetConfig, rng: &mut dyn Rng) -> Flow<T> {
        let MintNetConfig { image, scales, gain, logit, act_norm } = config;
        assert!(!scales.is_empty(), "MintNet: no scales");
        let squeezes = scales.len() - 1;
        let [mut channels, mut height, mut width] = *image;
        let halvings = 1 << squeezes;
        assert!(
            height.is_multiple_of(halvings) && width.is_multiple_of(halvings),
            "MintNet: {height}×{width} cannot be halved {squeezes} times"
        );
        let dims = image.iter().product::<usize>();
        let flat_to_image = Reshape::new([dims], *image);
        let solver = Arc::new(MintSolver::default());
        let mut layers: Vec<Box<dyn Bijection<T>>> = Vec::new();
        if let Some(margin) = *logit {
            layers.push(Box::new(Logit::new(margin)));
        }
        if *act_norm {
            layers.push(Box::new(ActNorm::new(dims)));
        }
        layers.push(Box::new(flat_to_image.clone()));
        for (i, MintScale { pairs, branches }) in scales.iter().enumerate() {
            if i > 0 {
                layers.push(Box::new(Squeeze));
                (channels, height, width) = (4 * channels, height / 2, width / 2);
            }
            for mask in std::iter::repeat_n([ConvMask::A, ConvMask::B], *pairs).flatten() {
                let init = Init::He { gain: *gain };
                let layer = Mint::new(mask, [channels, height, width], *branches, init, rng);
                layers.push(Box::new(layer.solved_by(solver.clone())));
            }
        }
        for _ in 0..squeezes {
            layers.push(Box::new(Inverted(Squeeze)));
        }
        layers.push(Box::new(Inverted(flat_to_image)));
        Flow::new(Chain::new(layers), StandardNormal, [dims])
    }
}
