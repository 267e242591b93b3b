//! The training loop.
//!
//! Everything random comes from the run's seed and the step's number, so a training that is cut
//! off and resumed goes through the same numbers as one that was not.

mod log;
mod progress;
mod state;

use crate::blueprint::Blueprint;
use crate::checkpoint::Contents;
use crate::data::Standardisation;
use crate::recipes::{Budget, Recipe};
use crate::rows::Rows;
use crate::run::Run;
use crate::score::{self, Score, score};
use crate::source::{Order, Part, Source};
use crate::{drawing, interrupt};
use anyhow::{Context as _, Result, bail};
use autograd::{Tape, Tensor, parallel, sharded};
use flows::nn::{Adam, Average, Schedule, clip_norm};
use flows::{Context, Flow, Module, Noise};
use log::{Line, Log};
use progress::Progress;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use state::Saved;
use std::io::Write as _;
use std::time::Instant;

/// Validation rows an epoch is judged by.
const VALIDATION_ROWS: usize = 2_000;
/// Training batches that statistics for evaluation are collected from.
const CALIBRATION_BATCHES: u64 = 100;
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
struct Training<'a> {
    plan: &'a Plan,
    source: &'a Source,
    blueprint: Blueprint,
    flow: Flow<f32>,
    adam: Adam<f32>,
    average: Option<Average<f32>>,
    saved: Saved,
    best_weights: Vec<(String, Tensor<f32>)>,
    began: Instant,
    shards: usize,
}

/// Trains from the start.
///
/// # Errors
/// If the data does not suit the model, the loss stops being finite, or a file cannot be written.
pub fn start(plan: &Plan, source: &Source) -> Result<Outcome> {
    // What can be refused is refused before there is a folder.
    source.steps_per_epoch(plan.recipe.batch)?;
    let blueprint =
        Blueprint { architecture: plan.recipe.architecture.clone(), space: source.space(), classes: source.classes() };
    let flow = blueprint.build(&mut ChaCha8Rng::seed_from_u64(plan.seed)).with_context(|| plan.data.clone())?;
    if let Some(statistics) = source.standardisation() {
        standardise(&flow, statistics);
    }
    plan.run.create()?;
    let _lock = plan.run.lock()?;
    announce(&blueprint, plan);
    parallel::with_threads(plan.threads, || {
        let mut training = Training::new(plan, source, blueprint, flow);
        training.initialise()?;
        training.go()
    })
}

