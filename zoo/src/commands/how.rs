//! How a training is done: the options that `train` and `distill` share.

use super::{Output, threads};
use crate::blueprint::Architecture;
use crate::recipes::{Budget, Preset, Recipe};
use crate::runs::folder::Run;
use crate::runs::interrupt;
use crate::train::{Fit, Outcome, Paused, Plan};
use anyhow::{Result, bail};
use flows::rbig::Ending;
use std::process::ExitCode;

/// For how long, how fast, and how often it is saved.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// Sizes and duration [default: standard]
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Layers of maf, iaf, rbig (at most) and gaussianization, couplings of nice and real-nvp, layers in a wavenet's cycle of dilations
    /// [default: the preset's]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000), allow_negative_numbers = true)]
    layers: Option<u64>,
    /// Let iaf mix old and new by gates, as in its paper, in place of scaling freely
    #[arg(long)]
    gated: bool,
    /// Train for this many passes over the data (of a student: for this many times 500 steps)
    #[arg(long, value_parser = positive, allow_negative_numbers = true, group = "budget")]
    epochs: Option<f64>,
    /// Train for this many minutes
    #[arg(long, value_parser = positive, allow_negative_numbers = true, group = "budget")]
    minutes: Option<f64>,
    /// Train for this many steps
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true, group = "budget")]
    steps: Option<u64>,
    /// Rows a step; of rbig, rows that each layer is fitted to
    #[arg(long)]
    batch: Option<usize>,
    /// The learning rate at its highest
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    lr: Option<f64>,
    /// Decides initial weights, order of the data and noise [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
    /// Seconds between saves of what --resume needs
    #[arg(long, value_name = "SECONDS", value_parser = positive, allow_negative_numbers = true, default_value_t = SAVE_EVERY)]
    save_every: f64,
    /// Go on where a training in the same folder stopped
    #[arg(long)]
    pub(super) resume: bool,
}

/// Seconds between saves, where nobody says otherwise: what a crash may cost.
pub(super) const SAVE_EVERY: f64 = 60.0;

/// A number above 0.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err(format!("{text:?} is not a number above 0")),
    }
}

impl How {
    /// The preset that was asked for.
    pub(super) fn preset(&self) -> Preset {
        self.preset.unwrap_or(Preset::Standard)
    }

    /// The seed of a training that begins now.
    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }

    /// Changes a recipe as was asked for.
    pub(super) fn adjust(&self, recipe: &mut Recipe) {
        let epochs = self.epochs.map(Budget::Epochs);
        let minutes = self.minutes.map(Budget::Minutes);
        let budget = epochs.or(minutes).or(self.steps.map(Budget::Steps));
        recipe.budget = budget.unwrap_or(recipe.budget);
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.lr = self.lr.unwrap_or(recipe.lr);
    }

    /// The architecture with what was asked for in its sizes.
    pub(super) fn sized(&self, mut architecture: Architecture) -> Result<Architecture> {
        if let Some(layers) = self.layers {
            architecture = architecture.with_layers(usize::try_from(layers)?)?;
        }
        if self.gated { architecture.gated() } else { Ok(architecture) }
    }

    /// Refuses what a model that is fitted layer by layer has no use for.
    pub(super) fn check_fitted(&self, run: &Run) -> Result<()> {
        if self.resume {
            bail!(
                "rbig is fitted in one go, and what was interrupted is a model of fewer layers: leave out --resume, or fit again into another --out"
            );
        }
        if self.epochs.is_some() || self.minutes.is_some() || self.steps.is_some() || self.lr.is_some() {
            bail!(
                "rbig is fitted without a gradient: leave out --epochs, --minutes, --steps and --lr; --layers says how many layers there are at most"
            );
        }
        if run.has_begun() {
            bail!("{} already holds a run: choose another --out", run.folder().display());
        }
        Ok(())
    }

    /// Refuses what cannot change in a training that goes on in `run`.
    pub(super) fn check_resumed(&self, run: &Run, paused: &Paused) -> Result<()> {
        if self.preset.is_some() || self.batch.is_some_and(|batch| batch != paused.recipe.batch) {
            bail!(
                "a resumed training keeps its --preset and --batch: leave them out, or begin anew with another --out"
            );
        }
        if self.layers.is_some() || self.gated {
            bail!(
                "a resumed training keeps its --layers and --gated: leave them out, or begin anew with another --out"
            );
        }
        if self.seed.is_some_and(|asked| asked != paused.seed) {
            bail!("{} was begun with --seed {}: leave --seed out to resume it", run.folder().display(), paused.seed);
        }
        Ok(())
    }

    /// Refuses to begin where a run is kept.
    pub(super) fn check_begun(run: &Run) -> Result<()> {
        if run.has_begun() {
            bail!("{} already holds a run: go on with --resume, or choose another --out", run.folder().display());
        }
        Ok(())
    }

    /// The threads to compute on.
    pub(super) fn threads(&self) -> usize {
        threads(self.threads)
    }

    pub(super) fn plan(&self, recipe: Recipe, data: String, seed: u64, run: &Run) -> Plan {
        Plan { recipe, data, seed, threads: self.threads(), run: run.clone(), save_every: self.save_every }
    }
}

/// Says how a training ended.
pub(super) fn report(run: &Run, outcome: &Outcome, out: &mut Output<'_>) -> Result<()> {
    let folder = run.folder().display();
    let best = outcome.best.map_or_else(String::new, |best| format!("; best validation {}", best.describe()));
    if outcome.interrupted {
        writeln!(out, "stopped at step {}{best}; saved in {folder}, go on with --resume", outcome.step)
    } else {
        writeln!(out, "trained {} steps{best}; saved in {folder}", outcome.step)
    }
}

/// Says how a fitting ended.
pub(super) fn report_fitted(run: &Run, fit: &Fit, out: &mut Output<'_>) -> Result<()> {
    let (count, kept, folder) = (fit.fitted.layers.len(), fit.kept, run.folder().display());
    let s = if count == 1 { "" } else { "s" };
    let why = match fit.fitted.ending {
        Ending::Gaussian => "in the next five the total correlation stopped falling",
        Ending::Layers => "as many as there may be",
        Ending::Interrupted => "interrupted",
    };
    let best = if kept < count {
        format!("; the first {kept} are kept, under which validation rows are likeliest")
    } else {
        String::new()
    };
    writeln!(
        out,
        "fitted {count} layer{s} ({why}){best}; the rotations took {:.4} nats off the total correlation; validation {}; saved in {folder}",
        fit.fitted.total_correlation(),
        fit.validation.describe()
    )
}

/// Success, or, where the fitting was interrupted, what shells expect then.
pub(super) fn code_fitted(fit: &Fit) -> ExitCode {
    interrupted(fit.fitted.ending == Ending::Interrupted)
}

/// Success, or, where the training was interrupted, what shells expect then.
pub(super) fn code(outcome: &Outcome) -> ExitCode {
    interrupted(outcome.interrupted)
}

fn interrupted(it_was: bool) -> ExitCode {
    if it_was { ExitCode::from(interrupt::EXIT_CODE as u8) } else { ExitCode::SUCCESS }
}

/// A folder's name for what a path or a name is called: letters, digits and dashes.
pub(super) fn plain(name: &str) -> String {
    let stem = std::path::Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_default().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}
