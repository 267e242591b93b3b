//! A learned scale and shift for every feature, started from data.

use super::{Mask, features::Features};
use crate::{Bijection, Context, Mapped, parameters};
use autograd::{Param, Real, Tensor, Var};

/// Activation normalization (Kingma & Dhariwal 2018, Glow, §3.1), on `[batch, features, …]`.
///
/// From x to z (from z to x with the opposite sign), with n elements for each feature:
///
/// <!-- z = exp(s) ⊙ (x + b),   log|det ∂z/∂x| = n Σ_c s_c -->
#[doc = include_str!("../../formulas/act-norm.html")]
///
/// `initialize` sets s and b so that each feature of the first batch has mean 0 and variance 1. From then on they are
/// trained. The buffer `started` records that this has been done, so a model from a checkpoint keeps its values.
#[derive(Debug)]
pub struct ActNorm<T: Real> {
    log_scale: Param<T>,
    shift: Param<T>,
    started: Param<T>,
    features: Features<T>,
}

impl<T: Real> ActNorm<T> {
    /// The identity on `features` features, until it sees data.
    pub fn new(features: usize) -> Self {
        Self {
            log_scale: Param::new(Tensor::zeros([features])),
            shift: Param::new(Tensor::zeros([features])),
            started: Param::buffer(Tensor::zeros([])),
            features: Features { mask: None },
        }
    }

    /// The same, only for elements that the coupling with this mask changes: n is their number in each feature, and
    /// may be 0. Without a mask, for all.
    pub fn changed_by(self, mask: impl Into<Option<Mask<T>>>) -> Self {
        Self { features: Features { mask: mask.into() }, ..self }
    }
}

impl<T: Real> Bijection<T> for ActNorm<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        self.features.normalize(x, &-self.shift.on(x), &self.log_scale.on(x))
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        self.features.denormalize(z, &-self.shift.on(z), &self.log_scale.on(z))
    }

    fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        if self.started.value().item() == T::ZERO {
            let (mean, variance) = self.features.moments(x);
            self.shift.set((-mean).into_value());
            // Bounds the scale of features that hardly vary.
            let log_scale = |v: &T| T::from_f64(-0.5 * (v.to_f64() + 1e-6).ln());
            let scales: Vec<T> = variance.value().as_slice().iter().map(log_scale).collect();
            self.log_scale.set(Tensor::from_slice([scales.len()], &scales));
            self.started.set(Tensor::scalar(T::ONE));
        }
        self.to_latent(x, cx).value
    }
}

parameters!(ActNorm: log_scale, shift, started);
