//! The sizes of a variational autoencoder, and its networks.

use super::{Likelihood, Vae};
use crate::models::{AutoregressiveConfig, Gate, Iaf, Norm, Order, PlanarBase, PlanarConfig, PlanarFlow};
use crate::nn::{Activation, ConvDecoder, ConvEncoder, Mlp, Network};
use autograd::Real;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// What encoder and decoder are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coder {
    /// Linear layers with ReLUs, of these widths from the data inwards.
    Dense(Vec<usize>),
    /// 3×3 convolutions with ReLUs of so many channels, from the data inwards, each at half the sides of the
    /// one before.
    Convolutional(Vec<usize>),
}

/// How the Gaussian that the encoder names is bent into a better posterior.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refinement {
    /// Not at all.
    #[default]
    None,
    /// By planar layers (Rezende & Mohamed 2015).
    Planar {
        /// How many.
        layers: usize,
        /// Features of x that they are told.
        features: usize,
    },
    /// By inverse autoregressive flow (Kingma et al. 2016), which is what it was made for.
    Iaf {
        /// How many layers.
        layers: usize,
        /// Units in each hidden layer of each.
        hidden: Vec<usize>,
        /// Features of x that they are told.
        features: usize,
    },
}

/// The sizes of a [`Vae`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeConfig {
    /// Channels, height and width of an image; a row of D numbers is `[D, 1, 1]`.
    pub image: [usize; 3],
    /// Dimensions of z.
    pub latents: usize,
    /// Encoder and decoder.
    pub coder: Coder,
    /// The distribution of the data given z.
    pub likelihood: Likelihood,
    /// What follows the Gaussian of the encoder.
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
                let (order, norm, components, gate) = (Order::Given, Norm::None, 1, Gate::None);
                let (dims, layers, hidden, condition) = (latents, *layers, hidden.clone(), *features);
                let config = AutoregressiveConfig { dims, layers, order, hidden, norm, components, gate, condition };
                // Without a gate it starts as a permutation, which leaves q = p as it is.
                Some(Iaf::build(&config, rng))
            }
        }
    }
}

impl<T: Real> Vae<T> {
    /// A variational autoencoder of these sizes. Encoder and decoder begin as the function 0: q(z|x) = p(z).
    ///
    /// # Panics
    /// If the coder is convolutional, and has no channels, or more than the image's sides can be halved times.
    #[must_use]
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
