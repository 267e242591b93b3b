//! What must be known to build a model again: kept in every checkpoint.

mod space;

pub use space::Space;

use anyhow::{Result, bail};
use autograd::Real;
use flows::Flow;
use flows::layers::{Gate, Logit, Standardise};
use flows::models::{
    AutoregressiveConfig, Iaf, Maf, Nice, NiceConfig, Norm, Order, RealNvp, RealNvpConfig, RealNvpImageConfig,
};
use rand::Rng;
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

/// A model of the lectures with its sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Architecture {
    /// Additive couplings (Dinh et al. 2015).
    Nice {
        /// Coupling layers.
        couplings: usize,
        /// Width of the hidden layers.
        hidden: usize,
        /// Hidden layers a coupling.
        depth: usize,
    },
    /// Affine couplings over rows of numbers (Dinh et al. 2017).
    RealNvp {
        /// Coupling layers.
        couplings: usize,
        /// Width of the hidden layers.
        hidden: usize,
        /// Hidden layers a coupling.
        depth: usize,
        /// What follows each coupling.
        norm: Norm,
    },
    /// The same over images, at several scales.
    RealNvpImages {
        /// How often the image is squeezed and half of it factored out.
        squeezes: usize,
        /// Channels within the networks at the first scale.
        channels: usize,
        /// The factor on those channels at each further scale.
        widening: usize,
        /// Residual blocks a network.
        blocks: usize,
        /// Whether weights are normalised.
        weight_norm: bool,
        /// What follows each coupling.
        norm: Norm,
    },
    /// One masked network whose conditionals are Gaussian, or mixtures of Gaussians (Germain et al. 2015).
    Made {
        /// Width of the hidden layers.
        hidden: usize,
        /// Hidden layers.
        depth: usize,
        /// The order of the dimensions.
        order: Order,
        /// Gaussians in each conditional.
        #[serde(default = "one")]
        components: usize,
    },
    /// Several of those, one after another (Papamakarios et al. 2017).
    Maf {
        /// Autoregressive layers.
        layers: usize,
        /// Width of the hidden layers.
        hidden: usize,
        /// Hidden layers a network.
        depth: usize,
        /// What stands between the layers.
        norm: Norm,
        /// The order of the dimensions in the first layer.
        order: Order,
        /// Gaussians in each conditional of the last layer, the one nearest the latents.
        #[serde(default = "one")]
        components: usize,
    },
    /// The same with data and latents exchanged (Kingma et al. 2016).
    Iaf {
        /// Autoregressive layers.
        layers: usize,
        /// Width of the hidden layers.
        hidden: usize,
        /// Hidden layers a network.
        depth: usize,
        /// What stands between the layers.
        norm: Norm,
        /// What the networks' outputs mean.
        gate: Gate,
        /// The order of the dimensions in the first layer.
        order: Order,
    },
}

impl Architecture {
    /// The same with another number of layers, or of couplings.
    ///
    /// # Errors
    /// If the model has no such number.
    pub fn with_layers(mut self, count: usize) -> Result<Self> {
        match &mut self {
            Self::Nice { couplings: layers, .. }
            | Self::RealNvp { couplings: layers, .. }
            | Self::Maf { layers, .. }
            | Self::Iaf { layers, .. } => *layers = count,
            Self::RealNvpImages { .. } => bail!("real-nvp's layers over images are fixed: leave out --layers"),
            Self::Made { .. } => bail!("made is one layer: leave out --layers, or choose maf"),
        }
        Ok(self)
    }

    /// The same with another number of Gaussians in each conditional.
    ///
    /// # Errors
    /// If the model has no mixtures.
    pub fn with_components(mut self, count: usize) -> Result<Self> {
        match &mut self {
            Self::Made { components, .. } | Self::Maf { components, .. } => *components = count,
            Self::Nice { .. } | Self::RealNvp { .. } | Self::RealNvpImages { .. } | Self::Iaf { .. } => {
                bail!("only made and maf have conditionals that can be mixtures: leave out --components")
            }
        }
        Ok(self)
    }

    /// The same with another order of the dimensions.
    ///
    /// # Errors
    /// If the model has none.
    pub fn with_order(mut self, asked: Order) -> Result<Self> {
        match &mut self {
            Self::Made { order, .. } | Self::Maf { order, .. } | Self::Iaf { order, .. } => *order = asked,
            Self::Nice { .. } | Self::RealNvp { .. } | Self::RealNvpImages { .. } => {
                bail!("only made, maf and iaf go through the dimensions in order: leave out --order")
            }
        }
        Ok(self)
    }
}

/// The components of checkpoints from before there were mixtures.
const fn one() -> usize {
    1
}

/// The sizes beyond which a blueprint is taken for damaged rather than large.
const LARGEST: usize = 1 << 20;

/// The margin λ of the logit before `RealNVP`, that of its authors' code.
const LOGIT_MARGIN: f64 = 0.05;

/// The margin λ of the logit before autoregressive models of images, that of MAF's paper.
const NARROW_MARGIN: f64 = 1e-6;

/// Refuses sizes that no model of that name can have.
fn sane(model: &str, sizes: &[usize], positive: bool) -> Result<()> {
    if sizes.iter().any(|&size| size > LARGEST) || !positive {
        bail!(
            "{model} cannot have the sizes {sizes:?}: use narrower data, or another checkpoint if this one is damaged"
        );
    }
    Ok(())
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
    pub const fn least_weights(&self) -> u128 {
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
        }
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

    /// The sizes of an autoregressive model of Gaussian conditionals.
    fn autoregressive(
        &self,
        layers: usize,
        (hidden, depth): (usize, usize),
        norm: Norm,
        order: Order,
    ) -> Result<AutoregressiveConfig> {
        let (dims, condition) = (self.space.dims(), self.classes);
        sane(self.name(), &[dims, layers, hidden, depth, condition], hidden > 0 && dims > 0)?;
        Ok(AutoregressiveConfig { dims, layers, order, hidden: vec![hidden; depth], norm, components: 1, condition })
    }

    /// A MADE or a MAF of these sizes, whose last layer's conditionals have so many components.
    fn masked<T: Real>(&self, sizes: AutoregressiveConfig, components: usize, rng: &mut dyn Rng) -> Result<Flow<T>> {
        sane(self.name(), &[components], components > 0)?;
        Ok(self.over_the_line(Maf::build(&AutoregressiveConfig { components, ..sizes }, rng)))
    }

    /// Pixels are carried from [0, 1] to the whole line first.
    fn over_the_line<T: Real>(&self, flow: Flow<T>) -> Flow<T> {
        match self.space {
            Space::Images { .. } => flow.preceded_by(Logit::new(NARROW_MARGIN)),
            Space::Table { .. } => flow,
        }
    }

    /// The model with fresh parameters drawn from `rng`.
    ///
    /// # Errors
    /// If the sizes make no model.
    pub fn build<T: Real>(&self, rng: &mut dyn Rng) -> Result<Flow<T>> {
        let dims = self.space.dims();
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
                let Space::Images { channels: colours, height, width } = self.space else {
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
                let image = [colours, height, width];
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
                self.over_the_line(Iaf::build(&self.autoregressive(layers, (hidden, depth), norm, order)?, gate, rng))
            }
        };
        Ok(match self.space {
            // The statistics are buffers: set from data, or read from a checkpoint.
            Space::Table { columns, standardised: true } => {
                flow.preceded_by(Standardise::new(&vec![0.0; columns], &vec![1.0; columns]))
            }
            _ => flow,
        })
    }
}
