//! The decoder's distribution over the data.

use crate::{Base, Logistic, StandardNormal, univariate::softly_bounded};
use autograd::{Real, Tensor, Var};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// The distribution of data given latents, independent in every dimension.
///
/// Its parameters are `[batch, outputs·D]`: output j of dimension i is in column `j·D + i`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likelihood {
    /// y is 0 or 1, with logit l: `log p = y·l − softplus(l)`. A probability, not a density.
    Bernoulli,
    /// `N(μ, exp(2s))`, s softly bounded to ±5.
    Gaussian,
    /// The logistic distribution about μ of scale exp(s), s softly bounded to ±5.
    Logistic,
    /// `N(μ, std²)`. With a linear decoder this is probabilistic PCA (Tipping & Bishop 1999).
    FixedGaussian {
        /// The standard deviation in every dimension.
        std: f64,
    },
}

impl Likelihood {
    /// The number of parameters for each dimension.
    pub const fn outputs(self) -> usize {
        match self {
            Self::Bernoulli | Self::FixedGaussian { .. } => 1,
            Self::Gaussian | Self::Logistic => 2,
        }
    }

    /// Whether the data are 0 or 1, and `log p` that of a probability.
    pub const fn is_discrete(self) -> bool {
        matches!(self, Self::Bernoulli)
    }

    /// `log p(y | z)` of each row of `[batch, D]`, in nats. Shape `[batch]`.
    ///
    /// # Panics
    /// If the number of parameters does not match.
    pub fn log_prob<T: Real>(self, y: &Var<T>, parameters: &Var<T>) -> Var<T> {
        let (location, log_scale) = self.split(parameters);
        match (self, log_scale) {
            (Self::Bernoulli, _) => (y * &location - location.softplus()).sum_per_sample(),
            (Self::FixedGaussian { std }, _) => {
                let fixed = -std.ln() * y.extent(1) as f64;
                StandardNormal.log_prob(&(y - location).scale(1.0 / std)).shift(fixed)
            }
            (Self::Logistic, Some(s)) => Logistic.log_prob(&((y - location) * (-&s).exp())) - s.sum_per_sample(),
            (_, Some(s)) => StandardNormal.log_prob(&((y - location) * (-&s).exp())) - s.sum_per_sample(),
            (_, None) => unreachable!("only likelihoods with one output have no scale"),
        }
    }

    /// `E[y | z]`, `[batch, D]`.
    pub fn mean<T: Real>(self, parameters: &Var<T>) -> Var<T> {
        let (location, _) = self.split(parameters);
        if self.is_discrete() { location.sigmoid() } else { location }
    }

    /// A draw of y for each row of parameters, `[batch, D]`.
    pub fn sample<T: Real>(self, parameters: &Var<T>, rng: &mut dyn Rng) -> Tensor<T> {
        let (location, log_scale) = self.split(parameters);
        let shape = location.shape().clone();
        let spread = |noise: Tensor<T>| {
            let noise = location.constant_like(noise);
            let scaled = match (self, log_scale) {
                (Self::FixedGaussian { std }, _) => noise.scale(std),
                (_, Some(s)) => noise * s.exp(),
                (_, None) => noise,
            };
            (&location + scaled).into_value()
        };
        match self {
            Self::Bernoulli => {
                let p = location.sigmoid();
                let p = p.value().as_slice();
                Tensor::from_fn(shape, |i| if rng.random::<f64>() < p[i].to_f64() { T::ONE } else { T::ZERO })
            }
            Self::Gaussian | Self::FixedGaussian { .. } => spread(StandardNormal.sample(shape, 1.0, rng)),
            Self::Logistic => spread(Logistic.sample(shape, 1.0, rng)),
        }
    }

    /// Locations (or logits), and log-scales if the decoder gives some, each `[batch, D]`.
    fn split<T: Real>(self, parameters: &Var<T>) -> (Var<T>, Option<Var<T>>) {
        if self.outputs() == 1 {
            return (parameters.clone(), None);
        }
        let dims = parameters.extent(1) / 2;
        (parameters.slice(1, 0..dims), Some(softly_bounded(&parameters.slice(1, dims..2 * dims))))
    }
}
