//! What chance makes of rows that are normal and independent already.

use super::information::marginal_entropies;
use crate::orthogonal::random_axes;
use autograd::{Real, Tensor, Var};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Draws of rows, and columns of each at most: columns beyond those are taken to be as many more of the same kind.
const DRAWS: usize = 40;
const COLUMNS: usize = 8;

/// The standard deviation of the fall of total correlation that is estimated where there is nothing to fall: of `count` rows of
/// `dims` independent standard normal numbers under a random rotation. Simulated; in nats.
#[must_use]
pub fn chance(count: usize, dims: usize, rng: &mut dyn Rng) -> f64 {
    let columns = dims.min(COLUMNS);
    if columns < 2 || count < 3 {
        return 0.0;
    }
    let falls: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let rows = Tensor::from_fn([count, columns], |_| rng.sample::<f64, _>(StandardNormal));
            let turned = Var::from(rows.clone()).matmul_t(&Var::from(random_axes(columns, rng))).into_value();
            total(&rows) - total(&turned)
        })
        .collect();
    // Turned and unturned rows are alike: the mean is 0 and need not be estimated.
    let variance = falls.iter().map(|fall| fall * fall).sum::<f64>() / DRAWS as f64;
    (variance * dims as f64 / columns as f64).sqrt()
}

fn total<T: Real>(rows: &Tensor<T>) -> f64 {
    marginal_entropies(rows).iter().sum()
}
