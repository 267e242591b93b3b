//! `zoo demo`: the README's first command.

use super::{Output, how, load_flow, threads};
use crate::data::source::{Part, Source};
use crate::measure::score::score;
use crate::pictures::drawing;
use crate::recipes::{self, Budget, Preset};
use crate::runs::folder::Run;
use crate::train::{self, Plan};
use anyhow::{Result, bail};
use autograd::parallel;
use std::path::PathBuf;
use std::process::ExitCode;

/// How long, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Minutes of training
    #[arg(long, default_value = "2", value_parser = how::positive)]
    minutes: f64,
    /// Where to write grid.png and the run
    #[arg(long, default_value = "demo")]
    out: PathBuf,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// The demonstration's temperature: a little below 1, where digits are cleaner.
const TEMPERATURE: f64 = 0.7;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let entry = recipes::find("nice")?;
    let run = Run::at(&args.out);
    let source = Source::open("mnist", 0)?;
    let mut recipe = entry.recipe(Preset::Quick, source.space());
    recipe.budget = Budget::Minutes(args.minutes);
    recipe.temperature = TEMPERATURE;
    let threads = threads(args.threads);
    let save_every = how::SAVE_EVERY;
    let plan = Plan { recipe, data: "mnist".to_owned(), seed: 0, threads, run: run.clone(), save_every };
    // A demonstration always begins anew: what an earlier one left is replaced, but nothing else is.
    if run.has_begun() && !run.is_demo() {
        bail!("{} holds a run that is no demonstration: choose another --out", args.out.display());
    }
    run.clear()?;
    run.create()?;
    run.mark_as_demo()?;
    let outcome = train::start(&plan, &source)?;
    if outcome.interrupted {
        writeln!(out, "stopped at step {} before there was a picture: begin the demonstration again", outcome.step)?;
        return Ok(how::code(&outcome));
    }
    let loaded = load_flow::<f32>(&args.out, "demo trains nice")?;
    let (samples, found) = parallel::with_threads(threads, || {
        let samples = drawing::samples(&loaded.model, None, 100, TEMPERATURE, 0);
        let rows = source.held_out(Part::Test, None);
        (samples, score(&loaded.model, &loaded.header.blueprint.space, &rows, 0))
    });
    let grid = args.out.join("grid.png");
    drawing::save(&samples, &loaded.header.blueprint.space, &grid, 10)?;
    writeln!(out, "test images: {}", found.describe())?;
    writeln!(out, "{}: 100 digits drawn by the model, at temperature {TEMPERATURE}", grid.display())?;
    Ok(ExitCode::SUCCESS)
}
