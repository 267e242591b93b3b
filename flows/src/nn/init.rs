//! Initial weights.

use autograd::{Real, Tensor};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// The distribution of initial weights. `fan_in` is the number of inputs of a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All 0, for a coupling that starts as the identity.
    Zeros,
    /// `U(−a, a)` with `a = 1/√fan_in`: PyTorch's default for linear layers.
    Torch,
    /// `N(0, gain²·2/fan_in)`: keeps the scale of activations through ReLUs (He et al. 2015).
    He {
        /// A factor on the standard deviation.
        gain: f64,
    },
    /// `N(0, std²)`.
    Normal {
        /// The standard deviation.
        std: f64,
    },
}

impl Init {
    /// A tensor drawn from this distribution.
    pub fn draw<T: Real>(self, shape: &[usize], fan_in: usize, rng: &mut dyn Rng) -> Tensor<T> {
        let fan_in = fan_in.max(1) as f64;
        let mut normal = |std: f64| Tensor::from_fn(shape, |_| T::from_f64(std * rng.sample::<f64, _>(StandardNormal)));
        match self {
            Self::Zeros => Tensor::zeros(shape),
            Self::He { gain } => normal(gain * (2.0 / fan_in).sqrt()),
            Self::Normal { std } => normal(std),
            Self::Torch => {
                let bound = 1.0 / fan_in.sqrt();
                Tensor::from_fn(shape, |_| T::from_f64(rng.random_range(-bound..bound)))
            }
        }
    }
}
