//! WaveNet as a density over signals, and as the teacher of Parallel WaveNet (lecture 8).
//!
//! van den Oord, Dieleman, Zen, Simonyan, Vinyals, Graves, Kalchbrenner, Senior & Kavukcuoglu, *WaveNet: A
//! Generative Model for Raw Audio*, 2016.

use crate::base::Logistic;
use crate::flow::Flow;
use crate::layers::{Autoregressive, Conditional, Kind, Mixture, Reads};
use crate::nn::{WaveNet, WaveNetConfig};
use autograd::Real;
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The sizes of a WaveNet over signals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveNetFlowConfig {
    /// Steps of time T in one signal.
    pub length: usize,
    /// Units of each layer at each step.
    pub channels: usize,
    /// Units that the skip connections are summed in.
    pub skip: usize,
    /// Layers in a cycle of dilations.
    pub layers: usize,
    /// Cycles.
    pub cycles: usize,
    /// Logistic distributions K in each step's mixture.
    pub components: usize,
    /// Features of the condition; 0 without one.
    pub condition: usize,
}

/// What maps a signal to its latents: the only layer of a [`WaveNetFlow`].
pub type WaveNetLayer<T> = Autoregressive<WaveNet<T>, Mixture>;

/// WaveNet with mixtures of K logistics as conditionals, in the direction x → z:
///
/// <!--
/// (π, μ, log σ)_t = WaveNet(x_1 … x_{t−1})
/// F_t(x) = Σ_k π_tk·sigmoid((x − μ_tk)/σ_tk)
/// z_t = log F_t(x_t) − log(1 − F_t(x_t))        standard logistic
/// log p(x) = Σ_t log F_t′(x_t)
/// -->
///
#[doc = include_str!("../../formulas/wavenet.html")]
///
/// Each conditional is a mixture, whose distribution function carries x to a standard logistic z:
///
#[doc = include_str!("../../formulas/logistic-mixture.html")]
///
/// with the parameters of all steps from one network:
///
#[doc = include_str!("../../formulas/wavenet-density.html")]
///
/// The paper's first WaveNet had a softmax over 256 levels; the mixture (Salimans et al. 2017) is
/// that of Parallel WaveNet's teacher. Signals should come standardized: components begin about 0, within ±2.3.
///
/// A density takes one pass. A sample goes through time step by step, in the work of one pass (see
/// [`Causal::in_order`](crate::nn::Causal::in_order)).
///
/// # On the slides
///
/// - **Lecture:** lecture 8, Parallel WaveNet
/// - **Paper:** van den Oord et al.: WaveNet (2016), figures 3 and 4
/// - **Command:** `zoo train wavenet`
/// - **File:** `flows/src/models/wave_net.rs`
#[derive(Clone, Copy, Debug)]
pub struct WaveNetFlow;

impl WaveNetFlow {
    /// The layer by itself: distillation asks its conditionals one by one.
    ///
    /// # Panics
    /// If a size other than the condition's is 0.
    #[must_use]
    pub fn layer<T: Real>(config: &WaveNetFlowConfig, rng: &mut dyn Rng) -> WaveNetLayer<T> {
        let &WaveNetFlowConfig { channels, skip, layers, cycles, components, condition, .. } = config;
        let mixture = Mixture::new(components, Kind::Logistic);
        let outputs = Conditional::<T>::parameters(&mixture);
        let net = WaveNet::new(&WaveNetConfig { channels, skip, layers, cycles, outputs, condition }, rng);
        Autoregressive::new(net.starting_at(&mixture.start()), mixture, Reads::Data)
    }

    /// The density over signals that a layer gives; the same parameters, not a copy.
    #[must_use]
    pub fn of<T: Real>(layer: Arc<WaveNetLayer<T>>, config: &WaveNetFlowConfig) -> Flow<T> {
        Flow::new(layer, Logistic, [config.length]).conditioned_on(config.condition)
    }

    /// A WaveNet over signals.
    ///
    /// # Panics
    /// If a size other than the condition's is 0.
    #[must_use]
    pub fn build<T: Real>(config: &WaveNetFlowConfig, rng: &mut dyn Rng) -> Flow<T> {
        Self::of(Arc::new(Self::layer(config, rng)), config)
    }
}
