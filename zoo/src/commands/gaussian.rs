//! The options of models that make data normal one dimension at a time.

use crate::blueprint::Architecture;
use anyhow::{Result, bail};
use flows::rbig::{Axes, Marginals};

/// How RBIG is fitted; the kernels are those of a Gaussianization flow, too.
#[derive(Debug, clap::Args)]
pub(super) struct Gaussian {
    /// What rbig rotates to: principal axes, independent ones where they are better, or random ones [default: pca of
    /// images, else ica]
    #[arg(long, value_enum)]
    rotation: Option<Rotation>,
    /// How rbig estimates the distribution of each column [default: histogram, or kernels where --kernels is given]
    #[arg(long, value_enum)]
    marginals: Option<Estimate>,
    /// Bins of each histogram; no more than the root of the rows that it is fitted to [default: the preset's]
    #[arg(long, value_parser = clap::value_parser!(u64).range(2..=100_000), allow_negative_numbers = true)]
    bins: Option<u64>,
    /// Kernels for each column, of rbig's marginals, which it makes kernels, or of each layer of gaussianization
    /// [default: the preset's; of rbig 500]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000), allow_negative_numbers = true)]
    kernels: Option<u64>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Rotation {
    Pca,
    Ica,
    Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Estimate {
    Histogram,
    Kernels,
}

/// Kernels where nobody says how many: few make the estimate too smooth to be one of data.
const KERNELS: usize = 500;

impl Gaussian {
    /// Whether anything was asked for.
    pub(super) const fn is_given(&self) -> bool {
        self.rotation.is_some() || self.marginals.is_some() || self.bins.is_some() || self.kernels.is_some()
    }

    /// The architecture as was asked for.
    pub(super) fn sized(&self, mut architecture: Architecture) -> Result<Architecture> {
        if let Some(rotation) = self.rotation {
            architecture = architecture.with_axes(match rotation {
                Rotation::Pca => Axes::Principal,
                Rotation::Ica => Axes::Independent,
                Rotation::Random => Axes::Random,
            })?;
        }
        let bins = self.bins.map(usize::try_from).transpose()?;
        let kernels = self.kernels.map(usize::try_from).transpose()?;
        let marginals = match (self.marginals, bins, kernels) {
            (Some(Estimate::Histogram), _, Some(_)) => bail!("a histogram has no kernels: leave out --kernels"),
            (Some(Estimate::Kernels), Some(_), _) => bail!("kernels have no bins: leave out --bins"),
            (None, Some(_), Some(_)) => bail!("marginals have bins or kernels: leave out --bins or --kernels"),
            (_, Some(bins), _) => Marginals::Histogram { bins },
            (_, _, Some(kernels)) => Marginals::Kernels { kernels },
            (Some(Estimate::Kernels), ..) => Marginals::Kernels { kernels: KERNELS },
            // A histogram is what rbig's recipes have, and what no other model takes.
            (Some(Estimate::Histogram), ..) if !matches!(architecture, Architecture::Rbig { .. }) => {
                Marginals::Histogram { bins: 1 }
            }
            _ => return Ok(architecture),
        };
        architecture.with_marginals(marginals)
    }
}
