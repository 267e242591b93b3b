//! What a training minimizes, and how a model is evaluated.

use super::prelude::*;
use crate::data::rows::{Given, Rows};
use crate::measure::bound;
use crate::measure::score;
use flows::Module;
use flows::models::Vae;
use std::ops::Range;

/// Validation rows that are evaluated after each epoch.
const VALIDATION_ROWS: usize = 2_000;
/// Training batches that statistics for evaluation are collected from.
const CALIBRATION_BATCHES: u64 = 100;

/// A model that can be trained.
pub(super) trait Trained: Module<f32> + Sync {
    /// Samples for a picture, always from the same noise.
    /// Fails only if it is interrupted.
    fn samples(&self, count: usize, temperature: f64) -> Result<Tensor<f32>>;

    /// Initializes the parameters that depend on data.
    fn initialize(&self, space: &Space, rows: &Given<f32>, noise: Noise);

    /// Adds a batch to the statistics that evaluation uses, after `seen` other batches.
    fn calibrate(&self, _space: &Space, _rows: &Given<f32>, _noise: Noise, _seen: u64) {}

    /// The mean loss of a batch, in nats.
    fn loss(&self, space: &Space, rows: &Given<f32>, noise: Noise) -> Var<f32>;

    /// The score on held-out rows. Fails only if it is interrupted.
    fn score(&self, space: &Space, rows: &Rows<f32>) -> Result<Score>;
}

/// Trained by maximum likelihood: the loss is `−log p(x)`.
impl Trained for Flow<f32> {
    fn samples(&self, count: usize, temperature: f64) -> Result<Tensor<f32>> {
        sampling::samples(self, None, count, temperature, 0)
    }

    fn initialize(&self, space: &Space, rows: &Given<f32>, noise: Noise) {
        score::initialize(self, space, rows, Context::training(noise));
    }

    fn calibrate(&self, space: &Space, rows: &Given<f32>, noise: Noise, seen: u64) {
        score::calibrate(self, space, rows, Context::training(noise), seen);
    }

    fn loss(&self, space: &Space, rows: &Given<f32>, noise: Noise) -> Var<f32> {
        score::loss(self, space, rows, Context::training(noise))
    }

    fn score(&self, space: &Space, rows: &Rows<f32>) -> Result<Score> {
        score(self, space, rows, 0)
    }
}

/// Trained by the lower bound of the likelihood: the loss is `−ELBO`, from one sample of z for each row and step.
impl Trained for Vae<f32> {
    fn samples(&self, count: usize, temperature: f64) -> Result<Tensor<f32>> {
        bound::samples(self, count, temperature, 0, bound::Draw::Mean)
    }

    fn initialize(&self, space: &Space, rows: &Given<f32>, noise: Noise) {
        let x = bound::prepared(self.likelihood(), space, &rows.x, noise);
        Self::initialize(self, &x.value, Context::training(noise));
    }

    fn loss(&self, space: &Space, rows: &Given<f32>, noise: Noise) -> Var<f32> {
        bound::loss(self, space, &rows.x, noise)
    }

    fn score(&self, space: &Space, rows: &Rows<f32>) -> Result<Score> {
        bound::score(self, space, rows, 0)
    }
}

/// The mean loss over some rows of a mini-batch, in nats a row.
pub(super) type Loss<'a> = Box<dyn Fn(&Tape<f32>, Range<usize>) -> Var<f32> + Sync + 'a>;

/// A moment of a training.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The number of the step, from 0.
    pub(super) step: u64,
    /// The part of the training that is over, from 0 to 1.
    pub(super) progress: f64,
}

/// What a training minimizes. Everything random in it is derived from the seed and the step's number.
pub(super) trait Objective<M>: Sync {
    /// Steps between two evaluations.
    fn steps_per_epoch(&self) -> Result<u64>;

    /// Initializes parameters that depend on data.
    fn initialize(&self, _model: &M) -> Result<()> {
        Ok(())
    }

    /// Collects the statistics of training batches that evaluation uses, for the present weights. Fails if it is
    /// interrupted.
    fn calibrate(&self, _model: &M) -> Result<()> {
        Ok(())
    }

    /// The loss of a step, as a function of a range of rows: `0..batch` unless the batch is split.
    fn loss<'a>(&'a self, model: &'a M, moment: Moment, order: &mut Order) -> Result<Loss<'a>>;

    /// The present model's score. Fails only if it is interrupted.
    fn evaluate(&self, model: &M) -> Result<Score>;

