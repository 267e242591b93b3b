//! What a training minimizes, and how a model is evaluated.

use crate::data::Space;
use crate::data::rows::Rows;
use crate::data::source::{Order, Part, Source};
use crate::measure::sampling;
use crate::measure::score::{self, Score, score};
use crate::models::Blueprint;
use anyhow::Result;
use autograd::{Tape, Tensor, Var};
use flows::{Context, Flow, Module, Noise};
use std::ops::Range;

/// Validation rows that are evaluated after each epoch.
const VALIDATION_ROWS: usize = 2_000;
/// Training batches that statistics for evaluation are collected from.
const CALIBRATION_BATCHES: u64 = 100;

/// A model that can be trained: its parameters, and samples for the pictures.
pub(super) trait Trained: Module<f32> + Sync {
    /// Samples, always from the same noise.
    fn samples(&self, count: usize, temperature: f64) -> Tensor<f32>;
}

impl Trained for Flow<f32> {
    fn samples(&self, count: usize, temperature: f64) -> Tensor<f32> {
        sampling::samples(self, None, count, temperature, 0)
    }
}

/// The mean loss over some rows of a mini-batch, in nats a row.
pub(super) type Loss<'a> = Box<dyn Fn(&Tape<f32>, Range<usize>) -> Var<f32> + Sync + 'a>;

/// What a training minimizes. Everything random in it is derived from the seed and the step's number.
pub(super) trait Objective<M>: Sync {
    /// Steps between two evaluations.
    fn steps_per_epoch(&self) -> Result<u64>;

    /// Initializes parameters that depend on data.
    fn initialize(&self, _model: &M) -> Result<()> {
        Ok(())
    }

    /// Collects the statistics of training batches that evaluation uses, for the present weights. A student has
    /// none: its data is not known before it is sampled.
    fn calibrate(&self, _model: &M) -> Result<()> {
        Ok(())
    }

    /// The loss of a step, as a function of a range of rows: `0..batch` unless the batch is split.
    fn loss<'a>(&'a self, model: &'a M, step: u64, order: &mut Order) -> Result<Loss<'a>>;

    /// The present model's score.
    fn evaluate(&self, model: &M) -> Score;

    /// The unit of the losses shown.
    fn unit(&self) -> &'static str;

    /// The unit of the scores shown.
    fn evaluation_unit(&self) -> &'static str {
        self.unit()
    }

    /// A loss in nats a row, in that unit.
    fn in_unit(&self, nats: f64) -> f64;
}

/// The mini-batches of a training.
pub(super) struct Batches<'a> {
    pub(super) source: &'a Source,
    pub(super) batch: usize,
    pub(super) seed: u64,
}

impl Batches<'_> {
    pub(super) fn steps_per_epoch(&self) -> Result<u64> {
        self.source.steps_per_epoch(self.batch)
    }

    /// A step's rows and noise.
    pub(super) fn rows(&self, step: u64, order: &mut Order) -> Result<(Rows<f32>, Noise)> {
        Ok((self.source.batch(step, self.batch, order)?, Noise::for_step(self.seed, step)))
    }

    pub(super) fn validation(&self) -> Rows<f32> {
        self.source.held_out(Part::Validation, Some(VALIDATION_ROWS))
    }
}

/// Maximum likelihood: `−log p(x)` of data.
pub(super) struct MaximumLikelihood<'a> {
    batches: Batches<'a>,
    space: Space,
    /// Whether there are statistics of training batches to collect.
    calibrated: bool,
}

impl<'a> MaximumLikelihood<'a> {
    pub(super) fn new(batches: Batches<'a>, blueprint: &Blueprint) -> Self {
        Self { batches, space: blueprint.space, calibrated: blueprint.uses_batch_statistics() }
    }
}

impl Objective<Flow<f32>> for MaximumLikelihood<'_> {
    fn steps_per_epoch(&self) -> Result<u64> {
        self.batches.steps_per_epoch()
    }

    fn initialize(&self, flow: &Flow<f32>) -> Result<()> {
        let (rows, noise) = self.batches.rows(0, &mut Order::default())?;
        score::initialize(flow, &self.space, &rows.values(), Context::training(noise));
        Ok(())
    }

    fn calibrate(&self, flow: &Flow<f32>) -> Result<()> {
        if !self.calibrated {
            return Ok(());
        }
        let mut order = Order::default();
        for seen in 0..self.steps_per_epoch()?.min(CALIBRATION_BATCHES) {
            let (rows, noise) = self.batches.rows(seen, &mut order)?;
            score::calibrate(flow, &self.space, &rows.values(), Context::training(noise), seen);
        }
        Ok(())
    }

    fn loss<'a>(&'a self, flow: &'a Flow<f32>, step: u64, order: &mut Order) -> Result<Loss<'a>> {
        let (rows, noise) = self.batches.rows(step, order)?;
        let count = rows.count();
        Ok(Box::new(move |tape, range| {
            let cx = Context::training(noise.from_row(range.start));
            let part = if range == (0..count) { rows.clone() } else { rows.range(range) };
            score::loss(flow, &self.space, &part.on(tape), cx)
        }))
    }

    fn evaluate(&self, flow: &Flow<f32>) -> Score {
        score(flow, &self.space, &self.batches.validation(), 0)
    }

    fn unit(&self) -> &'static str {
        score::unit(&self.space)
    }

    fn in_unit(&self, nats: f64) -> f64 {
        score::in_unit(&self.space, nats)
    }
}
