//! `RealNVP`: affine couplings (lecture 7), for vectors and for images.
//!
//! Dinh, Sohl-Dickstein & Bengio, *Density estimation using Real NVP*, 2017.

use crate::layers::{ActNorm, BatchNorm, Coupling, FactorOut, Logit, Mask, Partition, Reshape, Split, Squeeze};
use crate::nn::{Activation, Mlp, ResNet, ResNetConfig, hidden_layers};
use crate::{Bijection, Chain, Flow, Inverted, StandardNormal, univariate::Affine};
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
    /// `ActNorm` (Glow's choice), which works for batches of any size.
    Act,
}

impl Norm {
    /// The layer for features of which some elements are changed; all without a mask.
    pub(super) fn layer<T: Real>(self, features: usize, mask: Option<Mask<T>>) -> Option<Box<dyn Bijection<T>>> {
        match self {
            Self::None => None,
            Self::Batch => Some(Box::new(BatchNorm::new(features).changed_by(mask))),
            Self::Act => Some(Box::new(ActNorm::new(features).changed_by(mask))),
        }
    }
}

/// The sizes of a `RealNVP` over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealNvpConfig {
    /// Dimensions of the data, D ≥ 2.
    pub dims: usize,
    /// Affine couplings; the halves swap roles after each.
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
    /// How many times the image is squeezed.
    pub squeezes: usize,
    /// Whether the image is squeezed before the first coupling.
    #[serde(default)]
    pub squeeze_first: bool,
    /// Couplings before each squeeze and after it, under one kind of mask each; with `squeeze_first`, only after it, under
    /// both kinds in turn.
    #[serde(default = "couplings")]
    pub couplings: usize,
    /// Couplings at the smallest size, after what left last.
    #[serde(default = "last")]
    pub last: usize,
    /// Channels of the hidden layers in the networks of the first couplings.
    pub channels: usize,
    /// The factor on those channels after each further squeeze.
    pub widening: usize,
    /// Residual blocks in each network.
    pub blocks: usize,
    /// Whether the networks' weights are normalized.
    pub weight_norm: bool,
    /// What follows each coupling.
    pub norm: Norm,
    /// The margin λ of the logit layer that maps pixels in [0, 1] to the real line; `None` leaves it out.
    pub logit: Option<f64>,
    /// Features of the condition; 0 without one.
    pub condition: usize,
}

/// The paper's number of [`RealNvpImageConfig::couplings`].
const fn couplings() -> usize {
    3
}

/// The paper's number of couplings at the [last](RealNvpImageConfig::last) size.
const fn last() -> usize {
    4
}