/// Says what is about to happen, for how long, and where it will be found.
fn announce(blueprint: &Blueprint, plan: &Plan) {
    let Plan { recipe, data, run, threads, .. } = plan;
    let long = match recipe.budget {
        Budget::Steps(steps) => format!("{steps} steps"),
        Budget::Epochs(epochs) => format!("{epochs} epochs"),
        Budget::Minutes(minutes) => format!("{minutes} minutes"),
    };
    let folder = run.folder().display();
    let given = match blueprint.classes {
        0 => String::new(),
        classes => format!(" given the class of {classes}"),
    };
    let line = format!(
        "training {} on {data}{given} for {long}, {} rows a step, {threads} threads, into {folder}",
        blueprint.name(),
        recipe.batch
    );
    // A closed standard error is no reason not to train.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Goes on where a training in the same folder was cut off.
///
/// # Errors
/// As [`start`], and if what the folder holds cannot be resumed.
pub fn resume(plan: &Plan, model: &str, source: &Source, paused: &Paused) -> Result<Outcome> {
    let contents = &paused.contents;
    let blueprint = contents.header.blueprint.clone();
    if blueprint.name() != model {
        let folder = plan.run.folder().display();
        bail!(
            "{folder} holds a training of {}, not of {model}: resume that, or choose another --out",
            blueprint.name()
        );
    }
    if blueprint.space != source.space() {
        bail!(
            "{} was trained on {}, but {} has {}: resume with --data {}",
            plan.run.folder().display(),
            blueprint.space.describe(),
            plan.data,
            source.space().describe(),
            contents.header.data
        );
    }
    source.steps_per_epoch(plan.recipe.batch)?;
    let _lock = plan.run.lock()?;
    let flow = contents.build(&plan.run.training())?;
    parallel::with_threads(plan.threads, || {
        let mut training = Training::new(plan, source, blueprint, flow);
        training.restore(contents)?;
        training.go()
    })
}

/// A training that was cut off, as its folder has it.
#[derive(Debug)]
pub struct Paused {
    /// The recipe it was begun with.
    pub recipe: Recipe,
    /// The name or path of its data.
    pub data: String,
    /// Its seed.
    pub seed: u64,
    /// How many classes its model is given one of; 0 for none.
    pub classes: usize,
    /// The file itself, which is large and is read once.
    contents: Contents,
}

/// The training that was cut off in a folder.
///
/// # Errors
/// If there is none, or it is damaged.
pub fn paused(run: &Run) -> Result<Paused> {
    if !run.training().exists() {
        bail!("{} holds no training to resume: leave out --resume to begin one", run.folder().display());
    }
    let contents = crate::checkpoint::read(&run.training())?;
    let saved = Saved::of(&contents, &run.training())?;
    let header = &contents.header;
    let (data, seed, classes) = (header.data.clone(), header.seed, header.blueprint.classes);
    Ok(Paused { recipe: saved.recipe, data, seed, classes, contents })
}

/// Gives the flow's first layer the statistics of the training rows.
fn standardise(flow: &Flow<f32>, statistics: &Standardisation) {
    let set = |path: &str, values: &[f64]| {
        let found = flow.params().into_iter().find(|(name, _)| name == path);
        if let Some((_, buffer)) = found {
            buffer.set(Tensor::from_fn([values.len()], |i| values[i] as f32));
        }
    };
    set("layers.0.mean", &statistics.mean);
    set("layers.0.std", &statistics.deviation);
}

impl<'a> Training<'a> {
    fn new(plan: &'a Plan, source: &'a Source, blueprint: Blueprint, flow: Flow<f32>) -> Self {
        let recipe = &plan.recipe;
        let adam = Adam::new(flow.params(), recipe.adam);
        let average = recipe.average.map(|decay| Average::new(flow.params(), decay));
        let shards = recipe.shards.unwrap_or(plan.threads);
        let saved = Saved::new(recipe.clone());
        let began = Instant::now();
        Self { plan, source, blueprint, flow, adam, average, saved, best_weights: Vec::new(), began, shards }
    }

    /// Lets parameters that start from data see a first batch.
    fn initialise(&mut self) -> Result<()> {
        let batch = self.source.batch(0, self.plan.recipe.batch, &mut Order::default())?;
        let cx = Context::training(Noise::for_step(self.plan.seed, 0));
        score::initialise(&self.flow, &self.blueprint.space, &batch.values(), cx);
        Ok(())
    }

    /// Collects what the model's evaluation uses of training batches, for the weights it has now.
    fn calibrate(&self) -> Result<()> {
        if !self.blueprint.is_calibrated() {
            return Ok(());
        }
        let (mut order, seed, recipe) = (Order::default(), self.plan.seed, &self.plan.recipe);
        let enough = self.source.steps_per_epoch(recipe.batch)?.min(CALIBRATION_BATCHES);
        for seen in 0..enough {
            let batch = self.source.batch(seen, recipe.batch, &mut order)?;
            let cx = Context::training(Noise::for_step(seed, seen));
            score::calibrate(&self.flow, &self.blueprint.space, &batch.values(), cx, seen);
        }
        Ok(())
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
        let per_epoch = self.source.steps_per_epoch(recipe.batch)?;
        let mut log = Log::open(&self.plan.run.log(), self.saved.step)?;
        let mut order = Order::default();
        let mut shown = Progress::new(score::unit(&self.blueprint.space), recipe.batch);
        let mut last_save = Instant::now();
        while self.progress(per_epoch) < 1.0 && !interrupt::requested() {
            let step = self.saved.step;
            let lr =
                recipe.lr * recipe.schedule.factor(self.progress(per_epoch)) * Schedule::warmup(step, recipe.warmup);
            let batch = self.source.batch(step, recipe.batch, &mut order)?;
            let loss = self.step(&batch, lr)?;
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
        log::draw(&self.plan.run, self.blueprint.name(), score::unit(&self.blueprint.space))?;
        shown.finish();
        Ok(Outcome { step: self.saved.step, best: self.saved.best, interrupted })
    }

    /// One optimiser step. Returns the loss, in the unit that is shown.
    fn step(&mut self, batch: &Rows<f32>, lr: f64) -> Result<f64> {
        let rows = batch.count();
        let noise = Noise::for_step(self.plan.seed, self.saved.step);
        let (flow, space, shards) = (&self.flow, &self.blueprint.space, self.shards);
        let loss = |tape: &Tape<f32>, range: std::ops::Range<usize>| {
            let cx = Context::training(noise.from_row(range.start));
            let part = if shards == 1 { batch.clone() } else { batch.range(range) };
            score::loss(flow, space, &part.on(tape), cx)
        };
        let mut evaluated = sharded(rows, shards, loss);
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
        Ok(score::in_unit(&self.blueprint.space, evaluated.loss))
    }

    /// Runs a step that went wrong again, on a tape that looks at every operation.
    fn explain(
        &self,
        loss: &impl Fn(&Tape<f32>, std::ops::Range<usize>) -> autograd::Var<f32>,
        rows: usize,
    ) -> anyhow::Error {
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
        self.calibrate()?;
        let rows = self.source.held_out(Part::Validation, Some(VALIDATION_ROWS));
        let validation = score(&self.flow, &self.blueprint.space, &rows, 0);
        let step = self.saved.step;
        self.saved.judged = step;
        log.write(&Line::validation(step, step as f64 / per_epoch as f64, self.seconds(), validation.loss()))?;
        shown.epoch(epoch, validation.loss());
        // A model that is not finite everywhere is not the best of anything.
        if validation.loss().is_finite() && self.saved.best.is_none_or(|best| validation.loss() < best.loss()) {
            self.saved.best = Some(validation);
            self.saved.best_step = step;
            self.best_weights = self.flow.params().into_iter().map(|(path, param)| (path, param.value())).collect();
        }
        let drawn = if epoch <= 10 || epoch.is_multiple_of(10) {
            let temperature = self.plan.recipe.temperature;
            let count = drawing::shown(&self.blueprint.space, GRID);
            let samples = drawing::samples(&self.flow, None, count, temperature, 0);
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
