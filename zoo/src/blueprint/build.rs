//! Building a model from its blueprint.

use super::{Architecture, Blueprint, LARGEST, Space, sane};
use crate::model::Model;
use anyhow::{Result, bail};
use autograd::Real;
use flows::Flow;
use flows::layers::Standardize;
use flows::models::{
    AutoregressiveConfig, Iaf, MintNet, MintNetConfig, MintScale, Nice, NiceConfig, Norm, ParallelWaveNet, RealNvp,
    RealNvpConfig, RealNvpImageConfig, VaeConfig, WaveNetFlow,
};
use rand::Rng;
use std::sync::Arc;

/// The highest rate of a signal, in Hz: beyond it no sound is recorded.
const HIGHEST_RATE: u32 = 192_000;

/// The margin λ of the logit before `RealNVP`, that of its authors' code.
const LOGIT_MARGIN: f64 = 0.05;

/// The standard deviation of speech, about.
const LOUDNESS: f64 = 0.2;

impl Blueprint {
    /// The model with fresh parameters drawn from `rng`.
    ///
    /// # Errors
    /// If the sizes make no model.
    pub fn build<T: Real>(&self, rng: &mut dyn Rng) -> Result<Model<T>> {
        match self.architecture {
            Architecture::Vae { latents, ref coder, likelihood, ref refinement } => {
                let (coder, refinement) = (coder.clone(), refinement.clone());
                // What an image is, the space knows.
                let config = VaeConfig { image: [0; 3], latents, coder, likelihood, refinement };
                Ok(Model::Vae(self.vae(config, rng)?))
            }
            _ => Ok(Model::Flow(self.flow(rng)?)),
        }
    }

    /// The same of a model that is a flow.
    ///
    /// # Errors
    /// If the sizes make no model, or one that is none.
    pub fn flow<T: Real>(&self, rng: &mut dyn Rng) -> Result<Flow<T>> {
        let dims = self.space.dims();
        if let Space::Signal { rate, .. } = self.space
            && !(1..=HIGHEST_RATE).contains(&rate)
        {
            bail!("there are no signals at {rate} Hz: use another checkpoint, this one is damaged");
        }
        let flow = match self.architecture {
            Architecture::Nice { couplings, hidden, depth } => {
                if dims < 2 {
                    bail!("nice splits its input in two halves: the data needs at least 2 columns, not {dims}");
                }
                sane("nice", &[dims, couplings, hidden, depth, self.classes], hidden > 0)?;
                Nice::build(&NiceConfig { dims, couplings, hidden, depth, condition: self.classes }, rng)
            }
            Architecture::RealNvp { couplings, hidden, depth, norm } => {
                if dims < 2 {
                    bail!("real-nvp splits its input in two halves: the data needs at least 2 columns, not {dims}");
                }
                sane("real-nvp", &[dims, couplings, hidden, depth, self.classes], hidden > 0)?;
                RealNvp::build(&RealNvpConfig { dims, couplings, hidden, depth, norm, condition: self.classes }, rng)
            }
            Architecture::RealNvpImages { squeezes, channels, widening, blocks, weight_norm, norm } => {
                let Space::Images { channels: colors, height, width } = self.space else {
                    bail!("this real-nvp is one over images, but the data are {}", self.space.describe());
                };
                sane("real-nvp", &[dims, squeezes, channels, widening, blocks, self.classes], channels * widening > 0)?;
                let whole = |side: usize| squeezes < 16 && side > 0 && side.is_multiple_of(1 << squeezes);
                if !whole(height) || !whole(width) || widening.checked_pow(squeezes as u32).is_none_or(|w| w > LARGEST)
                {
                    bail!(
                        "real-nvp cannot squeeze images of {height}×{width} {squeezes} times: both sides must be multiples of 2 to that power"
                    );
                }
                let image = [colors, height, width];
                let logit = Some(LOGIT_MARGIN);
                let config = RealNvpImageConfig {
                    image,
                    squeezes,
                    channels,
                    widening,
                    blocks,
                    weight_norm,
                    norm,
                    logit,
                    condition: self.classes,
                };
                RealNvp::build_for_images(&config, rng)
            }
            Architecture::Made { hidden, depth, order, components } => {
                self.masked(self.autoregressive(1, (hidden, depth), Norm::None, order)?, components, rng)?
            }
            Architecture::Maf { layers, hidden, depth, norm, order, components } => {
                self.masked(self.autoregressive(layers, (hidden, depth), norm, order)?, components, rng)?
            }
            Architecture::Iaf { layers, hidden, depth, norm, gate, order } => {
                let sizes = self.autoregressive(layers, (hidden, depth), norm, order)?;
                self.over_the_line(Iaf::build(&AutoregressiveConfig { gate, ..sizes }, rng))
            }
            Architecture::MintNet { ref scales, gain, act_norm } => {
                let config = MintNetConfig { gain, act_norm, logit: None, ..self.mint_net(scales)? };
                self.over_the_line(MintNet::build(&config, rng))
            }
            Architecture::WaveNet { .. } => WaveNetFlow::build(&self.wave_net()?, rng),
            Architecture::ParallelWaveNet { .. } => {
                let (config, steps) = self.parallel_wave_net()?;
                Arc::new(ParallelWaveNet::new(&config, rng)).flow(steps, self.classes)
            }
            Architecture::Rbig { layers, marginals, .. } => self.rbig(layers, marginals)?,
            Architecture::Gaussianization { layers, kernels, reflections, patch } => {
                self.gaussianization(layers, kernels, reflections, patch, rng)?
            }
            Architecture::Vae { .. } => bail!("vae is no flow: its latents do not follow from the data"),
        };
        Ok(self.preceded(flow))
    }

    fn mint_net(&self, scales: &[MintScale]) -> Result<MintNetConfig> {
        let image = match self.space {
            Space::Images { channels, height, width } => [channels, height, width],
            Space::Table { columns, .. } => [columns, 1, 1],
            Space::Signal { .. } => bail!("mint-net is no model of signals: choose other --data, or the model wavenet"),
        };
        if self.classes > 0 {
            bail!("mint-net knows no classes: leave out --conditional");
        }
        let sizes: Vec<usize> = scales.iter().flat_map(|scale| [scale.pairs, scale.branches]).collect();
        sane("mint-net", &sizes, !scales.is_empty() && sizes.iter().all(|&size| size > 0))?;
        sane("mint-net", &image, image.iter().all(|&side| side > 0))?;
        let squeezes = scales.len() - 1;
        let [_, height, width] = image;
        if squeezes >= 16 || !height.is_multiple_of(1 << squeezes) || !width.is_multiple_of(1 << squeezes) {
            bail!(
                "mint-net cannot squeeze images of {height}×{width} {squeezes} times: both sides must be multiples of 2 to that power"
            );
        }
        Ok(MintNetConfig { image, scales: scales.to_vec(), ..MintNetConfig::mnist() })
    }

    /// The same model behind what all models over its space begin with.
    #[must_use]
    pub fn preceded<T: Real>(&self, flow: Flow<T>) -> Flow<T> {
        match self.space {
            // The statistics are buffers: set from data, or read from a checkpoint.
            Space::Table { columns, standardized: true } => {
                flow.preceded_by(Standardize::new(&vec![0.0; columns], &vec![1.0; columns]))
            }
            Space::Signal { samples, .. } => {
                flow.preceded_by(Standardize::new(&vec![0.0; samples], &vec![LOUDNESS; samples]))
            }
            _ => flow,
        }
    }
}
