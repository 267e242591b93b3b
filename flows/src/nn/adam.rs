//! Adam and its relatives.

use autograd::update::{self, AdamStep, Moments};
use autograd::{Gradients, Param, Real, Tensor};
use serde::{Deserialize, Serialize};

/// The settings of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamConfig {
    /// Decay of the mean of gradients, β₁.
    pub beta1: f64,
    /// Decay of the mean of squared gradients, β₂.
    pub beta2: f64,
    /// Added to the denominator, ε.
    pub eps: f64,
    /// Decoupled weight decay (`AdamW`), relative to the learning rate. It applies to matrices and kernels, not to
    /// biases and scales.
    pub weight_decay: f64,
    /// Whether to use the largest second moment so far (`AMSGrad`).
    pub amsgrad: bool,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, amsgrad: false }
    }
}

/// Adam (Kingma & Ba 2015), with `AdamW`'s decay (Loshchilov & Hutter 2019) and `AMSGrad` (Reddi et al. 2018):
///
/// ```text
/// m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²
/// p ← p − lr·( (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε) + decay·p )      decay: of matrices only
/// ```
#[derive(Debug)]
pub struct Adam<T: Real> {
    config: AdamConfig,
    params: Vec<(String, Param<T>)>,
    moments: Vec<Moments<T>>,
    steps: u64,
}

impl<T: Real> Adam<T> {
    /// An optimizer of the trainable parameters among these, as [`crate::Module::params`] lists them.
    pub fn new(params: Vec<(String, Param<T>)>, config: AdamConfig) -> Self {
        let params: Vec<_> = params.into_iter().filter(|(_, param)| param.is_trainable()).collect();
        let moments = params.iter().map(|(_, param)| Moments::new(&param.value(), config.amsgrad)).collect();
        Self { config, params, moments, steps: 0 }
    }

    /// One step with this learning rate. A parameter without a gradient does not change.
    pub fn step(&mut self, gradients: &Gradients<T>, lr: f64) {
        self.steps += 1;
        let AdamConfig { beta1, beta2, eps, weight_decay, .. } = self.config;
        let t = self.steps as f64;
        let step = |decays: bool| AdamStep {
            lr,
            beta1,
            beta2,
            eps,
            weight_decay: if decays { weight_decay } else { 0.0 },
            bias_correction1: 1.0 - beta1.powf(t),
            bias_correction2: 1.0 - beta2.powf(t),
        };
        for ((_, param), moments) in self.params.iter().zip(&mut self.moments) {
            if let Some(gradient) = gradients.of(param) {
                let step = step(gradient.shape().rank() > 1);
                param.update(|p| update::adam(step, p, gradient.as_slice(), moments));
            }
        }
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The moments as named tensors, for a checkpoint.
    pub fn state(&self) -> Vec<(String, Tensor<T>)> {
        let mut state = Vec::new();
        for ((path, _), moments) in self.params.iter().zip(&self.moments) {
            state.push((format!("{path}.m"), moments.m.clone()));
            state.push((format!("{path}.v"), moments.v.clone()));
            if let Some(vmax) = &moments.vmax {
                state.push((format!("{path}.vmax"), vmax.clone()));
            }
        }
        state
    }

    /// Restores a state from [`Adam::state`] after `steps` steps. `find` looks up a tensor by name.
    ///
    /// # Errors
    /// The name of the first tensor that is missing or has the wrong shape. Then nothing is changed.
    pub fn restore(&mut self, steps: u64, find: impl Fn(&str) -> Option<Tensor<T>>) -> Result<(), String> {
        let get = |path: &str, part: &str, like: &Tensor<T>| {
            let name = format!("{path}.{part}");
            find(&name).filter(|found| found.shape() == like.shape()).ok_or(name)
        };
        let restored = self.params.iter().zip(&self.moments).map(|((path, _), Moments { m, v, vmax })| {
            let vmax = vmax.as_ref().map(|vmax| get(path, "vmax", vmax));
            Ok(Moments { m: get(path, "m", m)?, v: get(path, "v", v)?, vmax: vmax.transpose()? })
        });
        self.moments = restored.collect::<Result<_, String>>()?;
        self.steps = steps;
        Ok(())
    }
}
