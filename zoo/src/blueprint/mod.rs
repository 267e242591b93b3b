//! What must be known to build a model again: kept in every checkpoint.

mod architecture;
mod build;
mod gaussian;
mod sequential;
mod space;
mod vae;

pub use architecture::Architecture;
pub use space::Space;

use anyhow::{Result, bail};
use flows::models::Norm;
use flows::rbig::Marginals;
use serde::{Deserialize, Serialize};

/// A model's name and sizes, and the space its density is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blueprint {
    /// The model.
    pub architecture: Architecture,
    /// The data's space.
    pub space: Space,
    /// The classes of a class-conditional model, which is given a row's class as one-hot numbers; 0
    /// for a model of the data as a whole.
    #[serde(default)]
    pub classes: usize,
}

/// The sizes beyond which a blueprint is taken for damaged rather than large.
const LARGEST: usize = 1 << 20;

/// Refuses sizes that no model of that name can have.
fn sane(model: &str, sizes: &[usize], positive: bool) -> Result<()> {
    if sizes.iter().any(|&size| size > LARGEST) || !positive {
        bail!(
            "{model} cannot have the sizes {sizes:?}: use narrower data, or another checkpoint if this one is damaged"
        );
    }
    Ok(())
}

/// The weights of the gates alone of so many layers of a `WaveNet`.
const fn least_convolutional(layers: u128, channels: usize) -> u128 {
    (4 * channels as u128 * channels as u128).saturating_mul(layers)
}

impl Blueprint {
    /// The model's name, as the commands take it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.architecture {
            Architecture::Nice { .. } => "nice",
            Architecture::RealNvp { .. } | Architecture::RealNvpImages { .. } => "real-nvp",
            Architecture::Made { .. } => "made",
            Architecture::Maf { .. } => "maf",
            Architecture::Iaf { .. } => "iaf",
            Architecture::MintNet { .. } => "mint-net",
            Architecture::WaveNet { .. } => "wavenet",
            Architecture::ParallelWaveNet { .. } => "parallel-wavenet",
            Architecture::Rbig { .. } => "rbig",
            Architecture::Gaussianization { .. } => "gaussianization",
            Architecture::Vae { .. } => "vae",
        }
    }

    /// Whether the model uses statistics of training batches in evaluation, which are to be collected
    /// for the weights that are evaluated.
    #[must_use]
    pub const fn is_calibrated(&self) -> bool {
        matches!(
            self.architecture,
            Architecture::RealNvp { norm: Norm::Batch, .. }
                | Architecture::RealNvpImages { norm: Norm::Batch, .. }
                | Architecture::Maf { norm: Norm::Batch, .. }
                | Architecture::Iaf { norm: Norm::Batch, .. }
        )
    }

    /// At least so many weights belong to a model of these sizes.
    #[must_use]
    pub fn least_weights(&self) -> u128 {
        let (dims, classes) = (self.space.dims() as u128, self.classes as u128);
        match self.architecture {
            Architecture::Nice { couplings, hidden, depth }
            | Architecture::RealNvp { couplings, hidden, depth, .. } => {
                let (couplings, hidden, depth) = (couplings as u128, hidden as u128, depth as u128);
                let between = hidden.saturating_mul(hidden).saturating_mul(depth.saturating_sub(1));
                let inputs = dims.saturating_add(classes);
                let each = if depth == 0 {
                    (dims / 2).saturating_mul(dims / 2 + classes)
                } else {
                    hidden.saturating_mul(inputs).saturating_add(between)
                };
                couplings.saturating_mul(each)
            }
            Architecture::RealNvpImages { channels, blocks, .. } => {
                // The last four networks alone, as if they were no wider than the first.
                let block = 2 * 9 * (channels as u128).saturating_mul(channels as u128);
                4 * block.saturating_mul(blocks as u128)
            }
            Architecture::Made { hidden, depth, components, .. } => {
                self.least_autoregressive(1, hidden, depth, components)
            }
            Architecture::Maf { layers, hidden, depth, components, .. } => {
                self.least_autoregressive(layers, hidden, depth, components)
            }
            Architecture::Iaf { layers, hidden, depth, .. } => self.least_autoregressive(layers, hidden, depth, 1),
            Architecture::MintNet { ref scales, .. } => {
                // A t for each number, in each layer of each pair.
                let pairs = scales.iter().map(|scale| scale.pairs as u128);
                2 * dims.saturating_mul(pairs.fold(0, u128::saturating_add))
            }
            Architecture::WaveNet { channels, layers, cycles, .. } => {
                least_convolutional(layers as u128 * cycles as u128, channels)
            }
            Architecture::ParallelWaveNet { flows, channels, layers, cycles, .. } => {
                least_convolutional((layers as u128 * cycles as u128).saturating_mul(flows as u128), channels)
            }
            Architecture::Rbig { layers, marginals, .. } => {
                let each = match marginals {
                    Marginals::Histogram { bins } => 2 * bins as u128,
                    Marginals::Kernels { kernels } => 3 * kernels as u128,
                };
                let rotations = dims.saturating_mul(dims).saturating_mul((layers as u128).saturating_sub(1));
                dims.saturating_mul(each).saturating_mul(layers as u128).saturating_add(rotations)
            }
            Architecture::Gaussianization { layers, kernels, .. } => {
                dims.saturating_mul(3 * kernels as u128).saturating_mul(layers as u128)
            }
            Architecture::Vae { latents, ref coder, ref refinement, .. } => {
                vae::least_weights(dims, latents, coder, refinement)
            }
        }
    }

    /// Whether the model is fitted layer by layer, without a gradient.
    #[must_use]
    pub const fn is_fitted(&self) -> bool {
        matches!(self.architecture, Architecture::Rbig { .. })
    }

    /// The weights of autoregressive layers, but for the conditions'.
    const fn least_autoregressive(&self, layers: usize, hidden: usize, depth: usize, components: usize) -> u128 {
        let (dims, hidden) = (self.space.dims() as u128, hidden as u128);
        let each = if depth == 0 {
            (2 * dims).saturating_mul(dims)
        } else {
            let between = hidden.saturating_mul(hidden).saturating_mul(depth as u128 - 1);
            (3 * dims).saturating_mul(hidden).saturating_add(between)
        };
        // What a mixture has beyond two outputs a dimension.
        let more = if components > 1 && layers > 0 { (components as u128).saturating_mul(3) - 2 } else { 0 };
        let into = if depth == 0 { dims } else { hidden };
        each.saturating_mul(layers as u128).saturating_add(more.saturating_mul(dims).saturating_mul(into))
    }
}
