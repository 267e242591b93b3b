//! `zoo demo`: the README's first command.

use super::prelude::*;
use crate::measure::bound::Draw;
use crate::measure::shipped::{self, Entry};
use crate::models::{Maf, Recipe};
use crate::text::causes;
use std::time::Instant;

/// Draw digits from shipped weights, then train a MAF given the class on MNIST for two minutes and draw digits from that
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo demo --minutes 5")]
pub(super) struct Args {
    /// Minutes of training
    #[arg(long, default_value = "2", value_parser = positive)]
    minutes: f64,
    /// The folder for shipped.png, grid.png and the run
    #[arg(long, default_value = "demo")]
    out: PathBuf,
    #[command(flatten)]
    threads: Threads,
}

/// The demonstration's temperature: a little below 1, where digits are cleaner.
const TEMPERATURE: f64 = 0.7;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let run = Run::at(&args.out).lock()?;
    // An earlier demonstration is replaced, but no other run.
    if run.has_begun() && !run.is_demo() {
        bail!("{} holds a run that is not a demonstration: choose another --out", args.out.display());
    }
    train::check_log(&run)?;
    let source = Source::open("mnist", 0)?.with_classes()?;
    let budget = Budget::Minutes(args.minutes);
    let (blueprint, recipe) = Maf::demonstration(source.space(), source.classes(), budget)?;
    let recipe = Recipe { temperature: TEMPERATURE, ..recipe };
    let (data, threads, save_every) = ("mnist".to_owned(), args.threads.count(), SAVE_EVERY);
    let config = TrainConfig { blueprint, recipe, data, seed: 0, threads, run: run.clone(), save_every };
    run.clear()?;
    run.mark_as_demo()?;
    match args.threads.run(|| draw_shipped(&args.out, out)) {
        Err(why) if why.is::<Interrupted>() => return Ok(train_args::code(true)),
        Err(why) => stderr::print_line(format_args!("warning: {}; going on without shipped weights", causes(&why))),
        Ok(()) => {}
    }
    let outcome = train::start(&config, &source, None)?;
    if outcome.interrupted {
        writeln!(out, "stopped at step {} before there was a picture: start the demonstration again", outcome.step)?;
        return Ok(train_args::code(true));
    }
    let loaded = load_flow::<f32>(&run.model(), "demo trains maf")?;
    let (samples, found) = args.threads.run(|| -> Result<_> {
        let samples = sampling::samples(&loaded.model, None, 100, TEMPERATURE, 0)?;
        let rows = source.held_out(Part::Test, None);
        Ok((samples, score(&loaded.model, &loaded.header.blueprint.space, &rows, 0)?))
    })?;
    let grid = args.out.join("grid.png");
    drawing::save(&samples, &loaded.header.blueprint.space, &grid, 10)?;
    writeln!(out, "test images: {}", found.describe())?;
    writeln!(
        out,
        "{}: 100 digits sampled from the model at temperature {TEMPERATURE}, a class in each column",
        grid.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Draws digits from the shipped weights whose samples the judge is most often sure of, if there are any.
fn draw_shipped(folder: &Path, out: &mut Output<'_>) -> Result<()> {
    let digits =
        |entry: &Entry| Some((entry.figures.sure.filter(|_| entry.header.data == "mnist")?, entry.name.clone()));
    let entries = shipped::all().into_iter().filter_map(Result::ok);
    let Some((_, name)) = entries.filter_map(|entry| digits(&entry)).max_by(|a, b| a.0.total_cmp(&b.0)) else {
        return Ok(());
    };
    let began = Instant::now();
    let Loaded { header, model } = load::<f32>(Path::new(&name))?;
    let samples = match &model {
        Model::Flow(flow) => sampling::samples(flow, None, 100, TEMPERATURE, 0)?,
        Model::Vae(vae) => bound::samples(vae, 100, TEMPERATURE, 0, Draw::Mean)?,
    };
    let picture = folder.join("shipped.png");
    drawing::save(&samples, &header.blueprint.space, &picture, 10)?;
    let (picture, seconds) = (picture.display(), began.elapsed().as_secs_f64());
    writeln!(out, "{picture}: 100 digits by the shipped {name} in {seconds:.1} s, temperature {TEMPERATURE}")
}
