//! Variational dequantization: learned noise from levels to continuous values.
//!
//! Ho, Chen, Srinivas, Duan & Abbeel, *Flow++: improving flow-based generative models with variational dequantization and
//! architecture design*, 2019.

use crate::layers::{Coupling, Dequantize, Logit, Mask, Partition, Reshape, Squeeze};
use crate::nn::{Network, ResNet, ResNetConfig};
use crate::{Bijection, Chain, Context, Flow, Inverted, Logistic, Mapped, Module, Visitor, univariate::Affine};
use autograd::{Real, Tensor, Var};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The sizes of a [`Dequantizer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DequantizerConfig {
    /// Affine couplings.
    pub couplings: usize,
    /// Channels of their networks' hidden layers.
    pub channels: usize,
    /// Residual blocks in each network.
    pub blocks: usize,
}

/// Small beside any flow over images.
impl Default for DequantizerConfig {
    fn default() -> Self {
        Self { couplings: 4, channels: 32, blocks: 2 }
    }
}

/// Variational dequantization (Ho et al. 2019, Flow++, §3.1), of flat images: levels k ∈ {0 … L−1} become u ∈ [0, 1) with
/// noise ε from a conditional flow q, which is trained together with the density p. Uniform noise is a uniform q, whose log
/// is 0; a better q lets p put its mass where it likes within each level, so the bound is closer to log P(k).
///
/// <!--
/// u = (k + ε)/L,   ε ~ q(ε | k)
/// log P(k) ≥ E_q[log p(u) − log q(ε | k)] − D log L
/// -->
#[doc = include_str!("../formulas/variational-dequantization.html")]
///
/// One draw of ε gives an estimate of the bound. With S draws, there is a tighter one (Burda et al. 2016):
///
/// <!-- log P(k) ≥ E_q log(1/S) Σₛ₌₁^S p(uₛ)/q(εₛ | k) − D log L -->
#[doc = include_str!("../formulas/dequantization-draws.html")]
///
/// q is a flow over ε ∈ (0, 1) under the image as its condition. From ε to its latents, which are standard logistic:
///
/// ```text
/// logit                                                    [1, 28, 28]
/// squeeze, if both sides are even                          [4, 14, 14]
/// 4 × coupling, checkerboards and halves of channels in turn
/// ```
///
/// The couplings' networks read the image, from −1 to 1, as further channels. They start as the identity, so that ε starts
/// uniform, and training goes on from where uniform dequantization is.
#[derive(Debug)]
pub struct Dequantizer<T: Real> {
    noise: Flow<T>,
}

impl<T: Real> Dequantizer<T> {
    /// For images of this many channels, height and width, as flat rows.
    pub fn build(config: &DequantizerConfig, image: [usize; 3], rng: &mut dyn Rng) -> Self {
        let &DequantizerConfig { couplings, channels, blocks } = config;
        let [colors, height, width] = image;
        let dims = colors * height * width;
        let squeezes = height.is_multiple_of(2) && width.is_multiple_of(2);
        let event @ [features, ..] = if squeezes { [4 * colors, height / 2, width / 2] } else { image };
        let mut layers: Vec<Box<dyn Bijection<T>>> =
            vec![Box::new(Logit::new(0.0)), Box::new(Reshape::new([dims], image))];
        if squeezes {
            layers.push(Box::new(Squeeze));
        }
        for i in 0..couplings {
            let partition = if squeezes { Partition::by_turns(event, i) } else { Mask::checkerboard(event, i).into() };
            let (read, changed) = partition.sizes(features);
            let sizes = ResNetConfig {
                inputs: read + features,
                outputs: 2 * changed,
                channels,
                blocks,
                condition: 0,
                normalized: false,
            };
            let net = GivenImage { net: ResNet::new(&sizes, rng), image, squeezes };
            layers.push(Box::new(Coupling::new(partition, Affine::learned(changed), net)));
        }
        if squeezes {
            layers.push(Box::new(Inverted(Squeeze)));
        }
        layers.push(Box::new(Inverted(Reshape::new([dims], image))));
        Self { noise: Flow::new(Chain::new(layers), Logistic, [dims]).conditioned_on(dims) }
    }

    /// The density q(ε | image), over rows of ε ∈ (0, 1) under images as rows of numbers from −1 to 1.
    pub fn noise(&self) -> &Flow<T> {
        &self.noise
    }

    /// Levels as u = (k + ε)/L, with −log q(ε | k) as log-determinant. ε comes from the context's noise; without it, ε is
    /// 0 as in [`Dequantize`], and so is the log-determinant.
    pub fn dequantize(&self, levels: u32, k: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let Some(noise) = cx.noise else {
            return Mapped::volume_preserving(Dequantize::new(levels).to_latent(k, cx).value);
        };
        let width = k.extent(1);
        let mut drawn = Tensor::zeros(k.shape());
        let rows = drawn.as_mut_slice();
        noise.rows(k.extent(0), |i, uniform| {
            for e in &mut rows[i * width..(i + 1) * width] {
                // In the middle of what `uniform` rounds to, so never 0 or 1.
                let u = uniform() + 0.5 / (1u64 << 32) as f64;
                *e = T::from_f64(u.ln() - (-u).ln_1p());
            }
        });
        let (latents, image) = (k.constant_like(drawn), k.affine(2.0 / f64::from(levels - 1).max(1.0), -1.0));
        let Mapped { value, log_det } = self.noise.bijection().to_data(&latents, cx.given(&image));
        let log_q = self.noise.base().log_prob(&latents) - log_det;
        Mapped { value: Dequantize::new(levels).filled(k, &value), log_det: -log_q }
    }
}

impl<T: Real> Module<T> for Dequantizer<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.noise.visit(visitor);
    }
}

/// A network that reads the condition as an image, in channels behind those of its input.
#[derive(Debug)]
struct GivenImage<T: Real> {
    net: ResNet<T>,
    image: [usize; 3],
    squeezes: bool,
}

impl<T: Real> Network<T> for GivenImage<T> {
    fn apply(&self, x: &Var<T>, condition: Option<&Var<T>>) -> Var<T> {
        let Some(image) = condition else { panic!("dequantizer: there is no image") };
        let [channels, height, width] = self.image;
        let image = image.reshape([image.extent(0), channels, height, width]);
        let image = if self.squeezes { Squeeze.to_latent(&image, Context::default()).value } else { image };
        self.net.apply(&Var::concat(1, &[x, &image]), None)
    }
}

impl<T: Real> Module<T> for GivenImage<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.net.visit(visitor);
    }
}
