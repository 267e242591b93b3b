//! The options that `train` and `distill` share, and how both report.

use super::prelude::*;
use crate::models::{Recipe, join};
use crate::runs::folder::{Locked, is_there};
use flows::rbig::Ending;
use std::sync::Arc;

/// For how long, how fast, and how often it is saved.
#[derive(Debug, clap::Args)]
pub(super) struct TrainArgs {
    /// Sizes and duration [default: standard]
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Train for this many passes over the data (a student: for this many times 500 steps)
    #[arg(long, value_parser = positive, allow_negative_numbers = true, group = "budget")]
    epochs: Option<f64>,
    /// Train for this many minutes
    #[arg(long, value_parser = positive, allow_negative_numbers = true, group = "budget")]
    minutes: Option<f64>,
    /// Train for this many steps
    #[arg(long, value_parser = steps, allow_negative_numbers = true, group = "budget")]
    steps: Option<u64>,
    /// Rows in a mini-batch; for rbig, rows that each layer is fitted to [default: the preset's]
    #[arg(long)]
    batch: Option<usize>,
    /// The peak learning rate [default: the preset's]
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    lr: Option<f64>,
    /// Compute the products of training steps in half precision (bfloat16, with sums in f32), which is faster on
    /// processors with matrix units (Intel AMX) and changes nothing on others
    #[arg(long)]
    half: bool,
    /// Random seed for initial weights, data order, and noise [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// Seconds between saves of the training's state, from which --resume continues
    #[arg(long, value_name = "SECONDS", value_parser = positive, allow_negative_numbers = true, default_value_t = SAVE_EVERY)]
    save_every: f64,
    /// Continue the training in the same folder, on as many threads as before unless --threads is given
    #[arg(long)]
    pub(super) resume: bool,
}

/// The options that only trainings by gradients have.
pub(super) const BY_GRADIENTS: [&str; 5] = ["epochs", "minutes", "steps", "lr", "half"];

/// Seconds between saves by default: what a crash may cost.
pub(super) const SAVE_EVERY: f64 = 60.0;

pub(super) fn steps(text: &str) -> Result<u64, String> {
    whole(1..=usize::MAX)(text).map(|steps| steps as u64)
}

impl TrainArgs {
    /// The preset asked for.
    pub(super) fn preset(&self) -> Preset {
        self.preset.unwrap_or(Preset::Standard)
    }

    /// The seed of a new training.
    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }

    /// Refuses options that a model fitted without gradients cannot use.
    pub(super) fn check_fitted(&self) -> Result<()> {
        let budget = self.epochs.is_some() || self.minutes.is_some() || self.steps.is_some();
        if budget || self.lr.is_some() || self.half {
            bail!("rbig is fitted without gradients: leave out --epochs, --minutes, --steps, --lr and --half");
        }
        Ok(())
    }

    /// The threads to resume with: those of before, since other numbers of threads give other roundings.
    pub(super) fn threads(&self, paused: &Paused) -> usize {
        let (before, asked) = (paused.threads(), self.threads.asked());
        if let (Some(before), Some(asked)) = (before, asked)
            && before != asked
        {
            stderr::print_line(format_args!(
                "it was started with --threads {before}: with {asked} its numbers will not be those of an uninterrupted training"
            ));
        }
        asked.or(before).unwrap_or_else(|| self.threads.count())
    }

    /// Refuses what cannot change when the training in `run` is resumed; `options` are the model's own that are given.
    pub(super) fn check_resumed(&self, run: &Run, paused: &Paused, options: &[String]) -> Result<()> {
        let mut kept: Vec<String> = options.iter().map(|option| format!("--{option}")).collect();
        kept.extend(self.preset.map(|_| "--preset".to_owned()));
        kept.extend((self.half && !paused.recipe().half).then(|| "precision (--half)".to_owned()));
        kept.extend(self.batch.filter(|batch| *batch != paused.recipe().batch).map(|_| "--batch".to_owned()));
        if !kept.is_empty() {
            let (kept, them) = (join(&kept), if kept.len() == 1 { "it" } else { "them" });
            bail!("a resumed training keeps its {kept}: leave {them} out, or start a new one with another --out");
        }
        let (folder, seed) = (run.folder().display(), paused.contents.header.seed);
        if self.seed.is_some_and(|asked| asked != seed) {
            bail!("{folder} was started with --seed {seed}: leave out --seed to resume it");
        }
        Ok(())
    }

    /// A training with the changes to its recipe that were asked for.
    pub(super) fn config(
        &self,
        blueprint: Blueprint,
        mut recipe: Recipe,
        data: String,
        seed: u64,
        threads: usize,
        run: &Arc<Locked>,
    ) -> TrainConfig {
        let (epochs, minutes) = (self.epochs.map(Budget::Epochs), self.minutes.map(Budget::Minutes));
        recipe.budget = epochs.or(minutes).or(self.steps.map(Budget::Steps)).unwrap_or(recipe.budget);
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.lr = self.lr.unwrap_or(recipe.lr);
        recipe.half |= self.half;
        let save_every = self.save_every;
        TrainConfig { blueprint, recipe, data, seed, threads, run: run.clone(), save_every }
    }
}

