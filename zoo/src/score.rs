//! How good a density is: mean log-likelihood of held-out rows, with its standard error.

use crate::blueprint::Space;
use autograd::{Tensor, Var};
use flows::layers::Dequantise;
use flows::{Bijection, Context, Flow, Noise, bits_per_dim};
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;

/// Rows evaluated at a time.
const BATCH: usize = 500;

/// A mean log-likelihood.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Rows.
    pub n: usize,
    /// The mean of `log p(x)` in nats; for images of x in [0, 1].
    pub nats: f64,
    /// Its standard error.
    pub nats_error: f64,
    /// Images only: bits per dimension of the pixels' levels.
    pub bits_per_dim: Option<f64>,
    /// Its standard error.
    pub bits_error: Option<f64>,
}

impl Score {
    /// What training minimises and pictures show: bits/dim for images, else nats (negative mean).
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.bits_per_dim.unwrap_or(-self.nats)
    }

    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        let nats = format!("log p(x) = {:.2} ± {:.2} nats, N = {}", self.nats, self.nats_error, self.n);
        match (self.bits_per_dim, self.bits_error) {
            (Some(bits), Some(error)) => format!("{bits:.4} ± {error:.4} bits/dim, {nats}"),
            _ => nats,
        }
    }
}

/// The unit of [`Score::loss`].
#[must_use]
pub const fn unit(space: &Space) -> &'static str {
    match space {
        Space::Images { .. } => "bits/dim",
        Space::Table { .. } => "nats",
    }
}

/// Converts a loss in nats a row into the unit of [`Score::loss`]; images' nats are of levels.
#[must_use]
pub fn in_unit(space: &Space, nats: f64) -> f64 {
    match space {
        Space::Images { .. } => nats / (space.dims() as f64 * LN_2),
        Space::Table { .. } => nats,
    }
}

/// Shows a flow a first batch, for parameters that start from data.
pub fn initialise(flow: &Flow<f32>, space: &Space, x: &Var<f32>, cx: Context<'_, f32>) {
    match space.levels() {
        None => flow.initialise(x, cx),
        Some(levels) => flow.initialise(&Dequantise::new(levels).to_latent(x, cx).value, cx),
    }
}

/// `−log p` averaged over a batch, in nats: of pixel levels for images, which noise dequantises.
#[must_use]
pub fn loss(flow: &Flow<f32>, space: &Space, x: &Var<f32>, cx: Context<'_, f32>) -> Var<f32> {
    match space.levels() {
        None => flow.loss(x, cx),
        Some(levels) => {
            let continuous = Dequantise::new(levels).to_latent(x, cx);
            -(flow.log_prob(&continuous.value, cx) + continuous.log_det).mean_all()
        }
    }
}

/// Evaluates a flow on rows as a [`crate::source::Source`] gives them. Pixels are dequantised with
/// fresh noise of this seed.
#[must_use]
pub fn score(flow: &Flow<f32>, space: &Space, rows: &Tensor<f32>, seed: u64) -> Score {
    let count = rows.shape()[0];
    let mut log_probs = Vec::with_capacity(count);
    for start in (0..count).step_by(BATCH) {
        let x = Var::from(rows.rows(start..(start + BATCH).min(count)));
        let cx = Context::evaluation(Noise::new(seed).from_row(start));
        let continuous = match space.levels() {
            Some(levels) => Dequantise::new(levels).to_latent(&x, cx).value,
            None => x,
        };
        let log_prob = flow.log_prob(&continuous, Context::default());
        log_probs.extend(log_prob.value().as_slice().iter().map(|&l| f64::from(l)));
    }
    let n = count as f64;
    let nats = log_probs.iter().sum::<f64>() / n;
    let variance = log_probs.iter().map(|l| (l - nats).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let nats_error = (variance / n).sqrt();
    let bits = space.levels().map(|levels| bits_per_dim(nats, space.dims(), f64::from(levels)));
    let bits_error = bits.map(|_| nats_error / (space.dims() as f64 * LN_2));
    Score { n: count, nats, nats_error, bits_per_dim: bits, bits_error }
}
