//! An exponential moving average of weights.

use autograd::{Param, Real, Tensor, update};

/// An exponential moving average of parameters, `shadow ← decay·shadow + (1 − decay)·p`, which often generalizes better
/// than the last weights (Polyak & Juditsky 1992). Early steps use the smaller decay `(1 + t)/(10 + t)`.
#[derive(Debug)]
pub struct Ema<T: Real> {
    params: Vec<(String, Param<T>)>,
    shadow: Vec<Tensor<T>>,
    decay: f64,
    steps: u64,
}

impl<T: Real> Ema<T> {
    /// The average starts at the current weights.
    pub fn new(params: Vec<(String, Param<T>)>, decay: f64) -> Self {
        let params: Vec<_> = params.into_iter().filter(|(_, param)| param.is_trainable()).collect();
        let mut shadow: Vec<Tensor<T>> = params.iter().map(|(_, param)| param.value()).collect();
        // Copies the buffers now, not at the first update.
        for own in &mut shadow {
            own.as_mut_slice();
        }
        Self { params, shadow, decay, steps: 0 }
    }

    /// Adds the current weights to the average.
    pub fn update(&mut self) {
        self.steps += 1;
        let t = self.steps as f64;
        let decay = self.decay.min((1.0 + t) / (10.0 + t));
        for ((_, param), shadow) in self.params.iter().zip(&mut self.shadow) {
            update::ema(decay, shadow.as_mut_slice(), param.value().as_slice());
        }
    }

    /// Swaps the weights with their average.
    pub fn swap(&mut self) {
        for ((_, param), shadow) in self.params.iter().zip(&mut self.shadow) {
            let weights = param.value();
            param.set(std::mem::replace(shadow, weights));
        }
    }

    /// The averages by name, for a checkpoint.
    pub fn state(&self) -> Vec<(String, Tensor<T>)> {
        self.params.iter().zip(&self.shadow).map(|((path, _), shadow)| (path.clone(), shadow.clone())).collect()
    }

    /// Restores a state from [`Ema::state`] after `steps` updates.
    ///
    /// # Errors
    /// The name of the first tensor that is missing or has the wrong shape. Then nothing is changed.
    pub fn restore(&mut self, steps: u64, find: impl Fn(&str) -> Option<Tensor<T>>) -> Result<(), String> {
        let restored = self.params.iter().zip(&self.shadow).map(|((path, _), shadow)| {
            let found = find(path).filter(|found| found.shape() == shadow.shape());
            found.ok_or_else(|| path.clone())
        });
        self.shadow = restored.collect::<Result<_, String>>()?;
        self.steps = steps;
        Ok(())
    }
}
