//! The training loop.
//!
//! Everything random is derived from the run's seed and the step's number, so an interrupted training that is resumed
//! computes bit for bit what an uninterrupted one does.

mod begin;
mod distill;
mod fit;
mod history;
mod lessons;
mod log;
mod objective;
mod progress;
mod restore;
mod signals;
mod state;

pub use begin::{Paused, Weights, is_unfinished, resume, resume_student, start, start_student};
pub use fit::{Fit, fit, resume_fit};
pub use history::{History, Point, Spent, history};
pub use log::{Elapsed, check_log, elapsed};

use crate::runs::files;
use crate::runs::folder::Locked;
use autograd::sharded;
use flows::nn::{Schedule, clip_norm};
use prelude::*;
use progress::Progress;
use std::sync::Arc;

/// What most files of this folder need.
mod prelude {
    pub(super) use super::begin::Paused;
    pub(super) use super::history::{Spent, spent_on};
    pub(super) use super::log::{self, Line, Log, Luxuries};
    pub(super) use super::objective::{Loss, Moment, Objective, OnData, Trained};
    pub(super) use super::state::Saved;
    pub(super) use super::{BEST, Outcome, TrainConfig, Training};
    pub(super) use crate::data::source::{Order, Part, Source};
    pub(super) use crate::data::{Space, Standardization};
    pub(super) use crate::measure::sampling;
    pub(super) use crate::measure::score::{Score, score};
    pub(super) use crate::models::{Blueprint, Budget, Lesson, Recipe};
    pub(super) use crate::pictures::drawing;
    pub(super) use crate::runs::checkpoint::{self, Beginning, Contents, Header, Loaded};
    pub(super) use crate::runs::folder::{Locked, Run, is_there};
    pub(super) use crate::runs::interrupt::{self, Interrupted};
    pub(super) use crate::stderr;
    pub(super) use anyhow::{Context as _, Result, anyhow, bail};
    pub(super) use autograd::{Tape, Tensor, Var, parallel};
    pub(super) use flows::nn::{Adam, Ema};
    pub(super) use flows::{Context, Flow, Noise};
    pub(super) use rand::SeedableRng;
    pub(super) use rand_chacha::ChaCha8Rng;
    pub(super) use std::path::{Path, PathBuf};
    pub(super) use std::time::Instant;
}

/// Steps between two lines of the log.
const LOG_EVERY: u64 = 50;
/// What a training can go on without.
const LOG: &str = "the log";
const PICTURES: &str = "pictures";
/// How the names of the best weights begin in the state.
const BEST: &str = "best.";
/// Images in the pictures drawn during training; for signals there are fewer.
const GRID: usize = 100;

/// What to train, on what, and where to keep it.
#[derive(Debug)]
pub struct TrainConfig {
    /// The model.
    pub blueprint: Blueprint,
    /// The recipe.
    pub recipe: Recipe,
    /// The data's name or path.
    pub data: String,
    /// Random seed for initial weights, data order, and noise.
    pub seed: u64,
    /// Threads to compute on.
    pub threads: usize,
    /// The folder for the results.
    pub run: Arc<Locked>,
    /// Seconds between saves; infinite for a fit that cannot be resumed.
    pub save_every: f64,
}

impl TrainConfig {
    /// The header of a checkpoint at a step.
    fn header(&self, step: u64) -> Header {
        Header { blueprint: self.blueprint.clone(), data: self.data.clone(), step, seed: self.seed }
    }
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
    config: &'a TrainConfig,
    objective: &'a dyn Objective<M>,
    model: M,
    adam: Adam<f32>,
    average: Option<Ema<f32>>,
    saved: Saved,
    best_weights: Vec<(String, Tensor<f32>)>,
    began: Instant,
    shards: usize,
    /// The file of the weights it starts from, if they are not random.
    from: Option<String>,
    luxuries: Luxuries,
}

impl<'a, M: Trained> Training<'a, M> {
    fn new(config: &'a TrainConfig, objective: &'a dyn Objective<M>, model: M, saved: Saved) -> Self {
        let recipe = &config.recipe;
        let adam = Adam::new(model.params(), recipe.adam);
        let average = recipe.average.map(|decay| Ema::new(model.params(), decay));
        let shards = recipe.shards.unwrap_or(config.threads);
        let (began, best_weights, luxuries) = (Instant::now(), Vec::new(), Luxuries::default());
        Self { config, objective, model, adam, average, saved, best_weights, began, shards, from: None, luxuries }
    }

