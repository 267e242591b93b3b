//! A model and its sizes.

use anyhow::{Result, bail};
use flows::models::{Coder, Gate, Likelihood, MintScale, Norm, Order, Refinement};
use flows::rbig::{Axes, Marginals};
use serde::{Deserialize, Serialize};

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
        /// Whether weights are normalized.
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
    /// Masked convolutions, twice over (Song et al. 2019); over rows, images of one place with a channel for each column.
    MintNet {
        /// The layers at each scale, of which each but the first begins with a squeeze.
        scales: Vec<MintScale>,
        /// The gain of the weights that it starts from.
        gain: f64,
        /// Whether each number is given mean 0 and variance 1 over the first batch.
        act_norm: bool,
    },
    /// A causal network of dilated convolutions over signals (van den Oord et al. 2016).
    #[serde(rename = "wavenet")]
    WaveNet {
        /// Units of each layer.
        channels: usize,
        /// Units of the skip connections.
        skip: usize,
        /// Layers in a cycle of dilations 1, 2, 4 ….
        layers: usize,
        /// Cycles.
        cycles: usize,
        /// Logistic distributions in each conditional.
        components: usize,
    },
    /// Its student: such networks as inverse autoregressive flow (van den Oord et al. 2018).
    #[serde(rename = "parallel-wavenet")]
    ParallelWaveNet {
        /// Flows, each with a network of its own.
        flows: usize,
        /// Units of each layer.
        channels: usize,
        /// Units of the skip connections.
        skip: usize,
        /// Layers in a cycle of dilations.
        layers: usize,
        /// Cycles in each network.
        cycles: usize,
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
    /// Marginals and rotations fitted to data one after another, without a gradient (Laparra et al. 2011).
    Rbig {
        /// Layers of marginals; a rotation between each two.
        layers: usize,
        /// How the distribution of each dimension is estimated.
        marginals: Marginals,
        /// What each rotation turns to.
        axes: Axes,
    },
    /// The same with trained marginals and rotations (Meng et al. 2020).
    Gaussianization {
        /// Layers of marginals; a rotation between each two.
        layers: usize,
        /// Kernels for each dimension of each layer.
        kernels: usize,
        /// Householder reflections a rotation.
        reflections: usize,
        /// Pixels of a patch, down and across, within which images are rotated; without it they are as a whole.
        patch: Option<usize>,
    },
    /// A variational autoencoder, which is no flow (Kingma & Welling 2014).
    Vae {
        /// Dimensions of z.
        latents: usize,
        /// Encoder and decoder.
        coder: Coder,
        /// The distribution of the data given z.
        likelihood: Likelihood,
        /// What bends the encoder's posterior.
        refinement: Refinement,
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
            | Self::Iaf { layers, .. }
            | Self::WaveNet { layers, .. }
            | Self::ParallelWaveNet { layers, .. }
            | Self::Rbig { layers, .. }
            | Self::Gaussianization { layers, .. } => *layers = count,
            Self::RealNvpImages { .. } => bail!("real-nvp's layers over images are fixed: leave out --layers"),
            Self::MintNet { .. } => bail!("mint-net's layers at each scale are fixed: leave out --layers"),
            Self::Vae { .. } => bail!("vae's networks are those of its preset: leave out --layers"),
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
            Self::Made { components, .. } | Self::Maf { components, .. } | Self::WaveNet { components, .. } => {
                *components = count;
            }
            _ => bail!("only made, maf and wavenet have conditionals that can be mixtures: leave out --components"),
        }
        Ok(self)
    }

    /// The same with the paper's gates in place of any scale.
    ///
    /// # Errors
    /// If the model has none.
    pub fn gated(mut self) -> Result<Self> {
        match &mut self {
            Self::Iaf { gate, .. } => *gate = Gate::Sigmoid,
            _ => bail!("only iaf has a gated form: leave out --gated"),
        }
        Ok(self)
    }

    /// The same turned to other axes.
    ///
    /// # Errors
    /// If the model is not fitted to any.
    pub fn with_axes(mut self, asked: Axes) -> Result<Self> {
        match &mut self {
            Self::Rbig { axes, .. } => *axes = asked,
            _ => bail!("only rbig chooses the axes that it rotates to: leave out --rotation"),
        }
        Ok(self)
    }

    /// The same with other estimates of each dimension's distribution.
    ///
    /// # Errors
    /// If the model has none.
    pub fn with_marginals(mut self, asked: Marginals) -> Result<Self> {
        match (&mut self, asked) {
            (Self::Rbig { marginals, .. }, _) => *marginals = asked,
            (Self::Gaussianization { kernels, .. }, Marginals::Kernels { kernels: asked }) => *kernels = asked,
            (Self::Gaussianization { .. }, Marginals::Histogram { .. }) => {
                bail!("a histogram is not trained: choose rbig, or leave out --marginals and --bins")
            }
            _ => bail!("only rbig and gaussianization estimate marginals: leave out --marginals, --bins and --kernels"),
        }
        Ok(self)
    }

    /// The same with another number of reflections in each rotation.
    ///
    /// # Errors
    /// If the model has none.
    pub fn with_reflections(mut self, count: usize) -> Result<Self> {
        match &mut self {
            Self::Gaussianization { reflections, .. } => *reflections = count,
            _ => bail!("only gaussianization rotates by reflections: leave out --reflections"),
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
            _ => bail!("only made, maf and iaf go through the dimensions in an order of choice: leave out --order"),
        }
        Ok(self)
    }
}

/// The components of checkpoints from before there were mixtures.
const fn one() -> usize {
    1
}
