//! WaveNet as a density over signals, and as the teacher of Parallel WaveNet (lecture 8).
//!
//! van den Oord, Dieleman, Zen, Simonyan, Vinyals, Graves, Kalchbrenner, Senior & Kavukcuoglu, *WaveNet: A
//! Generative Model for Raw Audio*, 2016.

use crate::layers::{Autoregressive, Reads};
use crate::nn::{WaveNet, WaveNetConfig};
use crate::univariate::{Kind, Mixture, Univariate};
use crate::{Flow, Logistic};
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
    /// Units of the sum of skip connections.
    pub skip: usize,
    /// Layers in a cycle of dilations.
    pub layers: usize,
    /// Cycles.
    pub cycles: usize,
    /// Logistic distributions K in each step's mixture.
    pub components: usize,
    /// Features of the condition on the whole signal; 0 without one.
    pub condition: usize,
    /// Features of the track, a condition on each step; 0 without one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub track: usize,
}

/// Whether a checkpoint leaves out this size.
pub(super) fn is_zero(size: &usize) -> bool {
    *size == 0
}

/// The only layer of a [`WaveNetFlow`].
pub type WaveNetLayer<T> = Autoregressive<WaveNet<T>, Mixture>;

/// WaveNet with mixtures of K logistics as conditionals, in the direction x → z:
///
/// <!-- p(x) = Πₜ₌₁ᵀ p(xₜ | x₁, … , xₜ₋₁) -->
#[doc = include_str!("../../formulas/wavenet.html")]
///
/// Each conditional is a mixture, whose distribution function maps x to a standard logistic z:
///
/// <!-- p(xₜ | x_<t) = dFₜ/dx(xₜ),   Fₜ(x) = Σₖ₌₁ᴷ πₖ·σ((x − μₖ)/sₖ),   zₜ = log(Fₜ(xₜ)/(1 − Fₜ(xₜ))) -->
#[doc = include_str!("../../formulas/logistic-mixture.html")]
///
/// One network gives the parameters of all steps:
///
/// <!-- (π, μ, s)ₜ = WaveNet(x₁, … , xₜ₋₁),   log p(x) = Σₜ₌₁ᵀ log dFₜ/dx(xₜ) -->
#[doc = include_str!("../../formulas/wavenet-density.html")]
///
/// The first WaveNet had a softmax over 256 levels; the mixture (Salimans et al. 2017) is that of Parallel WaveNet's
/// teacher. Signals should be standardized: components start within ±2.3.
///
/// A density takes one pass. A sample is made step by step, in the work of one pass (see [`Causal`](crate::nn::Causal)).
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
    /// The layer alone, for distillation, which evaluates its conditionals at several points.
    ///
    /// # Panics
    /// If a size other than the condition's is 0.
    pub fn layer<T: Real>(config: &WaveNetFlowConfig, rng: &mut dyn Rng) -> WaveNetLayer<T> {
        let &WaveNetFlowConfig { channels, skip, layers, cycles, components, condition, track, .. } = config;
        let mixture = Mixture::new(components, Kind::Logistic);
        let start = Univariate::<T>::start(&mixture);
        let outputs = start.len();
        let net = WaveNet::new(&WaveNetConfig { channels, skip, layers, cycles, outputs, condition, track }, rng);
        Autoregressive::new(net.starting_at(&start), mixture, Reads::Data)
    }

    /// The density over signals of a layer, which shares its parameters.
    pub fn of<T: Real>(layer: Arc<WaveNetLayer<T>>, config: &WaveNetFlowConfig) -> Flow<T> {
        Flow::new(layer, Logistic, [config.length]).conditioned_on(config.condition).given_track(config.track)
    }

    /// A WaveNet over signals.
    ///
    /// # Panics
    /// If a size other than the condition's is 0.
    pub fn build<T: Real>(config: &WaveNetFlowConfig, rng: &mut dyn Rng) -> Flow<T> {
        Self::of(Arc::new(Self::layer(config, rng)), config)
    }
}