/// The model of the lecture's RealNVP slides. An affine [`Coupling`] scales and shifts one half by functions of the other;
/// for the next, the halves swap roles. The log-scales have a learned [bound](crate::univariate::Bound). Their sum over
/// all K couplings is subtracted in log p(x) (normalizing layers and the logit add their own terms):
///
/// <!-- log p(x) = log N(z; 0, I) − Σₖ₌₁ᴷ Σⱼ αⱼ⁽ᵏ⁾ -->
#[doc = include_str!("../../formulas/coupling-density.html")]
///
/// Over images, some of the channels leave as latents at each of L scales (the multi-scale architecture of the paper's
/// §3.6):
///
/// <!--
/// h⁽⁰⁾ = x
/// (z⁽ˡ⁾, h⁽ˡ⁾) = fₗ⁻¹(h⁽ˡ⁻¹⁾),   l = 1…L − 1
/// z⁽ᴸ⁾ = f_L⁻¹(h⁽ᴸ⁻¹⁾),   z = (z⁽¹⁾, … , z⁽ᴸ⁾)
/// -->
#[doc = include_str!("../../formulas/multi-scale.html")]
///
/// While the image is not yet squeezed, masks take the place of halves. From x to z, with the shapes for MNIST and two
/// squeezes on the right, and the paper's numbers of couplings:
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
/// Most of the work is at the full size, where a step of the networks sees least of the image. With
/// [`squeeze_first`](RealNvpImageConfig::squeeze_first), no coupling is larger than half of it, and masks take turns:
///
/// ```text
/// logit                                           [1, 28, 28]
/// squeeze                                   ┐     [4, 14, 14]    [8, 7, 7]
/// n × (coupling, checkerboard mask; norm;   │ each scale
///      coupling, halves of channels; norm)  │
/// half of the channels leave as latent      ┘     [2, 14, 14]    at the last scale all of them
/// ```
///
/// At the end every scale returns to its shape from before the squeeze, so z has the image's shape. The first half of the
/// channels leaves, in the order of [`Squeeze`]: for one gray channel, the upper row of each 2×2 block (in the authors'
/// code, a diagonal). The paper reports 3.49 bits per dimension on CIFAR-10 and nothing on MNIST, for which later papers
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
    /// A `RealNVP` over rows of D values.
    ///
    /// # Panics
    /// If `config.dims` is below 2.
    pub fn build<T: Real>(config: &RealNvpConfig, rng: &mut dyn Rng) -> Flow<T> {
        let &RealNvpConfig { dims, couplings, hidden, depth, norm, condition } = config;
        assert!(dims >= 2, "RealNVP: a coupling needs at least 2 dimensions, not {dims}");
        let mut layers: Layers<T> = Vec::new();
        for i in 0..couplings {
            let split = Split::alternating(i);
            let (read, changed) = split.sizes(dims);
            let net = Mlp::new(read + condition, &hidden_layers(hidden, depth), 2 * changed, Activation::Relu, rng)
                .zero_initialized();
            layers.push(Box::new(Coupling::new(split, Affine::learned(changed), net)));
            let mask = (norm != Norm::None).then(|| Mask::of_split(split, [dims]));
            layers.extend(norm.layer(dims, mask));
        }
        Flow::new(Chain::new(layers), StandardNormal, [dims]).conditioned_on(condition)
    }

    /// A `RealNVP` over images, which are flat rows on the outside.
    ///
    /// # Panics
    /// If the height or the width cannot be halved that many times.
    pub fn build_for_images<T: Real>(config: &RealNvpImageConfig, rng: &mut dyn Rng) -> Flow<T> {
        let dims = config.image.iter().product::<usize>();
        let flat_to_image = Reshape::new([dims], config.image);
        let mut layers: Layers<T> = Vec::new();
        if let Some(margin) = config.logit {
            layers.push(Box::new(Logit::new(margin)));
        }
        layers.push(Box::new(flat_to_image.clone()));
        layers.push(Box::new(scale(config, config.image, 0, rng)));
        layers.push(Box::new(Inverted(flat_to_image)));
        Flow::new(Chain::new(layers), StandardNormal, [dims]).conditioned_on(config.condition)
    }
}

/// The couplings at one scale, after this many squeezes, with all smaller scales inside. Keeps the images' shape.
fn scale<T: Real>(
    config: &RealNvpImageConfig,
    image @ [channels, height, width]: [usize; 3],
    squeezes: usize,
    rng: &mut dyn Rng,
) -> Chain<T> {
    let &RealNvpImageConfig { squeeze_first, couplings, last, .. } = config;
    let mut layers: Layers<T> = Vec::new();
    let before_last = |squeezes: usize| squeezes < config.squeezes;
    if !squeeze_first {
        for i in 0..if before_last(squeezes) { couplings } else { last } {
            coupling(&mut layers, config, Mask::checkerboard(image, i).into(), image, squeezes, rng);
        }
    }
    if before_last(squeezes) {
        let (squeezes, squeezed) = (squeezes + 1, [4 * channels, height / 2, width / 2]);
        let has_rest = !squeeze_first || before_last(squeezes);
        layers.push(Box::new(Squeeze));
        for i in 0..if has_rest { couplings } else { last } {
            let by_turns = || Partition::by_turns(squeezed, i);
            let partition = if squeeze_first { by_turns() } else { Split::alternating(i).into() };
            coupling(&mut layers, config, partition, squeezed, squeezes, rng);
        }
        if has_rest {
            let rest = [2 * channels, height / 2, width / 2];
            layers.push(Box::new(FactorOut::new(scale(config, rest, squeezes, rng))));
        }
        layers.push(Box::new(Inverted(Squeeze)));
    }
    Chain::new(layers)
}

/// Appends a coupling after this many squeezes, and what follows it.
fn coupling<T: Real>(
    layers: &mut Layers<T>,
    config: &RealNvpImageConfig,
    partition: Partition<T>,
    image @ [features, ..]: [usize; 3],
    squeezes: usize,
    rng: &mut dyn Rng,
) {
    let (read, changed) = partition.sizes(features);
    let widened = squeezes.saturating_sub(usize::from(config.squeeze_first)) as u32;
    let sizes = ResNetConfig {
        inputs: read,
        outputs: 2 * changed,
        channels: config.channels.saturating_mul(config.widening.saturating_pow(widened)),
        blocks: config.blocks,
        condition: config.condition,
        normalized: config.weight_norm,
    };
    let mask = (config.norm != Norm::None).then(|| partition.mask(image));
    layers.push(Box::new(Coupling::new(partition, Affine::learned(changed), ResNet::new(&sizes, rng))));
    layers.extend(config.norm.layer(features, mask));
}
