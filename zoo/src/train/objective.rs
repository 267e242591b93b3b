//! What a training minimizes, and what it is judged by.

use crate::blueprint::Space;
use crate::data::rows::Rows;
use crate::data::source::{Order, Part, Source};
use crate::measure::score::{self, Score, score};
use crate::pictures::drawing;
use anyhow::Result;
use autograd::{Tape, Tensor, Var};
use flows::{Context, Flow, Module, Noise};
use std::ops::Range;

/// Validation rows an epoch is judged by.
pub(super) const VALIDATION_ROWS: usize = 2_000;
/// Training batches that statistics for evaluation are collected from.
const CALIBRATION_BATCHES: u64 = 100;

/// A model that can be trained: its parameters, and samples for the pictures on the way.
pub(super) trait Trained: Module<f32> + Sync {
    /// So many samples, always from the same noise.
    fn samples(&self, count: usize, temperature: f64) -> Tensor<f32>;
}

impl Trained for Flow<f32> {
    fn samples(&self, count: usize, temperature: f64) -> Tensor<f32> {
        drawing::samples(self, None, count, temperature, 0)
    }
}

/// The loss of some rows of a step's batch, in nats a row, averaged over them.
pub(super) type Loss<'a> = Box<dyn Fn(&Tape<f32>, Range<usize>) -> Var<f32> + Sync + 'a>;

/// What a training minimizes. Everything random in it comes from the training's seed and the step's number.
pub(super) trait Objective<M>: Sync {
    /// Steps between two judgements.
    fn steps_per_epoch(&self) -> Result<u64>;

    /// Lets parameters that start from data see some, where there are any.
    fn initialize(&self, _model: &M) -> Result<()> {
        Ok(())
    }

    /// Collects what the model's evaluation uses of training batches, for the weights it has now. A student has
    /// no such: its data are not known before they are drawn.
    fn calibrate(&self, _model: &M) -> Result<()> {
        Ok(())
    }

    /// The loss of a step, over the rows `0..batch`. Where a batch is not split, the range is the whole of it.
    fn loss<'a>(&'a self, model: &'a M, step: u64, order: &mut Order) -> Result<Loss<'a>>;

    /// How good the model is now.
    fn judge(&self, model: &M) -> Score;

    /// The unit in which losses are shown.
    fn unit(&self) -> &'static str;

    /// The unit in which a judgement is shown.
    fn judged_unit(&self) -> &'static str {
        self.unit()
    }

    /// A loss in nats a row, in that unit.
    fn in_unit(&self, nats: f64) -> f64;
}

/// Maximum likelihood: `−log p(x)` of data.
pub(super) struct Likelihood<'a> {
    pub(super) source: &'a Source,
    pub(super) space: Space,
    /// Whether the model has statistics to collect.
    pub(super) calibrated: bool,
    pub(super) batch: usize,
    pub(super) seed: u64,
}

impl Likelihood<'_> {
    fn rows(&self, step: u64, order: &mut Order) -> Result<(Rows<f32>, Noise)> {
        Ok((self.source.batch(step, self.batch, order)?, Noise::for_step(self.seed, step)))
    }
}

impl Objective<Flow<f32>> for Likelihood<'_> {
    fn steps_per_epoch(&self) -> Result<u64> {
        self.source.steps_per_epoch(self.batch)
    }

    fn initialize(&self, flow: &Flow<f32>) -> Result<()> {
        let (rows, noise) = self.rows(0, &mut Order::default())?;
        score::initialize(flow, &self.space, &rows.values(), Context::training(noise));
        Ok(())
    }

    fn calibrate(&self, flow: &Flow<f32>) -> Result<()> {
        if !self.calibrated {
            return Ok(());
        }
        let mut order = Order::default();
        for seen in 0..self.steps_per_epoch()?.min(CALIBRATION_BATCHES) {
            let (rows, noise) = self.rows(seen, &mut order)?;
            score::calibrate(flow, &self.space, &rows.values(), Context::training(noise), seen);
        }
        Ok(())
    }

    fn loss<'a>(&'a self, flow: &'a Flow<f32>, step: u64, order: &mut Order) -> Result<Loss<'a>> {
        let (rows, noise) = self.rows(step, order)?;
        let count = rows.count();
        Ok(Box::new(move |tape, range| {
            let cx = Context::training(noise.from_row(range.start));
            let part = if range == (0..count) { rows.clone() } else { rows.range(range) };
            score::loss(flow, &self.space, &part.on(tape), cx)
        }))
    }

    fn judge(&self, flow: &Flow<f32>) -> Score {
        score(flow, &self.space, &self.source.held_out(Part::Validation, Some(VALIDATION_ROWS)), 0)
    }

    fn unit(&self) -> &'static str {
        score::unit(&self.space)
    }

    fn in_unit(&self, nats: f64) -> f64 {
        score::in_unit(&self.space, nats)
    }
}
