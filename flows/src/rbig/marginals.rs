//! The estimate of a column's distribution.

use crate::layers::{HistogramMarginal, KernelMarginal};
use crate::{Bijection, distillation::freeze};
use autograd::{Real, Tensor};
use serde::{Deserialize, Serialize};

/// An estimate of the distribution function F of each column. Its layer Gaussianizes that column:
///
/// <!-- z = Φ⁻¹(F(x)),   log dz/dx = log f(x) − log φ(z),   f = dF/dx -->
#[doc = include_str!("../../formulas/inverse-cdf.html")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Marginals {
    /// A histogram of all rows.
    Histogram {
        /// The number of bins.
        bins: usize,
    },
    /// A mixture of logistic kernels centered on some of the rows.
    Kernels {
        /// The number of kernels for each column.
        kernels: usize,
    },
}

impl Marginals {
    /// The layer for the columns of rows `[N, D]`.
    ///
    /// # Panics
    /// If there are fewer rows than [`Marginals::least_rows`].
    pub fn fit<T: Real>(self, rows: &Tensor<T>) -> Box<dyn Bijection<T>> {
        let (count, dims) = (rows.shape()[0], rows.shape()[1]);
        assert!(count >= self.least_rows(), "{} fitted to {count} rows", self.describe());
        match self {
            Self::Histogram { bins } => Box::new(HistogramMarginal::from_rows(rows, bins)),
            Self::Kernels { kernels } => {
                let layer = KernelMarginal::new(dims, kernels);
                layer.initialize(&rows.clone().into(), crate::Context::default());
                Box::new(fixed(layer))
            }
        }
    }

    /// A layer of the same sizes that has seen no data, to be filled from a checkpoint.
    pub fn unfitted<T: Real>(self, dims: usize) -> Box<dyn Bijection<T>> {
        match self {
            Self::Histogram { bins } => Box::new(HistogramMarginal::unfitted(dims, bins)),
            Self::Kernels { kernels } => Box::new(fixed(KernelMarginal::new(dims, kernels))),
        }
    }

    /// The fewest rows that can be fitted.
    pub const fn least_rows(self) -> usize {
        match self {
            Self::Kernels { kernels } if kernels > 2 => kernels,
            _ => 2,
        }
    }

    pub(super) fn describe(self) -> String {
        match self {
            Self::Histogram { bins } => format!("a histogram of {bins} bins"),
            Self::Kernels { kernels } => format!("a mixture of {kernels} kernels a column"),
        }
    }
}

/// A layer that is not trained.
fn fixed<T: Real>(layer: KernelMarginal<T>) -> KernelMarginal<T> {
    freeze(&layer);
    layer
}
