//! The training loop.
//!
//! Everything random comes from the run's seed and the step's number, so a training that is cut
//! off and resumed goes through the same numbers as one that was not.

mod begin;
mod distill;
mod fit;
mod log;
mod objective;
mod progress;
mod signals;
mod state;
mod vae;

pub use begin::{Paused, is_unfinished, paused, resume, resume_student, start, start_student};
pub use fit::{Fit, fit, fit_into_run};
pub use log::{Elapsed, elapsed};

use crate::blueprint::Blueprint;
use crate::data::source::Order;
use crate::measure::score::Score;
use crate::pictures::drawing;
use crate::recipes::{Budget, Recipe};
use crate::runs::checkpoint;
use crate::runs::folder::Run;
use crate::runs::interrupt;
use anyhow::Result;
use autograd::{Tape, Tensor, sharded};
use flows::nn::{Adam, Ema, Schedule, clip_norm};
use log::{Line, Log};
use objective::{Loss, Objective, Trained};
use progress::Progress;
use state::Saved;
use std::time::Instant;

/// A line of the log after so many steps.
const LOG_EVERY: u64 = 50;
/// Images in the pictures drawn during training; of signals there are fewer.
const GRID: usize = 100;

/// What to train, on what, and where to keep it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The recipe.
    pub recipe: Recipe,
    /// The data's name or path.
    pub data: String,
    /// Decides the initial weights, the order of the data and all noise.
    pub seed: u64,
    /// Threads to compute on.
    pub threads: usize,
    /// Where everything is kept.
    pub run: Run,
    /// Seconds between saves.
    pub save_every: f64,
}

/// How a training ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Steps taken in all.
    pub step: u64,
    /// The best validation score.
    pub best: Option<Score>,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

/// A training in progress.
struct Training<'a, M> {
    plan: &'a Plan,
    objective: &'a dyn Objective<M>,
    blueprint: Blueprint,
    model: M,
    adam: Adam<f32>,
    average: Option<Ema<f32>>,
    saved: Saved,
    best_weights: Vec<(String, Tensor<f32>)>,
    began: Instant,
    shards: usize,
}

impl<'a, M: Trained> Training<'a, M> {
    fn new(plan: &'a Plan, objective: &'a dyn Objective<M>, blueprint: Blueprint, model: M) -> Self {
        let recipe = &plan.recipe;
        let adam = Adam::new(model.params(), recipe.adam);
        let average = recipe.average.map(|decay| Ema::new(model.params(), decay));
        let shards = recipe.shards.unwrap_or(plan.threads);
        let saved = Saved::new(recipe.clone());
        let began = Instant::now();
        Self { plan, objective, blueprint, model, adam, average, saved, best_weights: Vec::new(), began, shards }
    }

    /// Seconds of training so far, those before an interruption included.
    fn seconds(&self) -> f64 {
        self.saved.seconds + self.began.elapsed().as_secs_f64()
    }

    /// The part of the budget that is used up.
    fn progress(&self, per_epoch: u64) -> f64 {
        let step = self.saved.step as f64;
        match self.plan.recipe.budget {
            Budget::Steps(steps) => step / steps.max(1) as f64,
            Budget::Epochs(epochs) => step / (epochs * per_epoch as f64).max(1.0),
            Budget::Minutes(minutes) => self.seconds() / (60.0 * minutes).max(f64::MIN_POSITIVE),
        }
    }