/// Refuses to start in a folder that holds a run, or a log that is not one of ours.
pub(super) fn check_new(run: &Run) -> Result<()> {
    let folder = run.folder().display();
    if is_there(&run.training()) {
        bail!("{folder} already holds a run: continue it with --resume, or choose another --out");
    }
    if run.has_begun() {
        bail!("{folder} already holds a run: choose another --out, or move its model.safetensors away");
    }
    train::check_log(run)
}

/// Prints how a training ended.
pub(super) fn report(run: &Run, outcome: &Outcome, out: &mut Output<'_>) -> Result<ExitCode> {
    let folder = run.folder().display();
    let best = outcome.best.map_or_else(String::new, |best| format!("; best validation {}", best.describe()));
    if outcome.interrupted {
        writeln!(out, "stopped at step {}{best}; saved in {folder}, continue with --resume", outcome.step)?;
    } else {
        writeln!(out, "trained {} steps{best}; saved in {folder}", outcome.step)?;
    }
    Ok(code(outcome.interrupted))
}

/// Prints how a fit ended.
pub(super) fn report_fitted(config: &TrainConfig, fit: &Fit, out: &mut Output<'_>) -> Result<ExitCode> {
    let (count, kept, fitted) = (fit.fitted.layers.len(), fit.kept, &fit.fitted);
    let folder = config.run.folder().display();
    let resumable = fitted.ending == Ending::Interrupted && config.save_every.is_finite();
    let more = if resumable { ", continue with --resume" } else { "" };
    let s = if count == 1 { "" } else { "s" };
    let why = match fitted.ending {
        Ending::Gaussian => "in the next five the total correlation no longer fell",
        Ending::Layers => "the most allowed",
        Ending::FewRows => "axes need more rows than dimensions",
        Ending::Interrupted => "interrupted",
    };
    let first = match kept < count {
        true => format!("; the first {kept} are kept, which maximize the validation likelihood"),
        false => String::new(),
    };
    let reduced = format_args!("the rotations reduced the total correlation by {:.4} nats", fitted.total_correlation());
    let validation = fit.validation.describe();
    writeln!(
        out,
        "fitted {count} layer{s} ({why}){first}; {reduced}; validation {validation}; saved in {folder}{more}"
    )?;
    Ok(code(interrupt::requested()))
}

/// Success, or the code that shells expect of an interrupted program.
pub(super) fn code(interrupted: bool) -> ExitCode {
    if interrupted { ExitCode::from(interrupt::EXIT_CODE as u8) } else { ExitCode::SUCCESS }
}

/// A folder name made from a path or a name: letters, digits, and dashes.
pub(super) fn plain(name: &str) -> String {
    let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_default().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}
