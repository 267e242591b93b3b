//! The standard distributions of a mixture's components.

use autograd::{Real, Var, special};
use std::f64::consts::PI;

/// The shape G of a mixture's components and of its latents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// `G = Φ`: latents are standard normal.
    #[default]
    Gaussian,
    /// `G = σ`: latents are standard logistic.
    Logistic,
}

/// Functions of `G`, on tensors and on single values.
impl Kind {
    /// The mixture's name.
    pub(super) const fn map(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian mixture",
            Self::Logistic => "logistic mixture",
        }
    }

    /// `ln G(v)`.
    pub(super) fn log_cdf<T: Real>(self, v: &Var<T>) -> Var<T> {
        match self {
            Self::Gaussian => v.log_normal_cdf(),
            Self::Logistic => v.log_sigmoid(),
        }
    }

    /// `ln g(v) − ln G(v)`, the log-derivative of `ln G`.
    pub(super) fn log_score<T: Real>(self, v: &Var<T>) -> Var<T> {
        match self {
            Self::Gaussian => {
                // Far to the right the score itself is 0. Each side has its own argument, so neither passes an infinite
                // derivative to the other.
                let (zero, left) = (v.zeros_like(), v.zeros_like().greater_equal(v));
                let (below, above) = (left.select(v, &zero), left.select(&zero, v));
                let density = above.square().affine(-0.5, -0.5 * (2.0 * PI).ln());
                left.select(&below.normal_score().ln(), &(density - above.log_normal_cdf()))
            }
            Self::Logistic => (-v).log_sigmoid(),
        }
    }

    /// The v with `ln G(v) = y`, for y up to about ln ½.
    pub(super) fn quantile<T: Real>(self, y: &Var<T>) -> Var<T> {
        match self {
            Self::Gaussian => y.log_normal_quantile(),
            Self::Logistic => y - (-y.expm1()).ln(),
        }
    }

    /// `ln G(v)` of one value.
    pub(super) fn log_cdf_of(self, v: f64) -> f64 {
        match self {
            Self::Gaussian => special::log_normal_cdf(v),
            Self::Logistic => -special::softplus(-v),
        }
    }

    /// [`Kind::log_score`] of one value.
    pub(super) fn log_score_of(self, v: f64) -> f64 {
        match self {
            Self::Gaussian if v > 0.0 => -0.5 * v * v - 0.5 * (2.0 * PI).ln() - special::log_normal_cdf(v),
            Self::Gaussian => special::normal_score(v).ln(),
            Self::Logistic => -special::softplus(v),
        }
    }

    /// [`Kind::quantile`] of one value.
    pub(super) fn quantile_of(self, y: f64) -> f64 {
        match self {
            Self::Gaussian => special::log_normal_quantile(y),
            Self::Logistic => y - (-y.exp_m1()).ln(),
        }
    }
}