    fn go(&mut self) -> Result<Outcome> {
        interrupt::listen()?;
        self.plan.run.sweep();
        let recipe = &self.plan.recipe;
        let per_epoch = self.objective.steps_per_epoch()?;
        let mut log = Log::open(&self.plan.run.log(), self.saved.step)?;
        let mut order = Order::default();
        let mut shown = Progress::new([self.objective.unit(), self.objective.judged_unit()], recipe.batch);
        let mut last_save = Instant::now();
        while self.progress(per_epoch) < 1.0 && !interrupt::requested() {
            let step = self.saved.step;
            let lr =
                recipe.lr * recipe.schedule.factor(self.progress(per_epoch)) * Schedule::warmup(step, recipe.warmup);
            let loss = self.step(lr, &mut order)?;
            self.saved.take(loss);
            let step = self.saved.step;
            shown.step(self.progress(per_epoch), step, loss, self.saved.best.map(|best| best.loss()));
            if step.is_multiple_of(LOG_EVERY) {
                let train = self.saved.mean_loss();
                log.write(&Line::train(step, step as f64 / per_epoch as f64, self.seconds(), train, lr))?;
                shown.line(step, train);
            }
            if step.is_multiple_of(per_epoch) {
                self.epoch(step / per_epoch, per_epoch, &mut log, &mut shown)?;
            }
            if last_save.elapsed().as_secs_f64() > self.plan.save_every {
                self.save()?;
                last_save = Instant::now();
            }
        }
        let interrupted = self.progress(per_epoch) < 1.0;
        if !interrupted && self.saved.judged != self.saved.step {
            self.epoch(self.saved.step.div_ceil(per_epoch), per_epoch, &mut log, &mut shown)?;
        }
        self.save()?;
        drop(log);
        log::draw(&self.plan.run, self.blueprint.name(), [self.objective.unit(), self.objective.judged_unit()])?;
        shown.finish();
        Ok(Outcome { step: self.saved.step, best: self.saved.best, interrupted })
    }

    /// One optimizer step. Returns the loss, in the unit that is shown.
    fn step(&mut self, lr: f64, order: &mut Order) -> Result<f64> {
        let rows = self.plan.recipe.batch;
        let loss = self.objective.loss(&self.model, self.saved.step, order)?;
        let mut evaluated = sharded(rows, self.shards, &loss);
        if !evaluated.loss.is_finite() {
            return Err(self.explain(&loss, rows));
        }
        if let Some(limit) = self.plan.recipe.clip {
            clip_norm(&mut evaluated.gradients, limit);
        }
        self.adam.step(&evaluated.gradients, lr);
        if let Some(average) = &mut self.average {
            average.update();
        }
        Ok(self.objective.in_unit(evaluated.loss))
    }

    /// Runs a step that went wrong again, on a tape that looks at every operation.
    fn explain(&self, loss: &Loss<'_>, rows: usize) -> anyhow::Error {
        let tape = Tape::checked();
        let value = loss(&tape, 0..rows);
        let fault = tape.fault().map_or_else(|| format!("the loss is {}", value.item()), |fault| fault.to_string());
        // A fault has a line for each operation that led to it; a message has one.
        let fault = fault.lines().map(str::trim).collect::<Vec<_>>().join(", ");
        let saved = self.plan.run.training().exists();
        let advice = if saved { "go on from the last save with --resume and" } else { "begin again with" };
        let step = self.saved.step;
        anyhow::anyhow!(
            "the loss is no longer finite at step {step}: {advice} a smaller --lr; the first such value: {fault}"
        )
    }

    /// Judges the model, remembers it if it is the best so far, and draws what it makes.
    fn epoch(&mut self, epoch: u64, per_epoch: u64, log: &mut Log, shown: &mut Progress) -> Result<()> {
        if let Some(average) = &mut self.average {
            average.swap();
        }
        self.objective.calibrate(&self.model)?;
        let validation = self.objective.judge(&self.model);
        let step = self.saved.step;
        self.saved.judged = step;
        let line = Line::validation(step, step as f64 / per_epoch as f64, self.seconds(), validation.loss());
        log.write(&line.by(validation.bound))?;
        shown.epoch(epoch, validation.loss());
        // A model that is not finite everywhere is not the best of anything.
        if validation.loss().is_finite() && self.saved.best.is_none_or(|best| validation.loss() < best.loss()) {
            self.saved.best = Some(validation);
            self.saved.best_step = step;
            self.best_weights = checkpoint::weights(&self.model);
        }
        let drawn = if epoch <= 10 || epoch.is_multiple_of(10) {
            let temperature = self.plan.recipe.temperature;
            let count = drawing::shown(&self.blueprint.space, GRID);
            let samples = self.model.samples(count, temperature);
            drawing::save(&samples, &self.blueprint.space, &self.plan.run.grid(epoch), 10)
        } else {
            Ok(())
        };
        if let Some(average) = &mut self.average {
            average.swap();
        }
        drawn
    }
}
