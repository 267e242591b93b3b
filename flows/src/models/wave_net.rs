//! WaveNet as a density over signals, and as the teacher of Parallel WaveNet (lecture 8).
//!
//! van den Oord, Dieleman, Zen, Simonyan, Vinyals, Graves, Kalchbrenner, Senior & Kavukcuoglu, *WaveNet: A
//! Generative Model for Raw Audio*, 2016.

use crate::base::Logistic;
use crate::flow::Flow;
use crate::layers::{Affine, Autoregressive, Conditional, Reads};
use crate::nn::{WaveNet, WaveNetConfig};
use autograd::Real;
use rand::Rng;
use std::sync::Arc;

/// The sizes of a WaveNet over signals.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Features of the condition; 0 without one.
    pub condition: usize,
}

/// What maps a signal to its latents: the only layer of a [`WaveNetFlow`].
pub type WaveNetLayer<T> = Autoregressive<WaveNet<T>, Affine>;

/// WaveNet with logistic conditionals, in the direction x → z:
///
/// ```text
/// (μ_t, α_t) = WaveNet(x_1 … x_{t−1})
/// z_t = (x_t − μ_t)·exp(−α_t)                  log|det ∂z/∂x| = −Σ α
/// log p(x) = Σ log logistic(x_t; μ_t, exp(α_t))
/// ```
///
/// A density takes one pass. A sample goes through time step by step, in the work of one pass (see
/// [`Causal::in_order`](crate::nn::Causal::in_order)).
#[derive(Clone, Copy, Debug)]
pub struct WaveNetFlow;

impl WaveNetFlow {
    /// The layer by itself: distillation asks its conditionals one by one.
    #[must_use]
    pub fn layer<T: Real>(config: &WaveNetFlowConfig, rng: &mut dyn Rng) -> WaveNetLayer<T> {
        let conditional = Affine::default();
        let outputs = Conditional::<T>::parameters(&conditional);
        let &WaveNetFlowConfig { channels, skip, layers, cycles, condition, .. } = config;
        let net = WaveNet::new(&WaveNetConfig { channels, skip, layers, cycles, outputs, condition }, rng);
        Autoregressive::new(net, conditional, Reads::Data)
    }

    /// The density over signals that a layer gives; the same parameters, not a copy.
    #[must_use]
    pub fn of<T: Real>(layer: Arc<WaveNetLayer<T>>, config: &WaveNetFlowConfig) -> Flow<T> {
        Flow::new(layer, Logistic, [config.length]).conditioned_on(config.condition)
    }

    /// A WaveNet over signals.
    #[must_use]
    pub fn build<T: Real>(config: &WaveNetFlowConfig, rng: &mut dyn Rng) -> Flow<T> {
        Self::of(Arc::new(Self::layer(config, rng)), config)
    }
}
