//! A tighter bound on the likelihood of pixel levels, from several draws of their noise.

use super::score::{Score, log_probs, mean, with_error};
use crate::data::Space;
use crate::data::rows::Rows;
use anyhow::Result;
use flows::{Flow, Noise};
use serde::Serialize;

/// The mean of `log (1/S) Σₛ p(uₛ)/q(εₛ | k)` over S draws of noise a row (Burda et al. 2016; Ho et al. 2019, Flow++).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Draws {
    /// S.
    pub draws: usize,
    /// The mean in nats, of x in [0, 1].
    pub nats: f64,
    pub nats_error: Option<f64>,
    /// In bits per dimension of pixel levels.
    pub bits_per_dim: Option<f64>,
    pub bits_error: Option<f64>,
}

impl Draws {
    /// The bound in words.
    pub fn describe(&self) -> String {
        let Self { draws, nats, nats_error, bits_per_dim, bits_error } = *self;
        let bits = bits_per_dim.map(|bits| format!("{} bits/dim, ", with_error(bits, bits_error, 4)));
        format!(
            "by {draws} draws of noise a row, a closer bound: {}{} nats",
            bits.unwrap_or_default(),
            with_error(nats, nats_error, 2)
        )
    }
}

/// Evaluates a flow over images as [`score`](super::score::score()) does, whose noise is the first of the draws.
/// Fails only if it is interrupted.
pub fn draws(flow: &Flow<f32>, space: &Space, rows: &Rows<f32>, seed: u64, draws: usize) -> Result<Draws> {
    let first = Noise::new(seed);
    let mut sums = log_probs(flow, space, rows, first)?.outer;
    for draw in 1..draws {
        let more = log_probs(flow, space, rows, first.other(draw as u64))?.outer;
        sums.iter_mut().zip(more).for_each(|(sum, more)| *sum = log_add(*sum, more));
    }
    let bounds: Vec<f64> = sums.iter().map(|sum| sum - (draws as f64).ln()).collect();
    let (nats, nats_error) = mean(&bounds);
    let Score { bits_per_dim, bits_error, .. } = Score { nats, nats_error, ..Score::default() }.of_space(space);
    Ok(Draws { draws, nats, nats_error, bits_per_dim, bits_error })
}

/// `log(exp a + exp b)`.
fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
