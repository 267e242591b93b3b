//! `zoo train`.

use super::Output;
use super::gaussian::Gaussian;
use super::how::{self, How, plain};
use super::vae::Vae;
use crate::blueprint::{Architecture, Space};
use crate::data::source::Source;
use crate::recipes;
use crate::runs::folder::Run;
use crate::train;
use anyhow::{Result, bail};
use flows::models;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to train and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The model; `zoo list` shows them
    model: String,
    /// mnist, a toy's name, speech (speech:512 for signals of 512 samples), a folder of IDX files, or a .npy or .csv file
    /// [default: mnist; of wavenet, speech]
    #[arg(long)]
    data: Option<String>,
    /// The order in which made, maf and iaf go through the dimensions [default: given]
    #[arg(long, value_enum)]
    order: Option<Order>,
    /// Gaussians in each conditional of made and of maf's last layer [default: 1], logistics in a wavenet's [default: 10]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000), allow_negative_numbers = true)]
    components: Option<u64>,
    #[command(flatten)]
    gaussian: Gaussian,
    /// Householder reflections in each rotation of gaussianization [default: the preset's]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000), allow_negative_numbers = true)]
    reflections: Option<u64>,
    #[command(flatten)]
    vae: Vae,
    #[command(flatten)]
    how: How,
    /// Give the model the class of each row: it learns p(x | class), and draws the class that is asked for
    #[arg(long)]
    conditional: bool,
    /// Where to keep the run [default: runs/MODEL-DATA, or runs/MODEL-DATA-conditional]
    #[arg(long)]
    out: Option<PathBuf>,
}

/// An order of the dimensions; a random one is drawn from the training's seed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Order {
    Given,
    Reversed,
    Random,
}

impl Args {
    fn out(&self, data: &str) -> PathBuf {
        let data = plain(data);
        let ending = if self.conditional { "-conditional" } else { "" };
        self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(format!("{}-{data}{ending}", self.model)))
    }

    /// The architecture with the sizes that were asked for.
    fn sized(&self, mut architecture: Architecture, space: Space, seed: u64) -> Result<Architecture> {
        architecture = self.how.sized(architecture)?;
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
        if let Some(reflections) = self.reflections {
            architecture = architecture.with_reflections(usize::try_from(reflections)?)?;
        }
        self.vae.sized(self.gaussian.sized(architecture)?, space)
    }
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let entry = recipes::find(&args.model)?;
    if let Some(teacher) = entry.taught_by {
        bail!(
            "{} learns from a {teacher}, not from data: train that, then zoo distill runs/{teacher}-{}",
            entry.name,
            entry.data
        );
    }
    let asked = args.data.clone().unwrap_or_else(|| entry.data.to_owned());
    let run = Run::at(&args.out(&asked));
    let how = &args.how;
    let fitted = matches!(entry.recipe(how.preset(), entry.space()).architecture, Architecture::Rbig { .. });
    if fitted {
        how.check_fitted(&run)?;
    }
    let outcome = if how.resume {
        let paused = train::paused(&run)?;
        let (mut recipe, data, seed) = (paused.recipe.clone(), paused.data.clone(), paused.seed);
        how.check_resumed(&run, &paused)?;
        let folder = run.folder().display();
        if args.order.is_some() || args.components.is_some() {
            bail!(
                "a resumed training keeps its --order and --components: leave them out, or begin anew with another --out"
            );
        }
        if args.gaussian.is_given() || args.reflections.is_some() {
            bail!(
                "a resumed training keeps its --kernels and --reflections: leave them out, or begin anew with another --out"
            );
        }
        if args.vae.is_given() {
            bail!(
                "a resumed training keeps its --latents, --coder, --likelihood and --posterior: leave them out, or begin anew with another --out"
            );
        }
        if args.data.as_ref().is_some_and(|asked| *asked != data) {
            bail!("{folder} was begun with --data {data}: leave --data out to resume it");
        }
        if args.conditional && paused.classes == 0 {
            bail!("{folder} was begun without --conditional: leave it out to resume it");
        }
        how.adjust(&mut recipe);
        let source = Source::open(&data, seed)?.with_classes_of(paused.classes)?;
        train::resume(&how.plan(recipe, data, seed, &run), entry.name, &source, &paused)?
    } else {
        How::check_begun(&run)?;
        let (data, seed) = (asked, how.seed());
        let source = Source::open(&data, seed)?;
        let source = if args.conditional { source.with_classes()? } else { source };
        let mut recipe = entry.recipe(how.preset(), source.space());
        if let Some(rows) = source.rows() {
            recipe.batch = recipe.batch.min(rows);
        }
        recipe.architecture = args.sized(recipe.architecture, source.space(), seed)?;
        how.adjust(&mut recipe);
        if fitted {
            let fit = train::fit_into_run(&how.plan(recipe, data, seed, &run), &source)?;
            how::report_fitted(&run, &fit, out)?;
            return Ok(how::code_fitted(&fit));
        }
        train::start(&how.plan(recipe, data, seed, &run), &source)?
    };
    how::report(&run, &outcome, out)?;
    Ok(how::code(&outcome))
}