    /// Seconds of training so far, those before an interruption included.
    fn seconds(&self) -> f64 {
        self.saved.seconds + self.began.elapsed().as_secs_f64()
    }

    /// The fraction of the budget that is used up.
    fn progress(&self, per_epoch: u64) -> f64 {
        let step = self.saved.step as f64;
        match self.config.recipe.budget {
            Budget::Steps(steps) => step / steps.max(1) as f64,
            Budget::Epochs(epochs) => step / (epochs * per_epoch as f64).max(1.0),
            Budget::Minutes(minutes) => self.seconds() / (60.0 * minutes).max(f64::MIN_POSITIVE),
        }
    }

    /// A line of the log, still without losses.
    fn line(&self, per_epoch: u64) -> Line {
        let step = self.saved.step;
        Line { step, epoch: step as f64 / per_epoch as f64, seconds: self.seconds(), ..Line::default() }
    }

    fn run(&mut self) -> Result<Outcome> {
        interrupt::listen()?;
        self.config.run.sweep();
        let recipe = &self.config.recipe;
        let per_epoch = self.objective.steps_per_epoch()?;
        let step = self.saved.step;
        // It may have been evaluated, and ended before that was saved.
        let unevaluated = step > 0 && self.saved.evaluated != step;
        // An interrupt came while this step was evaluated.
        let again = unevaluated && step.is_multiple_of(per_epoch);
        let mut log = Log::of(&self.config.run, step, unevaluated);
        self.luxuries.attempt(LOG, log.start());
        if let (Some(from), 0) = (&self.from, self.saved.step) {
            self.luxuries.attempt(LOG, log.write(&Line { from: Some(from.clone()), ..Line::default() }));
        }
        let mut order = Order::default();
        let mut shown = Progress::new(self.objective.units(), recipe.batch);
        let (mut last_save, mut unsaved) = (Instant::now(), false);
        let mut interrupted = again && !self.epoch(step / per_epoch, per_epoch, &mut log, &mut shown)?;
        while !interrupted && self.progress(per_epoch) < 1.0 {
            if interrupt::check().is_err() {
                interrupted = true;
                break;
            }
            let step = self.saved.step;
            let lr =
                recipe.lr * recipe.schedule.factor(self.progress(per_epoch)) * Schedule::warmup(step, recipe.warmup);
            let moment = Moment { step, progress: self.progress(per_epoch) };
            let loss = self.step(moment, lr, &mut order)?;
            self.saved.count(loss);
            let step = self.saved.step;
            shown.step(self.progress(per_epoch), step, loss, self.saved.best.map(|best| best.loss()));
            if step.is_multiple_of(LOG_EVERY) {
                let train = self.saved.mean_loss();
                let line = Line { train: Some(train), lr: Some(lr), ..self.line(per_epoch) };
                self.luxuries.attempt(LOG, log.write(&line));
                shown.line(step, train);
            }
            if step.is_multiple_of(per_epoch) {
                interrupted = !self.epoch(step / per_epoch, per_epoch, &mut log, &mut shown)?;
            }
            if last_save.elapsed().as_secs_f64() > self.config.save_every {
                unsaved = self.save().inspect_err(|error| warn_of(error, unsaved)).is_err();
                last_save = Instant::now();
            }
        }
        if !interrupted && self.saved.evaluated != self.saved.step {
            interrupted = !self.epoch(self.saved.step.div_ceil(per_epoch), per_epoch, &mut log, &mut shown)?;
        }
        if !interrupted && self.saved.best.is_none() {
            // Weights under which held-out rows have no density are not worth keeping.
            let step = self.saved.step;
            bail!(
                "the validation loss is not finite after step {step}: use a smaller --lr, or data without extreme values"
            );
        }
        self.save()?;
        let drawn = log::draw(&self.config.run, self.config.blueprint.name(), self.objective.units());
        self.luxuries.attempt("the curve", drawn);
        shown.finish();
        Ok(Outcome { step: self.saved.step, best: self.saved.best, interrupted })
    }