    /// The mean loss of the first rows of a step, computed without a tape: how much memory a row takes is seen from it.
    fn trial(&self, model: &M, rows: usize) -> Result<()>;

    /// The units of the losses and of the scores that are shown.
    fn units(&self) -> [&'static str; 2];

    /// A loss in nats a row, in its unit.
    fn in_unit(&self, nats: f64) -> f64;
}

/// Training on data, by what is the model's loss.
pub(super) struct OnData<'a> {
    pub(super) source: &'a Source,
    pub(super) batch: usize,
    pub(super) seed: u64,
    /// Whether there are statistics of training batches to collect.
    pub(super) calibrated: bool,
    /// Whether pixels are sampled as 0 or 1: then losses are in nats and not in bits per dimension.
    pub(super) discrete: bool,
}

impl OnData<'_> {
    /// A step's rows and noise.
    fn rows(&self, step: u64, order: &mut Order) -> Result<(Rows<f32>, Noise)> {
        Ok((self.source.batch(step, self.batch, order)?, Noise::for_step(self.seed, step)))
    }
}

impl<M: Trained> Objective<M> for OnData<'_> {
    fn steps_per_epoch(&self) -> Result<u64> {
        self.source.steps_per_epoch(self.batch)
    }

    fn initialize(&self, model: &M) -> Result<()> {
        let (rows, noise) = self.rows(0, &mut Order::default())?;
        model.initialize(&self.source.space(), &rows.values(), noise);
        Ok(())
    }

    fn calibrate(&self, model: &M) -> Result<()> {
        let batches = if self.calibrated { CALIBRATION_BATCHES } else { 0 };
        let mut order = Order::default();
        for seen in 0..self.source.steps_per_epoch(self.batch)?.min(batches) {
            interrupt::check()?;
            let (rows, noise) = self.rows(seen, &mut order)?;
            model.calibrate(&self.source.space(), &rows.values(), noise, seen);
        }
        Ok(())
    }

    fn loss<'a>(&'a self, model: &'a M, moment: Moment, order: &mut Order) -> Result<Loss<'a>> {
        let (rows, noise) = self.rows(moment.step, order)?;
        let count = rows.count();
        Ok(Box::new(move |tape, range| {
            let noise = noise.from_row(range.start);
            let part = if range == (0..count) { rows.clone() } else { rows.range(range) };
            model.loss(&self.source.space(), &part.on(tape), noise)
        }))
    }

    fn evaluate(&self, model: &M) -> Result<Score> {
        model.score(&self.source.space(), &self.source.held_out(Part::Validation, Some(VALIDATION_ROWS)))
    }

    fn trial(&self, model: &M, rows: usize) -> Result<()> {
        let rows = self.source.batch(0, rows, &mut Order::default())?.values();
        model.loss(&self.source.space(), &rows, Noise::for_step(self.seed, 0));
        Ok(())
    }

    fn units(&self) -> [&'static str; 2] {
        [if self.discrete { "nats" } else { score::unit(&self.source.space()) }; 2]
    }

    fn in_unit(&self, nats: f64) -> f64 {
        if self.discrete { nats } else { score::in_unit(&self.source.space(), nats) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::sharded;
    use flows::models::{Coder, Likelihood, Refinement, VaeConfig};

    #[test]
    fn shards_of_a_step_sample_what_the_whole_step_samples() {
        let source = Source::open("two-moons", 0).unwrap();
        let (coder, likelihood, refinement) = (Coder::Dense(vec![8]), Likelihood::Gaussian, Refinement::None);
        let config = VaeConfig { image: [2, 1, 1], latents: 3, coder, likelihood, refinement };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let vae = Vae::build(&config, &mut rng);
        flows::check::randomize(&vae, 0.5, &mut rng);
        let objective = OnData { source: &source, batch: 11, seed: 2, calibrated: false, discrete: false };
        let with = |step: u64, shards: usize| {
            let moment = Moment { step, progress: 0.0 };
            let loss = objective.loss(&vae, moment, &mut Order::default()).unwrap();
            sharded(11, shards, &loss).loss
        };
        for shards in [2, 3, 11] {
            let (parts, whole) = (with(4, shards), with(4, 1));
            assert!((parts - whole).abs() < 1e-4 * whole.abs(), "{shards} shards: {parts} and {whole}");
        }
        assert!((with(4, 1) - with(5, 1)).abs() > 1e-3);
    }
}
