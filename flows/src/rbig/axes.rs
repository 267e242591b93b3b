//! How RBIG chooses its rotations.

use super::information::fall_of_total_correlation;
use crate::orthogonal::{independent_axes_while, principal_axes, random_axes};
use autograd::{Real, Tensor, Var};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The axes that rows are rotated to between two layers of marginals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axes {
    /// Principal axes: fast, and removes all pairwise correlation at once.
    #[default]
    Principal,
    /// Independent axes ([`independent_axes`](crate::orthogonal::independent_axes)) or principal axes, whichever reduce the total correlation of the
    /// fitted rows more. Independent axes pick out the least Gaussian directions, so few layers are needed; but they
    /// cannot see correlation between Gaussian columns.
    Independent,
    /// Random axes, chosen without looking at the data. Needs the most layers.
    Random,
}

impl Axes {
    /// The axes of rows `[N, D]`: an orthogonal matrix with one axis in each row.
    pub fn of<T: Real>(self, rows: &Tensor<T>, rng: &mut dyn Rng) -> Tensor<f64> {
        self.of_while(rows, rng, &|| true).expect("it was not told to stop")
    }

    /// The same, or None where `go_on` says so in between.
    pub(super) fn of_while<T: Real>(
        self,
        rows: &Tensor<T>,
        rng: &mut dyn Rng,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Tensor<f64>> {
        Some(match self {
            Self::Principal => principal_axes(rows).axes,
            Self::Independent => {
                let x = Var::from(rows.clone());
                let fall =
                    |axes: &Tensor<f64>| fall_of_total_correlation(rows, x.matmul_t(&Var::from(axes.cast())).value());
                let (independent, principal) = (independent_axes_while(rows, rng, go_on)?, principal_axes(rows).axes);
                if fall(&independent) > fall(&principal) { independent } else { principal }
            }
            Self::Random => random_axes(rows.shape()[1], rng),
        })
    }
}
