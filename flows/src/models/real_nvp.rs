//! `RealNVP`: affine couplings (lecture 7), for vectors and for images.
//!
//! Dinh, Sohl-Dickstein & Bengio, *Density estimation using Real NVP*, 2017.

use crate::base::StandardNormal;
use crate::bijection::{Bijection, Chain, Inverted};
use crate::flow::Flow;
use crate::layers::{ActNorm, AffineCoupling, BatchNorm, FactorOut, Logit, Mask, Partition, Reshape, Split, Squeeze};
use crate::nn::{Activation, Mlp, ResNet, ResNetConfig};
use autograd::Real;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// What follows each coupling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// Nothing.
    #[default]
    None,
    /// Batch normalization (the paper's choice).
    Batch,
    /// `ActNorm` (Glow's choice): the same for one sample as for many.
    Act,
}

/// The sizes of a `RealNVP` over rows of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealNvpConfig {
    /// Dimensions of the data, D ≥ 2.
    pub dims: usize,
    /// Affine couplings; the halves exchange roles after each.
    pub couplings: usize,
    /// Width of the networks' hidden layers.
    pub hidden: usize,
    /// Hidden layers in each network.
    pub depth: usize,
    /// What follows each coupling.
    pub norm: Norm,
    /// Features of the condition; 0 without one.
    pub condition: usize,
}

/// The sizes of a `RealNVP` over images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealNvpImageConfig {
    /// Channels, height and width of an image.
    pub image: [usize; 3],
    /// How often the image is squeezed and half of its channels factored out.
    pub squeezes: usize,
    /// Channels within the networks at the first scale.
    pub channels: usize,
    /// The factor on those channels after each squeeze.
    pub widening: usize,
    /// Residual blocks in each network.
    pub blocks: usize,
    /// Whether the networks' weights are normalized.
    pub weight_norm: bool,
    /// What follows each coupling.
    pub norm: Norm,
    /// The margin λ of the logit that pixels in [0, 1] pass first; without one, they pass none.
    pub logit: Option<f64>,
    /// Features of the condition; 0 without one.
    pub condition: usize,
}

/// The lecture's model, in the direction x → z.
///
/// <!--
/// α = c·tanh a(x₁)
/// z₁ = x₁
/// z₂ = (x₂ − μ(x₁)) ⊙ exp(−α)            log|det ∂z/∂x| = −Σ α
/// log p(x) = log N(z; 0, I) − Σ α         over all couplings; normalizing layers and the logit add
///                                         their own log-determinants
/// -->
///
/// A coupling scales and shifts one half by functions of the other; for the next, they exchange roles:
///
#[doc = include_str!("../../formulas/affine-coupling.html")]
///
/// The log-scales are bounded, and log p(x) is lower by their sum over all K couplings (normalizing layers and the
/// logit add their own):
///
#[doc = include_str!("../../formulas/bounded-scale.html")]
#[doc = include_str!("../../formulas/coupling-density.html")]
///
/// Over images a part of the channels leaves as latent at each of L scales (the multi-scale architecture of the
/// paper's §3.6):
///
#[doc = include_str!("../../formulas/multi-scale.html")]
///
/// with masks in place of halves where the image is not yet squeezed; on the right, the shapes for MNIST at two
/// squeezes:
///
/// ```text
/// logit                                           [1, 28, 28]
/// 3 × (coupling, checkerboard mask; norm)   ┐     [1, 28, 28]    [2, 14, 14]
/// squeeze: 2×2 blocks become channels       │     [4, 14, 14]    [8, 7, 7]
/// 3 × (coupling, halves of channels; norm)  │ each scale
/// half of the channels leave as latent      ┘     [2, 14, 14]    [4, 7, 7]
/// 4 × (coupling, checkerboard mask; norm)                        [4, 7, 7]
/// ```
///
/// At the end every scale is spread back to where it was before its squeeze, so z has the image's shape.
/// Of the channels the first half leaves, in the order of [`Squeeze`]: of one gray channel the upper
/// row of each 2×2 block. (The authors' code orders them anew first, so that one diagonal leaves.)
///
/// The paper reports 3.49 bits per dimension on CIFAR-10; it has no MNIST, for which later papers
/// (Grathwohl et al. 2019, FFJORD) quote 1.06.
///
/// # On the slides
///
/// - **Lecture:** lecture 7, affine coupling
/// - **Paper:** Dinh, Sohl-Dickstein & Bengio: RealNVP (2017), figures 5 and 6, table 1
/// - **Command:** `zoo train real-nvp`, then `zoo interpolate runs/real-nvp-mnist`
/// - **File:** `flows/src/models/real_nvp.rs`
#[derive(Clone, Copy, Debug)]
pub struct RealNvp;

type Layers<T> = Vec<Box<dyn Bijection<T>>>;

