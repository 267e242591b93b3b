//! The standard distributions that mixtures are made of.

use autograd::{Real, Var, special};
use std::f64::consts::PI;

/// The shape of the components, and of the latents that a mixture of them is mapped to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// `G = Φ`: latents are standard normal.
    #[default]
    Gaussian,
    /// `G = σ`: latents are standard logistic.
    Logistic,
}

/// What is needed of `G`, on tensors and on single numbers.
impl Kind {
    /// `ln G(v)`.
    pub(super) fn log_cdf<T: Real>(self, v: &Var<T>) -> Var<T> {
        match self {
            Self::Gaussian => v.log_normal_cdf(),
            Self::Logistic => v.log_sigmoid(),
        }
    }

    /// The logarithm of the slope of `ln G`, which is `ln g(v) − ln G(v)`.
    pub(super) fn log_score<T: Real>(self, v: &Var<T>) -> Var<T> {
        match self {
            Self::Gaussian => {
                // Far to the right the score itself is 0. Each side has its own argument, so that neither
                // gives the other an infinite derivative.
                let (zero, left) = (v.zeros_like(), v.zeros_like().greater_equal(v));
                let (below, above) = (left.select(v, &zero), left.select(&zero, v));
                let density = above.square().affine(-0.5, -0.5 * (2.0 * PI).ln());
                left.select(&below.normal_score().ln(), &(density - above.log_normal_cdf()))
            }
            Self::Logistic => (-v).log_sigmoid(),
        }
    }

    /// v of `y = ln G(v)`, for y up to about ln ½.
    pub(super) fn quantile<T: Real>(self, y: &Var<T>) -> Var<T> {
        match self {
            Self::Gaussian => y.log_normal_quantile(),
            Self::Logistic => y - (-y.expm1()).ln(),
        }
    }

    /// `ln G(v)` of one number.
    pub(super) fn log_cdf_of(self, v: f64) -> f64 {
        match self {
            Self::Gaussian => special::log_normal_cdf(v),
            Self::Logistic => -special::softplus(-v),
        }
    }

    /// [`Kind::log_score`] of one number.
    pub(super) fn log_score_of(self, v: f64) -> f64 {
        match self {
            Self::Gaussian if v > 0.0 => -0.5 * v * v - 0.5 * (2.0 * PI).ln() - special::log_normal_cdf(v),
            Self::Gaussian => special::normal_score(v).ln(),
            Self::Logistic => -special::softplus(v),
        }
    }

    /// [`Kind::quantile`] of one number.
    pub(super) fn quantile_of(self, y: f64) -> f64 {
        match self {
            Self::Gaussian => special::log_normal_quantile(y),
            Self::Logistic => y - (-y.exp_m1()).ln(),
        }
    }
}
