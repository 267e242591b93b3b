//! Batch normalization as an invertible layer.

use super::Mask;
use super::features::Features;
use crate::bijection::{Bijection, Context, Mapped, Mode};
use crate::module::{Module, Visitor};
use autograd::{Param, Real, Tensor, Var};

/// Added to variances, ε.
const EPSILON: f64 = 1e-5;

/// Batch normalization between the maps of a flow (Dinh et al. 2017, `RealNVP`, §3.7), on
/// `[batch, features, …]` with n places a feature.
///
/// From x to z (from z to x with the other sign):
///
/// <!-- z = γ ⊙ (x − m)/√(v + ε) + β,   log|det ∂z/∂x| = n Σ_c (log γ_c − ½ log(v_c + ε)) -->
#[doc = include_str!("../../formulas/batch-norm.html")]
///
/// In training m and v are the batch's own, and the log-determinant is that of the map with them
/// held. In evaluation, and in `to_data`, whose data are not known before, they are those of the
/// training data, kept in the buffers `mean` and `variance`. The forward pass never changes those:
/// `initialize` sets them from the first batch, and [`crate::Flow::calibrate`] from as many as it
/// is given, which is to be done after training and before use.
#[derive(Debug)]
pub struct BatchNorm<T: Real> {
    log_gamma: Param<T>,
    beta: Param<T>,
    mean: Param<T>,
    variance: Param<T>,
    features: Features<T>,
}

impl<T: Real> BatchNorm<T> {
    /// For `features` features; γ = 1, β = 0, and nearly the identity until it sees data.
    #[must_use]
    pub fn new(features: usize) -> Self {
        Self {
            log_gamma: Param::new(Tensor::zeros([features])),
            beta: Param::new(Tensor::zeros([features])),
            mean: Param::buffer(Tensor::zeros([features])),
            variance: Param::buffer(Tensor::full([features], T::ONE)),
            features: Features::all(),
        }
    }

    /// The same for those elements alone that the coupling with this mask changes: n is then the number
    /// of those in each feature, and may be 0.
    #[must_use]
    pub fn changed_by(self, mask: Mask<T>) -> Self {
        Self { features: Features::changed_by(mask), ..self }
    }

    /// `log γ − ½ log(v + ε)`.
    fn log_scale(&self, variance: &Var<T>) -> Var<T> {
        self.log_gamma.on(variance) - variance.shift(EPSILON).ln().scale(0.5)
    }

    fn normalized(&self, x: &Var<T>, mean: &Var<T>, variance: &Var<T>) -> Mapped<T> {
        let Mapped { value, log_det } = self.features.normalize(x, mean, &self.log_scale(variance));
        Mapped { value: self.features.shifted(value, &self.beta.on(x)), log_det }
    }

    /// Moves the buffers a part of the way to a batch's moments, so that after k batches they are
    /// the moments over all k. The first batch's replace whatever the buffers held.
    fn absorb(&self, x: &Var<T>, seen: u64) {
        let (mean, variance) = self.features.moments(x);
        if seen == 0 {
            // All of the way by the formula below would leave no digits of the new beside an old
            // that is far off, and a NaN for ever.
            self.mean.set(mean.into_value());
            self.variance.set(variance.into_value());
            return;
        }
        // The variance over all batches is the mean of the batches' variances and the variance of
        // their means; the running form of that is Chan, Golub & LeVeque's (1979).
        let part = 1.0 / (seen + 1) as f64;
        let (old_mean, old_variance) = (self.mean.value(), self.variance.value());
        let (old_mean, old_variance) = (old_mean.as_slice(), old_variance.as_slice());
        let (mean, variance) = (mean.value().as_slice(), variance.value().as_slice());
        self.mean.update(|m| {
            for (i, m) in m.iter_mut().enumerate() {
                *m = T::from_f64(old_mean[i].to_f64() + part * (mean[i].to_f64() - old_mean[i].to_f64()));
            }
        });
        self.variance.update(|v| {
            for (i, v) in v.iter_mut().enumerate() {
                let apart = mean[i].to_f64() - old_mean[i].to_f64();
                let between = part * (1.0 - part) * apart * apart;
                let within = old_variance[i].to_f64() + part * (variance[i].to_f64() - old_variance[i].to_f64());
                *v = T::from_f64(within + between);
            }
        });
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

    /// The batch goes on normalized by its own statistics, as in training.
    fn calibrate(&self, x: &Var<T>, cx: Context<'_, T>, seen: u64) -> Var<T> {
        self.absorb(x, seen);
        self.to_latent(x, Context { mode: Mode::Train, ..cx }).value
    }
}

impl<T: Real> Module<T> for BatchNorm<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("log_gamma", &self.log_gamma);
        visitor.param("beta", &self.beta);
        visitor.param("mean", &self.mean);
        visitor.param("variance", &self.variance);
    }
}
