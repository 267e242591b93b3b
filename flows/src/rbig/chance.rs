//! The estimated fall of total correlation where there is none.

use super::information::marginal_entropies;
use crate::orthogonal::random_axes;
use autograd::{Real, Tensor, Var};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Simulated data sets, and the most columns of each: the variance is extrapolated to more.
const DRAWS: usize = 40;
const COLUMNS: usize = 8;

/// The standard deviation, in nats, of the estimated fall of total correlation for `count` rows of `dims` independent
/// standard normal columns under a random rotation, by simulation.
pub fn chance(count: usize, dims: usize, rng: &mut dyn Rng) -> f64 {
    let columns = dims.min(COLUMNS);
    if columns < 2 || count < 3 {
        return 0.0;
    }
    let falls: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let rows = Tensor::from_fn([count, columns], |_| rng.sample::<f64, _>(StandardNormal));
            let rotated = Var::from(rows.clone()).matmul_t(&Var::from(random_axes(columns, rng))).into_value();
            total(&rows) - total(&rotated)
        })
        .collect();
    // Rotated rows have the same distribution, so the mean is 0.
    let variance = falls.iter().map(|fall| fall * fall).sum::<f64>() / DRAWS as f64;
    (variance * dims as f64 / columns as f64).sqrt()
}

fn total<T: Real>(rows: &Tensor<T>) -> f64 {
    marginal_entropies(rows).iter().sum()
}
