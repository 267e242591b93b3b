//! The sizes of a variational autoencoder, and its networks.

use super::{Likelihood, Vae};
use crate::models::{AutoregressiveConfig, Iaf, PlanarBase, PlanarConfig, PlanarFlow};
use crate::nn::{Activation, ConvDecoder, ConvEncoder, Mlp, Network};
use autograd::Real;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The architecture of encoder and decoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coder {
    /// Linear layers with ReLUs of these widths, from the data inwards.
    Dense(Vec<usize>),
    /// 3×3 convolutions with this many channels each and ReLUs, from the data inwards. Each halves the height and the
    /// width.
    Convolutional(Vec<usize>),
}

/// The flow that refines the encoder's Gaussian posterior.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refinement {
    /// None.
    #[default]
    None,
    /// Planar layers (Rezende & Mohamed 2015).
    Planar {
        /// The number of layers.
        layers: usize,
        /// Features of x that they are conditioned on.
        features: usize,
    },
    /// An inverse autoregressive flow (Kingma et al. 2016), its original use.
    Iaf {
        /// The number of layers.
        layers: usize,
        /// Units in each hidden layer of each network.
        hidden: Vec<usize>,
        /// Features of x that they are conditioned on.
        features: usize,
    },
}

/// The sizes of a [`Vae`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeConfig {
    /// Channels, height and width of an image; a row of D values is `[D, 1, 1]`.
    pub image: [usize; 3],
    /// Dimensions of z.
    pub latents: usize,
    /// Encoder and decoder.
    pub coder: Coder,
    /// The distribution of the data given z.
    pub likelihood: Likelihood,
    /// What refines the encoder's Gaussian.
    pub refinement: Refinement,
}

impl Refinement {
    fn build<T: Real>(&self, latents: usize, rng: &mut dyn Rng) -> Option<crate::Flow<T>> {
        match self {
            Self::None => None,
            &Self::Planar { layers, features: condition } => {
                let config = PlanarConfig { dims: latents, layers, base: PlanarBase::Gaussian, condition };
                Some(PlanarFlow::build(&config, rng))
            }
            Self::Iaf { layers, hidden, features } => {
                let sizes = AutoregressiveConfig::new(latents, *layers, hidden.clone());
                let config = AutoregressiveConfig { condition: *features, ..sizes };
                // Without a gate it starts as a permutation, so q = p at first.
                Some(Iaf::build(&config, rng))
            }
        }
    }
}

impl<T: Real> Vae<T> {
    /// A variational autoencoder of these sizes. Encoder and decoder are zero-initialized: q(z|x) = p(z).
    ///
    /// # Panics
    /// If the coder is convolutional and has no channels, or more than the times the image can be halved.
    pub fn build(config: &VaeConfig, rng: &mut dyn Rng) -> Self {
        let &VaeConfig { image, latents, ref coder, likelihood, ref refinement } = config;
        let dims = image.iter().product();
        let flow = refinement.build(latents, rng);
        let (codes, outputs) = (2 * latents + flow.as_ref().map_or(0, crate::Flow::condition), likelihood.outputs());
        let (encoder, decoder): (Box<dyn Network<T>>, Box<dyn Network<T>>) = match coder {
            Coder::Dense(hidden) => {
                let outward: Vec<usize> = hidden.iter().rev().copied().collect();
                (
                    Box::new(Mlp::new(dims, hidden, codes, Activation::Relu, rng).zero_initialized()),
                    Box::new(Mlp::new(latents, &outward, outputs * dims, Activation::Relu, rng).zero_initialized()),
                )
            }
            Coder::Convolutional(channels) => (
                Box::new(ConvEncoder::new(image, channels, codes, rng)),
                Box::new(ConvDecoder::new(latents, channels, image, outputs, rng)),
            ),
        };
        let vae = Self::new(encoder, decoder, likelihood, [dims, latents]);
        match flow {
            Some(flow) => vae.refined_by(flow),
            None => vae,
        }
    }
}
