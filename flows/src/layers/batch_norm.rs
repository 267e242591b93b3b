//! Batch normalization as an invertible layer.

use super::{Mask, features::Features};
use crate::{Bijection, Context, Mapped, Mode, parameters};
use autograd::{Param, Real, Tensor, Var};

/// Added to variances, ε.
const EPSILON: f64 = 1e-5;

/// Batch normalization between the maps of a flow (Dinh et al. 2017, `RealNVP`, §3.7), on
/// `[batch, features, …]` with n elements for each feature.
///
/// From x to z (from z to x with the other sign):
///
/// <!-- z = γ ⊙ (x − m)/√(v + ε) + β,   log|det ∂z/∂x| = n Σ_c (log γ_c − ½ log(v_c + ε)) -->
#[doc = include_str!("../../formulas/batch-norm.html")]
///
/// In training, m and v are the batch's own, and the log-determinant is that of the map with m and v held fixed. In
/// evaluation, and in `to_data`, they are those of the training data, kept in the buffers `mean` and `variance`, which
/// `initialize` sets from the first batch and [`crate::Flow::calibrate`] from many, after training and before use.
#[derive(Debug)]
pub struct BatchNorm<T: Real> {
    log_gamma: Param<T>,
    beta: Param<T>,
    mean: Param<T>,
    variance: Param<T>,
    features: Features<T>,
}

impl<T: Real> BatchNorm<T> {
    /// For `features` features, with γ = 1 and β = 0: nearly the identity until it sees data.
    pub fn new(features: usize) -> Self {
        Self {
            log_gamma: Param::new(Tensor::zeros([features])),
            beta: Param::new(Tensor::zeros([features])),
            mean: Param::buffer(Tensor::zeros([features])),
            variance: Param::buffer(Tensor::full([features], T::ONE)),
            features: Features { mask: None },
        }
    }

    /// The same, only for elements that the coupling with this mask changes: n is their number in each feature, and
    /// may be 0. Without a mask, for all.
    pub fn changed_by(self, mask: impl Into<Option<Mask<T>>>) -> Self {
        Self { features: Features { mask: mask.into() }, ..self }
    }

    /// `log γ − ½ log(v + ε)`.
    fn log_scale(&self, variance: &Var<T>) -> Var<T> {
        self.log_gamma.on(variance) - variance.shift(EPSILON).ln().scale(0.5)
    }

    fn normalized(&self, x: &Var<T>, mean: &Var<T>, variance: &Var<T>) -> Mapped<T> {
        let Mapped { value, log_det } = self.features.normalize(x, mean, &self.log_scale(variance));
        Mapped { value: self.features.shifted(value, &self.beta.on(x)), log_det }
    }

    /// Updates the buffers with a batch's moments: after k batches they are the moments over all k. The first batch
    /// replaces the buffers' content.
    fn absorb(&self, x: &Var<T>, seen: u64) {
        let (mean, variance) = self.features.moments(x);
        if seen == 0 {
            // The formula below would lose digits to an old value that is far off, and keep a NaN.
            self.mean.set(mean.into_value());
            self.variance.set(variance.into_value());
            return;
        }
        // The variance over all batches is the mean of their variances plus the variance of their means, here in the
        // running form of Chan, Golub & LeVeque (1979).
        let part = 1.0 / (seen + 1) as f64;
        let old = [&self.mean, &self.variance].map(|buffer| buffer.value());
        let [old_mean, old_variance] = old.each_ref().map(Tensor::as_slice);
        let (mean, variance) = (mean.value().as_slice(), variance.value().as_slice());
        let toward = |old: T, new: T| old.to_f64() + part * (new.to_f64() - old.to_f64());
        let between = |i: usize| {
            let apart = mean[i].to_f64() - old_mean[i].to_f64();
            part * (1.0 - part) * apart * apart
        };
        let updated = |value: &dyn Fn(usize) -> f64| Tensor::from_fn([mean.len()], |i| T::from_f64(value(i)));
        self.mean.set(updated(&|i| toward(old_mean[i], mean[i])));
        self.variance.set(updated(&|i| between(i) + toward(old_variance[i], variance[i])));
    }
}

impl<T: Real> Bijection<T> for BatchNorm<T> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        if cx.mode == Mode::Train {
            let (mean, variance) = self.features.moments(x);
            self.normalized(x, &mean, &variance)
        } else {
            self.normalized(x, &self.mean.on(x), &self.variance.on(x))
        }
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let centered = self.features.shifted(z.clone(), &-self.beta.on(z));
        self.features.denormalize(&centered, &self.mean.on(z), &self.log_scale(&self.variance.on(z)))
    }

    fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        self.calibrate(x, cx, 0)
    }

    /// The batch leaves normalized by its own statistics, as in training.
    fn calibrate(&self, x: &Var<T>, cx: Context<'_, T>, seen: u64) -> Var<T> {
        self.absorb(x, seen);
        self.to_latent(x, Context { mode: Mode::Train, ..cx }).value
    }
}

parameters!(BatchNorm: log_gamma, beta, mean, variance; epsilon = EPSILON);
