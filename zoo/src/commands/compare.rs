//! `zoo compare`: trained models side by side.

use super::prelude::*;
use crate::judge::{Judge, judged};
use crate::measure::compare::{self, Measured};
use crate::measure::figures::Figures;
use crate::measure::{compare_table as table, score, student};
use crate::pictures::dot_plot;
use crate::runs::place::Place;
use crate::runs::{checkpoint, shipped};
use crate::text::causes;
use std::fs;

/// Compare trained models: likelihood, size, speed, and round-trip error
///
/// Prints one table per data set and plots the same values. The training time is the time to the weights that were
/// kept. Sampling and density times are medians over several batches, after a warm-up. The round trip is
/// x → z → x′ in f32. Models of images of 28×28 pixels also show what a classifier of digits says about 1,000 samples of
/// each, as zoo evaluate --samples does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo compare runs/nice-mnist runs/real-nvp-mnist")]
pub(super) struct Args {
    /// Shipped models (see zoo list), run folders, or .safetensors files
    #[arg(required_unless_present = "all", value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Compare all shipped models, too
    #[arg(long)]
    all: bool,
    /// The picture
    #[arg(long, value_name = "FILE.svg", default_value = "compare.svg")]
    out: PathBuf,
    /// Use only the first N test rows
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on: Compute,
}

/// Samples that are judged.
const JUDGED: usize = 1000;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    require_extension(Some(&args.out), "svg")?;
    let mut runs = args.runs.clone();
    if args.all {
        runs.extend(shipped::all().into_iter().map(|(name, _)| PathBuf::from(name)));
        if runs.is_empty() {
            bail!("no models are shipped with this program: name runs to compare");
        }
    }
    require_different(&runs)?;
    // Before the minutes of measuring.
    check_place(&args.out)?;
    let caption = table::caption(args.on.seed.seed, args.on.threads.count());
    let mut all = Vec::new();
    for ((i, run), name) in runs.iter().enumerate().zip(names::distinct(&runs)) {
        stderr::print_line(format_args!("{} of {}: {}", i + 1, runs.len(), run.display()));
        match args.on.threads.run(|| measure(run, name, args)) {
            Ok(measured) => all.push(measured),
            Err(why) if why.is::<Interrupted>() => return Err(why),
            // The other runs are still worth measuring.
            Err(why) => stderr::print_line(format_args!("zoo: {} is left out: {}", run.display(), causes(&why))),
        }
    }
    let groups = by_data(&all);
    if !all.is_empty() {
        let drawn: Vec<dot_plot::Group> = groups.iter().map(|group| table::panels(group)).collect();
        let title = if all.len() == 1 { "One model" } else { "Models side by side" };
        dot_plot::draw(title, &caption, &drawn)?.save(&args.out)?;
    }
    if args.json {
        out.json(&all)?;
    } else if !all.is_empty() {
        for group in &groups {
            for line in table::lines(group) {
                writeln!(out, "{line}")?;
            }
            writeln!(out)?;
        }
        writeln!(out, "{}: the same, plotted. {caption}", args.out.display())?;
    }
    Ok(if all.len() == runs.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Requires that each run has a model, and that none is named twice.
fn require_different(runs: &[PathBuf]) -> Result<()> {
    let mut seen: Vec<(PathBuf, &Path)> = Vec::new();
    for run in runs {
        let place = Place::of(run)?;
        let file = fs::canonicalize(place.path()).unwrap_or_else(|_| place.path().to_owned());
        if let Some((_, before)) = seen.iter().find(|(other, _)| *other == file) {
            bail!("{} and {} are the same run: name it once", before.display(), run.display());
        }
        seen.push((file, run));
    }
    Ok(())
}

fn measure(run: &Path, name: String, args: &Args) -> Result<Measured> {
    let loaded = load::<f32>(run)?;
    let (header, space) = (&loaded.header, loaded.header.blueprint.space);
    let source = source(&loaded, None)?;
    let mut measures =
        compare::measure(&loaded, &source, args.limit, args.on.seed.seed).with_context(|| header.data.clone())?;
    let folder = folder::of(run);
    let mut missed = Vec::new();
    if let Some(teacher) = folder.as_ref().map(Run::teacher).filter(|teacher| teacher.exists()) {
        match (&loaded.model, load_flow::<f32>(&teacher, "distill it again")) {
            (Model::Vae(_), _) => {}
            (Model::Flow(student), Ok(teacher)) => {
                measures.divergence = Some(student::divergence(student, &teacher.model, &space, args.on.seed.seed)?);
            }
            (_, Err(why)) => missed.push(format!("no divergence from its teacher: {}", causes(&why))),
        }
    }
    if Judge::reads(&space) {
        match judged::judge(&loaded.model, &source, JUDGED, args.on.seed.seed) {
            Ok(found) => measures.judged = Some(found),
            Err(why) if why.is::<Interrupted>() => return Err(why),
            Err(why) => missed.push(causes(&why)),
        }
    }
    let training = match folder {
        Some(folder) => train::elapsed(&folder, header.step),
        None => {
            Figures::of(&checkpoint::beginning(&Place::of(run)?)?.1).and_then(|figures| figures.elapsed(header.step))
        }
    };
    // Binarized pixels have no levels, and so no bits/dim.
    let per_level = measures.score.is_none_or(|score| score.bits_per_dim.is_some());
    let unit = if matches!(space, Space::Images { .. }) && !per_level { "nats" } else { score::unit(&space) };
    let mut notes = compare::notes(&loaded, &measures, training);
    notes.extend(missed);
    Ok(Measured {
        run: run.to_owned(),
        name,
        model: header.blueprint.name(),
        data: header.data.clone(),
        space: space.describe(),
        unit,
        steps: header.step,
        training,
        measures,
        notes,
    })
}

/// Groups runs by data, in the order in which they were named.
fn by_data(all: &[Measured]) -> Vec<Vec<&Measured>> {
    let mut groups: Vec<Vec<&Measured>> = Vec::new();
    for one in all {
        // Runs are compared on the same data, in the same unit.
        let key = |one: &Measured| (one.data.clone(), one.space.clone(), one.unit);
        match groups.iter_mut().find(|group| key(group[0]) == key(one)) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}
