//! Parallel WaveNet's student: WaveNets as inverse autoregressive flow (lecture 8).
//!
//! van den Oord, Li, Babuschkin, Simonyan, Vinyals, Kavukcuoglu et al., *Parallel WaveNet: Fast High-Fidelity
//! Speech Synthesis*, 2018.

use super::wave_net::is_zero;
use crate::layers::{Autoregressive, Reads};
use crate::nn::{WaveNet, WaveNetConfig};
use crate::univariate::{Affine, Elementwise};
use crate::{Bijection, Context, Flow, Logistic, Mapped, bijection::through, parameters};
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
    /// Units of the sum of skip connections.
    pub skip: usize,
    /// Layers in a cycle of dilations.
    pub layers: usize,
    /// Cycles of each flow's WaveNet, in the order in which latents pass them. The paper has `[1, 1, 1, 3]`, with 10
    /// layers a cycle.
    pub cycles: Vec<usize>,
    /// Features of the condition on the whole signal; 0 without one.
    pub condition: usize,
    /// Features of the track, a condition on each step; 0 without one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub track: usize,
}

/// K inverse autoregressive flows in a row, all in the order of time, in the direction z → x:
///
/// <!--
/// x⁽⁰⁾ = z,   xₜ⁽ᵏ⁾ = exp(αₜ⁽ᵏ⁾)·xₜ⁽ᵏ⁻¹⁾ + μₜ⁽ᵏ⁾
/// (μₜ⁽ᵏ⁾, αₜ⁽ᵏ⁾) = WaveNetₖ(x₁⁽ᵏ⁻¹⁾, … , xₜ₋₁⁽ᵏ⁻¹⁾)
/// log|det ∂x/∂z| = Σₜ₌₁ᵀ log sₜ,   log sₜ = Σₖ₌₁ᴷ αₜ⁽ᵏ⁾
/// -->
#[doc = include_str!("../../formulas/parallel-wavenet.html")]
///
/// Given the past, `x_t` is logistic like the base, with scale `s_t` and shift `m_t = x_t − s_t·z_t`, which depend only on z
/// before t; see [`ParallelWaveNet::generate`]. A sample takes one pass a flow. The density of other signals is computed
/// step by step, and has a derivative ([`forward_on_windows`](crate::distillation::forward_on_windows)).
///
/// A voice is a long coherent oscillation, which a flow cannot make of noise that is independent from step to step. As in
/// the paper, it should be told the phase: by a track, a condition on each step.
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
    flows: Vec<Autoregressive<WaveNet<T>, Affine<T>>>,
    condition: usize,
    track: usize,
}

/// A signal made from noise, and the distribution of each step:
/// `x_t = shift_t + exp(log_scale_t)·z_t` with `z_t` standard logistic. All are `[batch, T]`.
#[derive(Clone, Debug)]
pub struct Generated<T: Real> {
    /// The signal x.
    pub value: Var<T>,
    /// `log s_t`, which depends only on z before t.
    pub log_scale: Var<T>,
    /// `m_t`, which depends only on z before t.
    pub shift: Var<T>,
}

impl<T: Real> ParallelWaveNet<T> {
    /// Flows that start near the identity.
    pub fn new(config: &ParallelWaveNetConfig, rng: &mut dyn Rng) -> Self {
        let ParallelWaveNetConfig { channels, skip, layers, cycles, condition, track } = config;
        let flow = |&cycles: &usize| {
            let (channels, skip, layers, condition, track) = (*channels, *skip, *layers, *condition, *track);
            let sizes = WaveNetConfig { channels, skip, layers, cycles, outputs: 2, condition, track };
            Autoregressive::new(WaveNet::new(&sizes, rng), Affine::default(), Reads::Latent)
        };
        Self { flows: cycles.iter().map(flow).collect(), condition: *condition, track: *track }
    }

    /// This map of logistic noise as a density over signals with `length` steps; it shares the parameters. `condition` is
    /// the number of features of the condition on the whole signal, 0 without one.
    pub fn flow(self: &Arc<Self>, length: usize, condition: usize) -> Flow<T> {
        Flow::new(Arc::clone(self), Logistic, [length]).conditioned_on(condition).given_track(self.track)
    }

    /// The condition of the first `steps` of signals with `length` steps, from that of the whole.
    pub(crate) fn window(&self, condition: Option<&Var<T>>, length: usize, steps: usize) -> Option<Var<T>> {
        assert!(steps <= length, "Parallel WaveNet: a window of {steps} in {length} steps");
        condition.map(|condition| condition.slice(1, 0..self.condition + steps * self.track))
    }

    /// Maps noise `[batch, T]` to signals, with the scale and the shift of each step.
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
        through(x, self.flows.iter().rev(), |flow, x| flow.to_latent(x, cx))
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let Generated { value, log_scale, .. } = self.generate(z, cx);
        Mapped { value, log_det: log_scale.sum_per_sample() }
    }
}

parameters!(ParallelWaveNet: flows);
