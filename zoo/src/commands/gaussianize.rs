//! `zoo gaussianize`: RBIG on a table or a toy data set, with a plot of each step.

use super::Output;
use super::args::{Seed, Threads, save_all, whole};
use super::gaussian::Gaussian;
use super::how::{self, SAVE_EVERY, plain};
use crate::blueprint::Space;
use crate::data::source::{Part, Source};
use crate::measure::score::score;
use crate::pictures::rbig;
use crate::recipes::{self, Preset};
use crate::runs::folder::Run;
use crate::train::{self, Fit, Plan};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `zoo gaussianize`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A toy's name, or a .npy, .csv, .csv.gz or .tsv table
    data: String,
    #[command(flatten)]
    gaussian: Gaussian,
    /// The most layers to fit [default: 60]
    #[arg(long, value_name = "N", value_parser = whole(1..=1000), allow_negative_numbers = true)]
    layers: Option<usize>,
    /// Rows to fit each layer to [default: 20000, or all training rows]
    #[arg(long, value_name = "N", value_parser = whole(2..=usize::MAX), allow_negative_numbers = true)]
    rows: Option<usize>,
    /// Folder for the model and the pictures [default: runs/gaussianized-DATA]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    seed: Seed,
    #[command(flatten)]
    threads: Threads,
}

/// The most test rows in the pictures, and as many samples.
const POINTS: usize = 4_000;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let entry = recipes::find("rbig")?;
    let default = || PathBuf::from("runs").join(format!("gaussianized-{}", plain(&args.data)));
    let run = Run::at(&args.out.clone().unwrap_or_else(default));
    if run.has_begun() {
        bail!("{} already holds a run: choose another --out", run.folder().display());
    }
    let (data, seed) = (args.data.clone(), args.seed.seed);
    let source = Source::open(&data, seed)?;
    if !matches!(source.space(), Space::Table { .. }) {
        bail!(
            "{data} has {}, and only rows of a table or of a toy are plotted: use zoo train rbig --data {data}{}",
            source.space().describe(),
            if matches!(source.space(), Space::Signal { .. }) { " --batch 4000" } else { "" }
        );
    }
    let mut recipe = entry.recipe(Preset::Standard, source.space());
    if let Some(rows) = source.rows() {
        recipe.batch = recipe.batch.min(rows);
    }
    recipe.batch = args.rows.unwrap_or(recipe.batch);
    if let Some(layers) = args.layers {
        recipe.architecture = recipe.architecture.with_layers(layers)?;
    }
    recipe.architecture = args.gaussian.sized(recipe.architecture)?;
    let plan = Plan { recipe, data, seed, threads: args.threads.count(), run, save_every: SAVE_EVERY };

    let fit = train::fit_into_run(&plan, &source)?;
    table(&fit, out)?;
    how::report_fitted(&plan.run, &fit, out)?;
    let rows = source.held_out(Part::Test, None);
    let found = args.threads.run(|| score(&fit.flow, &source.space(), &rows, seed));
    writeln!(out, "on the test rows of {}: {}", plan.data, found.describe())?;
    let shown = rows.x().rows(0..rows.count().min(POINTS));
    save_all(args.threads.run(|| rbig::all(&fit, &shown, seed))?, plan.run.folder(), out)?;
    Ok(how::code_fitted(&fit))
}

/// Prints what each layer did.
fn table(fit: &Fit, out: &mut Output<'_>) -> Result<()> {
    writeln!(out, "layer  pairwise correlation of z:    total correlation,   −log p(x) of validation rows, nats,")?;
    writeln!(out, "            rms       largest        falls by, in all        if the flow ended here")?;
    let layers = &fit.fitted.layers;
    // The preprocessing contributes the same to all layers.
    let before = fit.validation.nats - layers[fit.kept - 1].log_prob;
    let mut total = 0.0;
    for (i, layer) in layers.iter().enumerate() {
        let (correlations, loss) = (layer.correlations, -(layer.log_prob + before));
        total += layer.fall.unwrap_or(0.0);
        let fall = layer.fall.map_or_else(|| "-".to_owned(), |fall| format!("{fall:.4}"));
        let (nth, rms, largest) = (i + 1, correlations.rms, correlations.largest);
        writeln!(
            out,
            "{nth:>5}     {rms:>7.4}    {largest:>8.4}     {fall:>10}  {total:>9.4}            {loss:>12.4}"
        )?;
    }
    writeln!(out, "(a fall of {:.4} nats in five layers may be chance)", fit.fitted.tolerance)
}
