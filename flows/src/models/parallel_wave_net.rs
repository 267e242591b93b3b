//! Parallel WaveNet's student: WaveNets as inverse autoregressive flow (lecture 8).
//!
//! van den Oord, Li, Babuschkin, Simonyan, Vinyals, Kavukcuoglu et al., *Parallel WaveNet: Fast High-Fidelity
//! Speech Synthesis*, 2018.

use crate::base::Logistic;
use crate::bijection::{Bijection, Context, Mapped};
use crate::flow::Flow;
use crate::layers::{Affine, Autoregressive, Elementwise, Reads};
use crate::module::{Module, Visitor};
use crate::nn::{WaveNet, WaveNetConfig};
use autograd::{Real, Var};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The sizes of a [`ParallelWaveNet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParallelWaveNetConfig {
    /// Units of each layer at each step.
    pub channels: usize,
    /// Units that the skip connections are summed in.
    pub skip: usize,
    /// Layers in a cycle of dilations.
    pub layers: usize,
    /// For each of the flows, its WaveNet's cycles, in the order in which latents pass them. The paper has
    /// `[1, 1, 1, 3]`, of 10 layers a cycle.
    pub cycles: Vec<usize>,
    /// Features of the condition; 0 without one.
    pub condition: usize,
}

/// K inverse autoregressive flows in a row, all in the order of time, in the direction z → x:
///
/// <!--
/// x⁰ = z,  xᵏ_t = exp(αᵏ_t)·xᵏ⁻¹_t + μᵏ_t        (μᵏ_t, αᵏ_t) = WaveNetᵏ(xᵏ⁻¹_1 … xᵏ⁻¹_{t−1})
/// log|det ∂x/∂z| = Σ_t log s_t,   log s_t = Σ_k αᵏ_t
/// -->
///
#[doc = include_str!("../../formulas/parallel-wavenet.html")]
///
/// With one order for all flows, whatever scales and shifts step t depends on z before t alone. So `x_t`
/// given the past is the base's own shape, logistic, with scale `s_t` and shift `m_t = x_t − s_t·z_t`; see
/// [`ParallelWaveNet::generate`]. A sample takes one pass a flow, a density of other signals than its own
/// samples goes through time.
///
/// # On the slides
///
/// - **Lecture:** lecture 8, Parallel WaveNet
/// - **Paper:** van den Oord et al.: Parallel WaveNet (2018), figure 2
/// - **Command:** `zoo distill runs/wavenet-speech`
/// - **File:** `flows/src/models/parallel_wave_net.rs`
#[derive(Debug)]
pub struct ParallelWaveNet<T: Real> {
    /// In the order in which latents pass them.
    flows: Vec<Autoregressive<WaveNet<T>, Affine>>,
}

/// A signal made from noise, and the distribution that each step was drawn from:
/// `x_t = shift_t + exp(log_scale_t)·z_t` with `z_t` standard logistic. All are `[batch, T]`.
#[derive(Clone, Debug)]
pub struct Generated<T: Real> {
    /// The signal x.
    pub value: Var<T>,
    /// `log s_t`, from z before t alone.
    pub log_scale: Var<T>,
    /// `m_t`, from z before t alone.
    pub shift: Var<T>,
}

impl<T: Real> ParallelWaveNet<T> {
    /// Flows that begin near to the identity.
    #[must_use]
    pub fn new(config: &ParallelWaveNetConfig, rng: &mut dyn Rng) -> Self {
        let ParallelWaveNetConfig { channels, skip, layers, cycles, condition } = config;
        let flow = |&cycles: &usize| {
            let (channels, skip, layers, condition) = (*channels, *skip, *layers, *condition);
            let sizes = WaveNetConfig { channels, skip, layers, cycles, outputs: 2, condition };
            Autoregressive::new(WaveNet::new(&sizes, rng), Affine::default(), Reads::Latent)
        };
        Self { flows: cycles.iter().map(flow).collect() }
    }

    /// The density over signals of so many steps that this map gives to logistic noise; the same parameters,
    /// not a copy. `condition` is the number of its condition's features, 0 without one.
    #[must_use]
    pub fn flow(self: &Arc<Self>, length: usize, condition: usize) -> Flow<T> {
        Flow::new(Arc::clone(self), Logistic, [length]).conditioned_on(condition)
    }

    /// The signals that noise `[batch, T]` is mapped to, with each step's scale and shift.
    #[must_use]
    pub fn generate(&self, z: &Var<T>, cx: Context<'_, T>) -> Generated<T> {
        let (mut value, mut log_scale) = (z.clone(), z.zeros_like());
        for flow in &self.flows {
            let Elementwise { value: next, log_deriv } = flow.parallel(&value, cx);
            (value, log_scale) = (next, log_scale + log_deriv);
        }
        let shift = &value - log_scale.exp() * z;
        Generated { value, log_scale, shift }
    }
}

impl<T: Real> Bijection<T> for ParallelWaveNet<T> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let start = Mapped::volume_preserving(x.clone());
        self.flows.iter().rev().fold(start, |Mapped { value, log_det }, flow| {
            let mapped = flow.to_latent(&value, cx);
            Mapped { value: mapped.value, log_det: log_det + mapped.log_det }
        })
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let Generated { value, log_scale, .. } = self.generate(z, cx);
        Mapped { value, log_det: log_scale.sum_per_sample() }
    }
}

impl<T: Real> Module<T> for ParallelWaveNet<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        for (i, flow) in self.flows.iter().enumerate() {
            visitor.part(format_args!("flows.{i}"), flow);
        }
    }
}
