//! `zoo train`.

use super::{say, threads};
use crate::blueprint::Architecture;
use crate::interrupt;
use crate::recipes::{self, Budget, Preset, Recipe};
use crate::run::Run;
use crate::source::Source;
use crate::train::{self, Outcome, Plan};
use anyhow::{Result, bail};
use flows::models;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to train and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The model; `zoo list` shows them
    model: String,
    /// mnist, a toy's name, a folder of IDX files, or a .npy or .csv file [default: mnist]
    #[arg(long)]
    data: Option<String>,
    /// Sizes and duration [default: standard]
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Layers of an autoregressive model, couplings of nice and real-nvp [default: the preset's]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000), allow_negative_numbers = true)]
    layers: Option<u64>,
    /// The order in which made, maf and iaf go through the dimensions [default: given]
    #[arg(long, value_enum)]
    order: Option<Order>,
    /// Gaussians in each conditional of made, and of maf's last layer [default: 1]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000), allow_negative_numbers = true)]
    components: Option<u64>,
    /// Train for this many passes over the data
    #[arg(long, value_parser = positive, allow_negative_numbers = true, group = "budget")]
    epochs: Option<f64>,
    /// Train for this many minutes
    #[arg(long, value_parser = positive, allow_negative_numbers = true, group = "budget")]
    minutes: Option<f64>,
    /// Train for this many steps
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true, group = "budget")]
    steps: Option<u64>,
    /// Rows a step
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
    /// Give the model the class of each row: it learns p(x | class), and draws the class that is asked for
    #[arg(long)]
    conditional: bool,
    /// Where to keep the run [default: runs/MODEL-DATA, or runs/MODEL-DATA-conditional]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Go on where a training in the same folder stopped
    #[arg(long)]
    resume: bool,
}

/// An order of the dimensions; a random one is drawn from the training's seed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Order {
    Given,
    Reversed,
    Random,
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

impl Args {
    fn out(&self) -> PathBuf {
        let data = self.data.as_deref().unwrap_or("mnist");
        let plain: String = std::path::Path::new(data)
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let ending = if self.conditional { "-conditional" } else { "" };
        self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(format!("{}-{plain}{ending}", self.model)))
    }

    fn adjust(&self, recipe: &mut Recipe) {
        let epochs = self.epochs.map(Budget::Epochs);
        let minutes = self.minutes.map(Budget::Minutes);
        let budget = epochs.or(minutes).or(self.steps.map(Budget::Steps));
        recipe.budget = budget.unwrap_or(recipe.budget);
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.lr = self.lr.unwrap_or(recipe.lr);
    }

    /// The architecture with the sizes that were asked for.
    fn sized(&self, mut architecture: Architecture, seed: u64) -> Result<Architecture> {
        if let Some(layers) = self.layers {
            architecture = architecture.with_layers(usize::try_from(layers)?)?;
        }
        if let Some(order) = self.order {
            architecture = architecture.with_order(match order {
                Order::Given => models::Order::Given,
                Order::Reversed => models::Order::Reversed,
                Order::Random => models::Order::Random(seed),
            })?;
        }
        if let Some(components) = self.components {
            architecture = architecture.with_components(usize::try_from(components)?)?;
        }
        Ok(architecture)
    }

    fn plan(&self, recipe: Recipe, data: String, seed: u64, run: &Run) -> Plan {
        Plan { recipe, data, seed, threads: threads(self.threads), run: run.clone(), save_every: self.save_every }
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let entry = recipes::find(&args.model)?;
    let run = Run::at(&args.out());
    let outcome = if args.resume {
        let paused = train::paused(&run)?;
        let (mut recipe, data, seed) = (paused.recipe.clone(), paused.data.clone(), paused.seed);
        if args.preset.is_some() || args.batch.is_some_and(|batch| batch != recipe.batch) {
            bail!(
                "a resumed training keeps its --preset and --batch: leave them out, or begin anew with another --out"
            );
        }
        if args.layers.is_some() || args.order.is_some() || args.components.is_some() {
            bail!(
                "a resumed training keeps its --layers, --order and --components: leave them out, or begin anew with another --out"
            );
        }
        if args.seed.is_some_and(|asked| asked != seed) {
            bail!("{} was begun with --seed {seed}: leave --seed out to resume it", run.folder().display());
        }
        if args.data.as_ref().is_some_and(|asked| *asked != data) {
            bail!("{} was begun with --data {data}: leave --data out to resume it", run.folder().display());
        }
        if args.conditional && paused.classes == 0 {
            bail!("{} was begun without --conditional: leave it out to resume it", run.folder().display());
        }
        args.adjust(&mut recipe);
        let source = Source::open(&data, seed)?.with_classes_of(paused.classes)?;
        train::resume(&args.plan(recipe, data, seed, &run), entry.name, &source, &paused)?
    } else {
        if run.has_begun() {
            bail!("{} already holds a run: go on with --resume, or choose another --out", run.folder().display());
        }
        let (data, seed) = (args.data.clone().unwrap_or_else(|| "mnist".to_owned()), args.seed.unwrap_or(0));
        let source = Source::open(&data, seed)?;
        let source = if args.conditional { source.with_classes()? } else { source };
        let mut recipe = entry.recipe(args.preset.unwrap_or(Preset::Standard), source.space());
        if let Some(rows) = source.rows() {
            recipe.batch = recipe.batch.min(rows);
        }
        recipe.architecture = args.sized(recipe.architecture, seed)?;
        args.adjust(&mut recipe);
        train::start(&args.plan(recipe, data, seed, &run), &source)?
    };
    report(&run, &outcome)?;
    Ok(code(&outcome))
}

fn report(run: &Run, outcome: &Outcome) -> Result<()> {
    let folder = run.folder().display();
    let best = outcome.best.map_or_else(String::new, |best| format!("; best validation {}", best.describe()));
    if outcome.interrupted {
        say(&format!("stopped at step {}{best}; saved in {folder}, go on with --resume", outcome.step))
    } else {
        say(&format!("trained {} steps{best}; saved in {folder}", outcome.step))
    }
}

/// Success, or, where the training was interrupted, what shells expect then.
pub(super) fn code(outcome: &Outcome) -> ExitCode {
    if outcome.interrupted { ExitCode::from(interrupt::EXIT_CODE as u8) } else { ExitCode::SUCCESS }
}
