//! The options of the variational autoencoder.

use crate::blueprint::{Architecture, Space};
use crate::recipes::vae;
use anyhow::{Result, bail};
use flows::models::{self, Refinement};

/// What a vae is made of.
#[derive(Debug, clap::Args)]
pub(super) struct Vae {
    /// Dimensions of a vae's z [default: the preset's]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000), allow_negative_numbers = true)]
    latents: Option<u64>,
    /// A vae's networks: layers over the whole row, or convolutions over images [default: dense]
    #[arg(long, value_enum)]
    coder: Option<Coder>,
    /// What a vae's decoder says of each number: bernoulli draws pixels to be 0 or 1, afresh in each step, and is
    /// measured in nats [default: logistic, of the paper's preset bernoulli for images]
    #[arg(long, value_enum)]
    likelihood: Option<Likelihood>,
    /// A vae's q(z|x): the encoder's Gaussian, or that bent by planar layers or by inverse autoregressive ones
    /// [default: gaussian]
    #[arg(long, value_enum)]
    posterior: Option<Posterior>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Coder {
    Dense,
    Conv,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Likelihood {
    Bernoulli,
    Gaussian,
    Logistic,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Posterior {
    Gaussian,
    Planar,
    Iaf,
}

impl Vae {
    /// Whether anything was asked for.
    pub(super) const fn is_given(&self) -> bool {
        self.latents.is_some() || self.coder.is_some() || self.likelihood.is_some() || self.posterior.is_some()
    }

    /// The architecture as was asked for, over this space.
    pub(super) fn sized(&self, mut architecture: Architecture, space: Space) -> Result<Architecture> {
        if !self.is_given() {
            return Ok(architecture);
        }
        let Architecture::Vae { latents, coder, likelihood, refinement } = &mut architecture else {
            bail!("only vae has these: leave out --latents, --coder, --likelihood and --posterior");
        };
        if let Some(asked) = self.latents {
            *latents = usize::try_from(asked)?;
        }
        match (self.coder, coder.clone(), space) {
            (Some(Coder::Conv), models::Coder::Dense(_), Space::Images { height, width, .. }) => {
                *coder = vae::convolutional([height, width])?;
            }
            (Some(Coder::Conv), models::Coder::Dense(_), _) => {
                bail!("{} have no neighbors to convolve: leave out --coder", space.describe());
            }
            _ => {}
        }
        if let Some(asked) = self.likelihood {
            *likelihood = match asked {
                Likelihood::Bernoulli => models::Likelihood::Bernoulli,
                Likelihood::Gaussian => models::Likelihood::Gaussian,
                Likelihood::Logistic => models::Likelihood::Logistic,
            };
        }
        match self.posterior {
            None => {}
            Some(Posterior::Gaussian) => *refinement = Refinement::None,
            Some(Posterior::Planar) => *refinement = vae::planar(),
            Some(Posterior::Iaf) => *refinement = vae::iaf(*latents),
        }
        Ok(architecture)
    }
}
