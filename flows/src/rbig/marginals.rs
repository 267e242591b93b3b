//! How the distribution of a column is estimated.

use crate::bijection::Bijection;
use autograd::Real;
use serde::{Deserialize, Serialize};

/// An estimate of the distribution F of each column, whose layer is `zᵢ = Φ⁻¹(F̂ᵢ(xᵢ))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Marginals {
    /// By a histogram.
    Histogram {
        /// Its bins.
        bins: usize,
    },
    /// By logistic kernels about some of the rows.
    Kernels {
        /// How many, for each column.
        kernels: usize,
    },
}

impl Marginals {
    /// A layer for so many columns that has seen no data; [`Bijection::initialise`] fits it.
    #[must_use]
    pub fn layer<T: Real>(self, dims: usize) -> Box<dyn Bijection<T>> {
        Box::new(crate::layers::ActNorm::new(dims))
    }

    /// The rows that it takes to fit one.
    #[must_use]
    pub const fn least_rows(self) -> usize {
        match self {
            Self::Histogram { .. } => 2,
            Self::Kernels { kernels } => {
                if kernels > 2 {
                    kernels
                } else {
                    2
                }
            }
        }
    }

    pub(super) fn describe(self) -> String {
        match self {
            Self::Histogram { bins } => format!("a histogram of {bins} bins"),
            Self::Kernels { kernels } => format!("a mixture of {kernels} kernels a column"),
        }
    }
}
