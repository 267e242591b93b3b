//! `MintNet`: masked convolutions, twice over.
//!
//! Song, Meng & Ermon, *`MintNet`: Building Invertible Neural Networks with Masked Convolutions*, 2019.

use crate::base::StandardNormal;
use crate::bijection::{Bijection, Chain, Inverted};
use crate::flow::Flow;
use crate::layers::{ActNorm, Logit, Mint, Reshape, Squeeze};
use crate::nn::{ConvMask, Init};
use autograd::Real;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The layers of a `MintNet` between two squeezes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintScale {
    /// Pairs of layers, one under each mask.
    pub pairs: usize,
    /// Branches K of each layer: hidden units for each channel of the image.
    pub branches: usize,
}

/// The sizes of a `MintNet` over images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintNetConfig {
    /// Channels, height and width of an image.
    pub image: [usize; 3],
    /// The layers at each scale. Before each but the first the image is squeezed: four times the channels, half the
    /// height and the width.
    pub scales: Vec<MintScale>,
    /// The gain of the weights that it starts from, drawn from N(0, gain²·2/(9·inputs)). The paper's is 0.005, with
    /// which every layer is nearly the identity.
    pub gain: f64,
    /// The margin λ of the logit that pixels in [0, 1] pass first; without one, they pass none.
    pub logit: Option<f64>,
    /// Whether each number is given mean 0 and variance 1 over the first batch, by an [`ActNorm`] after the logit
    /// that is trained from there. The paper has none; without it the layers' t and b₃ have to find the data's
    /// scale first.
    pub act_norm: bool,
}

impl MintNetConfig {
    /// The paper's model of MNIST: 20 pairs with 45, 11 and 2 branches, squeezes before the pairs 6 and 12
    /// (counted from 0).
    #[must_use]
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

/// Pairs of [`Mint`] layers, in the direction x → z.
///
/// <!--
/// z = t⊙x + W₃⋆h(W₂⋆h(W₁⋆x + b₁) + b₂) + b₃       masked convolutions; h = ELU
/// log|det ∂z/∂x| = Σ ln(t + d)                     d from center taps alone
/// log p(x) = log N(z; 0, I) + Σ ln(t + d)           over all layers; the logit and the start add their own
/// -->
///
/// One layer, with h = ELU and masked convolutions W:
///
#[doc = include_str!("../../formulas/mintnet.html")]
///
/// Its Jacobian is triangular, and d comes from the center taps alone:
///
#[doc = include_str!("../../formulas/mintnet-determinant.html")]
///
/// Over all layers (the logit and the start add their own):
///
#[doc = include_str!("../../formulas/mintnet-density.html")]
///
/// A number that has come through a layer under mask A depends on those before it, and through one under mask B on
/// those after it: after each pair it can depend on every other within the kernels' reach, which a squeeze
/// doubles. Nothing is factored out, and in the end every squeeze is undone, so that z has the image's order.
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
    /// A `MintNet` over images, given and drawn as flat rows.
    ///
    /// # Panics
    /// If there is no scale, or if the height or the width cannot be halved as often as the image is squeezed.
    #[must_use]
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
                layers.push(Box::new(Mint::new(mask, [channels, height, width], *branches, init, rng)));
            }
        }
        for _ in 0..squeezes {
            layers.push(Box::new(Inverted(Squeeze)));
        }
        layers.push(Box::new(Inverted(flat_to_image)));
        Flow::new(Chain::new(layers), StandardNormal, [dims])
    }
}