impl RealNvp {
    /// A `RealNVP` over rows of D numbers.
    ///
    /// # Panics
    /// If `config.dims` is below 2.
    #[must_use]
    pub fn build<T: Real>(config: &RealNvpConfig, rng: &mut dyn Rng) -> Flow<T> {
        let &RealNvpConfig { dims, couplings, hidden, depth, norm, condition } = config;
        assert!(dims >= 2, "RealNVP: a coupling needs at least 2 dimensions, not {dims}");
        let mut layers: Layers<T> = Vec::new();
        for i in 0..couplings {
            let split = Split::alternating(i);
            let (read, changed) = split.sizes(dims);
            let net =
                Mlp::new(read + condition, &vec![hidden; depth], 2 * changed, Activation::Relu, rng).zero_initialized();
            layers.push(Box::new(AffineCoupling::new(split, changed, net)));
            normalize(&mut layers, norm, dims, Mask::of_split(split, [dims]));
        }
        Flow::new(Chain::new(layers), StandardNormal, [dims]).conditioned_on(condition)
    }

    /// A `RealNVP` over images, given and drawn as flat rows.
    ///
    /// # Panics
    /// If the height or the width cannot be halved as often as the image is squeezed.
    #[must_use]
    pub fn build_for_images<T: Real>(config: &RealNvpImageConfig, rng: &mut dyn Rng) -> Flow<T> {
        let dims = config.image.iter().product::<usize>();
        let flat_to_image = Reshape::new([dims], config.image);
        let mut layers: Layers<T> = vec![Box::new(flat_to_image.clone())];
        if let Some(margin) = config.logit {
            layers.push(Box::new(Logit::new(margin)));
        }
        layers.push(Box::new(scale(config, config.image, 0, rng)));
        layers.push(Box::new(Inverted(flat_to_image)));
        Flow::new(Chain::new(layers), StandardNormal, [dims]).conditioned_on(config.condition)
    }
}

/// The couplings at one scale, after so many squeezes, and within them all smaller scales. Keeps the
/// images' shape.
fn scale<T: Real>(
    config: &RealNvpImageConfig,
    image @ [channels, height, width]: [usize; 3],
    squeezes: usize,
    rng: &mut dyn Rng,
) -> Chain<T> {
    let mut layers: Layers<T> = Vec::new();
    if squeezes == config.squeezes {
        for i in 0..4 {
            checkerboard(&mut layers, config, image, i, squeezes, rng);
        }
        return Chain::new(layers);
    }
    for i in 0..3 {
        checkerboard(&mut layers, config, image, i, squeezes, rng);
    }
    layers.push(Box::new(Squeeze));
    let small = [4 * channels, height / 2, width / 2];
    for i in 0..3 {
        halves(&mut layers, config, small, i, squeezes + 1, rng);
    }
    layers.push(Box::new(FactorOut::new(scale(config, [2 * channels, height / 2, width / 2], squeezes + 1, rng))));
    layers.push(Box::new(Inverted(Squeeze)));
    Chain::new(layers)
}

/// A coupling between the black and the white squares of a chess board.
fn checkerboard<T: Real>(
    layers: &mut Layers<T>,
    config: &RealNvpImageConfig,
    image @ [channels, ..]: [usize; 3],
    layer: usize,
    squeezes: usize,
    rng: &mut dyn Rng,
) {
    let mask = Mask::checkerboard(image, layer);
    let net = network(config, channels, channels, squeezes, rng);
    layers.push(Box::new(AffineCoupling::new(mask.clone(), channels, net)));
    normalize(layers, config.norm, channels, mask);
}

/// A coupling between halves of the channels.
fn halves<T: Real>(
    layers: &mut Layers<T>,
    config: &RealNvpImageConfig,
    image @ [channels, ..]: [usize; 3],
    layer: usize,
    squeezes: usize,
    rng: &mut dyn Rng,
) {
    let split = Split::alternating(layer);
    let (read, changed) = split.sizes(channels);
    let net = network(config, read, changed, squeezes, rng);
    layers.push(Box::new(AffineCoupling::new(Partition::from(split), changed, net)));
    normalize(layers, config.norm, channels, Mask::of_split(split, image));
}

/// What follows a coupling, over the elements that it changed.
fn normalize<T: Real>(layers: &mut Layers<T>, norm: Norm, features: usize, mask: Mask<T>) {
    match norm {
        Norm::None => {}
        Norm::Batch => layers.push(Box::new(BatchNorm::new(features).changed_by(mask))),
        Norm::Act => layers.push(Box::new(ActNorm::new(features).changed_by(mask))),
    }
}

fn network<T: Real>(
    config: &RealNvpImageConfig,
    read: usize,
    changed: usize,
    squeezes: usize,
    rng: &mut dyn Rng,
) -> ResNet<T> {
    let sizes = ResNetConfig {
        inputs: read,
        outputs: 2 * changed,
        channels: config.channels * config.widening.pow(squeezes as u32),
        blocks: config.blocks,
        condition: config.condition,
        normalized: config.weight_norm,
    };
    ResNet::new(&sizes, rng)
}
