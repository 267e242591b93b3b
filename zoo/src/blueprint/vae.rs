//! Building a variational autoencoder.

use super::{Blueprint, Space, sane};
use anyhow::{Result, bail};
use autograd::Real;
use flows::layers::{ActNorm, Logit, Standardize};
use flows::models::{Coder, Likelihood, Refinement, Vae, VaeConfig};
use rand::Rng;

/// The margin λ of the logit before images, that of MAF, so that bits per dimension are those of flows.
const MARGIN: f64 = 1e-6;
/// The most layers of a posterior: beyond them the file is damaged.
const MOST_LAYERS: usize = 1 << 10;

impl Blueprint {
    /// A variational autoencoder with fresh parameters, behind what its likelihood asks for: pixels that are 0 or
    /// 1 come as they are, others as the whole line's numbers, each pixel with mean 0 and variance 1.
    pub(super) fn vae<T: Real>(&self, config: VaeConfig, rng: &mut dyn Rng) -> Result<Vae<T>> {
        self.without_classes()?;
        let image = match self.space {
            Space::Images { channels, height, width } => [channels, height, width],
            Space::Table { columns, .. } => [columns, 1, 1],
            Space::Signal { .. } => bail!("vae is no model of signals: choose other --data, or the model wavenet"),
        };
        let config = VaeConfig { image, ..config };
        self.check(&config)?;
        let vae = Vae::build(&config, rng);
        Ok(match self.space {
            Space::Images { .. } if config.likelihood.is_discrete() => vae,
            Space::Images { .. } => vae.preceded_by(ActNorm::new(self.space.dims())).preceded_by(Logit::new(MARGIN)),
            Space::Table { columns, standardized: true } => {
                vae.preceded_by(Standardize::new(&vec![0.0; columns], &vec![1.0; columns]))
            }
            Space::Table { .. } | Space::Signal { .. } => vae,
        })
    }

    /// Refuses sizes of which there is no model.
    fn check(&self, config: &VaeConfig) -> Result<()> {
        let VaeConfig { image, latents, coder, likelihood, refinement } = config;
        let images = matches!(self.space, Space::Images { .. });
        if likelihood.is_discrete() && !images {
            bail!("bernoulli is a likelihood of pixels that are 0 or 1: choose --likelihood gaussian or logistic");
        }
        if let Likelihood::FixedGaussian { std } = likelihood
            && !(std.is_finite() && *std > 0.0)
        {
            bail!("a Gaussian likelihood cannot have the standard deviation {std}: use another checkpoint");
        }
        let (Coder::Dense(widths) | Coder::Convolutional(widths)) = coder;
        if let Coder::Convolutional(channels) = coder {
            let [_, height, width] = *image;
            let times = channels.len();
            if !images || times == 0 {
                bail!("a convolutional coder is one of images: choose --coder dense");
            }
            if times >= 16 || !height.is_multiple_of(1 << times) || !width.is_multiple_of(1 << times) {
                bail!("images of {height}×{width} cannot be halved {times} times: choose --coder dense");
            }
        }
        let bends = match refinement {
            Refinement::None => vec![],
            Refinement::Planar { layers, features } => vec![*layers, *features],
            Refinement::Iaf { layers, hidden, features } => {
                [*layers, *features].into_iter().chain(hidden.iter().copied()).collect()
            }
        };
        let layers = bends.first().is_none_or(|&layers| layers <= MOST_LAYERS);
        let hidden = bends.iter().skip(2).chain(widths).all(|&width| width > 0);
        let sizes: Vec<usize> = image.iter().chain([latents]).chain(widths).chain(&bends).copied().collect();
        sane("vae", &sizes, *latents > 0 && image.iter().all(|&side| side > 0) && hidden && layers)
    }
}

/// At least so many weights belong to a variational autoencoder of these sizes over so many dimensions.
pub(super) fn least_weights(dims: u128, latents: usize, coder: &Coder, refinement: &Refinement) -> u128 {
    let latents = latents as u128;
    let pairs = |widths: &[usize]| {
        let products = widths.windows(2).map(|pair| pair[0] as u128 * pair[1] as u128);
        products.fold(0, u128::saturating_add)
    };
    // Into the encoder and out of the decoder; between the layers of both; into z twice and out of it.
    let coders = match coder {
        Coder::Dense(widths) => match (widths.first(), widths.last()) {
            (Some(&first), Some(&last)) => (2 * dims)
                .saturating_mul(first as u128)
                .saturating_add(2 * pairs(widths))
                .saturating_add((3 * latents).saturating_mul(last as u128)),
            _ => (3 * latents).saturating_mul(dims),
        },
        Coder::Convolutional(channels) => {
            let last = channels.last().map_or(0, |&last| last as u128);
            (2 * 4 * 9u128).saturating_mul(pairs(channels)).saturating_add((3 * latents).saturating_mul(last))
        }
    };
    let bends = match refinement {
        Refinement::None => 0,
        Refinement::Planar { layers, features } => {
            (*layers as u128).saturating_mul(2 * latents + 1).saturating_mul(*features as u128 + 1)
        }
        Refinement::Iaf { layers, hidden, features } => {
            let (first, last) = (hidden.first().map_or(latents, |&h| h as u128), hidden.last().copied());
            let outward = (2 * latents).saturating_mul(last.map_or(0, |h| h as u128));
            let each = (latents + *features as u128).saturating_mul(first).saturating_add(pairs(hidden));
            (*layers as u128).saturating_mul(each.saturating_add(outward))
        }
    };
    coders.saturating_add(bends)
}
