//! The figures that shipped weights carry in their file.

use super::bound;
use super::score::{Score, score};
use crate::data::Space;
use crate::data::rows::Rows;
use crate::data::source::{Part, Source};
use crate::models::Model;
use crate::train::{Elapsed, History};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The entry of a file's metadata.
pub const FIGURES: &str = "figures";
/// The test rows that a test measures again.
pub const FIRST: usize = 500;
/// Samples that are judged.
pub const JUDGED: usize = 1000;
/// The seed of the noise in the pixels, and of a VAE's latents.
pub const SEED: u64 = 0;

/// What was measured of weights before they were shipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// On all test rows.
    pub test: Score,
    /// On the first [`FIRST`] of them.
    pub first: Score,
    /// The loss on all test rows before the weights were rounded.
    pub unrounded: f64,
    /// The share of [`JUDGED`] samples that the judge is sure of, if it reads them.
    #[serde(default)]
    pub sure: Option<f64>,
    /// How they were trained, if it is known.
    pub history: Option<History>,
}

impl Figures {
    /// Those of a file, by its metadata.
    pub fn of(extra: &HashMap<String, String>) -> Option<Self> {
        serde_json::from_str(extra.get(FIGURES)?).ok()
    }

    /// The time of the training, which took this many steps.
    pub fn elapsed(&self, step: u64) -> Option<Elapsed> {
        self.history.as_ref().map(|history| Elapsed { seconds: history.weights.seconds, step })
    }
}

/// Evaluates a model on all test rows, or on the first of them; a VAE by its estimate.
/// Fails if it is interrupted.
pub fn on_test_rows(model: &Model<f32>, space: &Space, source: &Source, limit: Option<usize>) -> Result<Score> {
    evaluate(model, space, &source.held_out(Part::Test, limit), SEED, bound::DRAWS)
}

/// Evaluates a model on rows: its density or, of a VAE, an estimate from this many z per row.
/// Fails if it is interrupted.
pub fn evaluate(model: &Model<f32>, space: &Space, rows: &Rows<f32>, seed: u64, draws: usize) -> Result<Score> {
    match model {
        Model::Flow(flow) => score(flow, space, rows, seed),
        Model::Vae(vae) => bound::estimate(vae, space, rows, seed, draws),
    }
}