    /// One optimizer step. Returns the loss, in the unit that is shown.
    fn step(&mut self, moment: Moment, lr: f64, order: &mut Order) -> Result<f64> {
        let rows = self.config.recipe.batch;
        let loss = self.objective.loss(&self.model, moment, order)?;
        let step = || sharded(rows, self.shards, &loss);
        let mut evaluated = if self.config.recipe.half { parallel::in_half_precision(step) } else { step() };
        if !evaluated.loss.is_finite() {
            return Err(self.explain(&loss, rows));
        }
        if let Some(limit) = self.config.recipe.clip {
            clip_norm(&mut evaluated.gradients, limit);
        }
        self.adam.step(&evaluated.gradients, lr);
        if let Some(average) = &mut self.average {
            average.update();
        }
        Ok(self.objective.in_unit(evaluated.loss))
    }

    /// Runs a failed step again, on a tape that checks every operation.
    fn explain(&self, loss: &Loss<'_>, rows: usize) -> anyhow::Error {
        let tape = Tape::checked();
        let value = loss(&tape, 0..rows);
        let fault = tape.fault().map_or_else(|| format!("the loss is {}", value.item()), |fault| fault.to_string());
        // A fault has a line for each operation that led to it; an error message has one line.
        let fault = fault.lines().map(str::trim).collect::<Vec<_>>().join(", ");
        let saved = self.config.run.training().exists();
        let advice = if saved { "resume from the last save with --resume and" } else { "start again with" };
        let lost = format!("the loss is no longer finite at step {}", self.saved.step);
        anyhow!("{lost}: {advice} a smaller --lr; the first such value: {fault}")
    }

    /// Evaluates the model on validation rows, keeps its weights if they are the best so far, and draws samples. If it is
    /// interrupted, nothing of this counts, and the result is false: resuming does it again.
    fn epoch(&mut self, epoch: u64, per_epoch: u64, log: &mut Log, shown: &mut Progress) -> Result<bool> {
        if let Some(average) = &mut self.average {
            average.swap();
        }
        let found = self.evaluate(epoch);
        let done = match found {
            Ok((validation, samples)) => {
                self.count(validation, epoch, per_epoch, log, shown);
                if let Some(samples) = samples {
                    let units = Standardization::of(&self.model);
                    let samples = drawing::plotted(units.as_ref(), samples);
                    let drawn = picture(&samples, &self.config.blueprint.space, &self.config.run, epoch);
                    self.luxuries.attempt(PICTURES, drawn);
                }
                Ok(true)
            }
            Err(why) if why.is::<Interrupted>() => Ok(false),
            Err(why) => Err(why),
        };
        if let Some(average) = &mut self.average {
            average.swap();
        }
        done
    }

    /// The score, and samples for a picture where there is one.
    fn evaluate(&self, epoch: u64) -> Result<(Score, Option<Tensor<f32>>)> {
        self.objective.calibrate(&self.model)?;
        let validation = self.objective.evaluate(&self.model)?;
        let (space, temperature) = (&self.config.blueprint.space, self.config.recipe.temperature);
        let drawn = drawing::has_picture(space) && (epoch <= 10 || epoch.is_multiple_of(10));
        let samples = drawn.then(|| self.model.samples(drawing::shown(space, GRID), temperature));
        Ok((validation, samples.transpose()?))
    }

    /// Logs the score of a step, and keeps the weights if it is the best so far.
    fn count(&mut self, validation: Score, epoch: u64, per_epoch: u64, log: &mut Log, shown: &mut Progress) {
        let step = self.saved.step;
        self.saved.evaluated = step;
        let (reconstruction, kl) = validation.bound.map(|bound| (bound.reconstruction, bound.kl)).unzip();
        let line = Line { validation: Some(validation.loss()), reconstruction, kl, ..self.line(per_epoch) };
        self.luxuries.attempt(LOG, log.write(&line));
        shown.epoch(epoch, validation.loss());
        if validation.loss().is_finite() && self.saved.best.is_none_or(|best| validation.loss() < best.loss()) {
            self.saved.best = Some(validation);
            self.saved.best_step = step;
            self.best_weights = checkpoint::weights(&self.model);
        }
    }
}

/// Draws samples into a run's folder of pictures.
fn picture(samples: &Tensor<f32>, space: &Space, run: &Locked, epoch: u64) -> Result<()> {
    if !drawing::has_picture(space) {
        return Ok(());
    }
    run.hold()?;
    run.make_grids()?;
    files::replace_link(&run.grid(epoch))?;
    drawing::save(samples, space, &run.grid(epoch), 10)
}

/// A training goes on without a save, and tries again: there may be room then. Warns of the first of several.
fn warn_of(error: &anyhow::Error, again: bool) {
    if !again {
        stderr::print_line(format_args!("warning: {error:#}; going on, and saving later"));
    }
}
