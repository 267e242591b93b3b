//! `zoo gaussianize`: RBIG on a table or a toy, with pictures of how it goes.

mod pictures;

use super::gaussian::Gaussian;
use super::how::{self, SAVE_EVERY, plain};
use super::{Output, threads};
use crate::blueprint::Space;
use crate::data::source::{Part, Source};
use crate::measure::score::score;
use crate::recipes::{self, Preset};
use crate::runs::folder::Run;
use crate::train::{self, Fit, Plan};
use anyhow::{Result, bail};
use autograd::parallel;
use pictures::Picture;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to make normal, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A toy's name, or a .npy, .csv, .csv.gz or .tsv table
    data: String,
    #[command(flatten)]
    gaussian: Gaussian,
    /// At most so many layers of marginals [default: 60]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000), allow_negative_numbers = true)]
    layers: Option<u64>,
    /// Rows that each layer is fitted to [default: 20000, or all training rows]
    #[arg(long, value_parser = clap::value_parser!(u64).range(2..), allow_negative_numbers = true)]
    rows: Option<u64>,
    /// Decides random rotations, the rows, and what is drawn
    #[arg(long, default_value = "0")]
    seed: u64,
    /// The folder for the model and the pictures [default: runs/gaussianized-DATA]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// Test rows in the pictures, and as many samples.
const POINTS: usize = 4_000;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let entry = recipes::find("rbig")?;
    let asked = args.out.clone();
    let run =
        Run::at(&asked.unwrap_or_else(|| PathBuf::from("runs").join(format!("gaussianized-{}", plain(&args.data)))));
    if run.has_begun() {
        bail!("{} already holds a run: choose another --out", run.folder().display());
    }
    let source = Source::open(&args.data, args.seed)?;
    if !matches!(source.space(), Space::Table { .. }) {
        bail!(
            "{} has {}, and only rows of a table or of a toy are drawn here: fit others with zoo train rbig --data {0}{}",
            args.data,
            source.space().describe(),
            if matches!(source.space(), Space::Signal { .. }) { " --batch 4000" } else { "" }
        );
    }
    let mut recipe = entry.recipe(Preset::Standard, source.space());
    if let Some(rows) = source.rows() {
        recipe.batch = recipe.batch.min(rows);
    }
    recipe.batch = args.rows.map(usize::try_from).transpose()?.unwrap_or(recipe.batch);
    if let Some(layers) = args.layers {
        recipe.architecture = recipe.architecture.with_layers(usize::try_from(layers)?)?;
    }
    recipe.architecture = args.gaussian.sized(recipe.architecture)?;
    let (data, seed) = (args.data.clone(), args.seed);
    let plan = Plan { recipe, data, seed, threads: threads(args.threads), run, save_every: SAVE_EVERY };

    let fit = train::fit_into_run(&plan, &source)?;
    table(&fit, out)?;
    how::report_fitted(&plan.run, &fit, out)?;
    let rows = source.held_out(Part::Test, None);
    let found = parallel::with_threads(plan.threads, || score(&fit.flow, &source.space(), &rows, seed));
    writeln!(out, "on the test rows of {}: {}", args.data, found.describe())?;
    let shown = rows.x().rows(0..rows.count().min(POINTS));
    let drawn = parallel::with_threads(plan.threads, || pictures::all(&fit, &shown, seed))?;
    for Picture { name, canvas, what } in drawn {
        let path = plan.run.folder().join(name);
        canvas.save(&path)?;
        writeln!(out, "{}: {what}", path.display())?;
    }
    Ok(how::code_fitted(&fit))
}

/// What each layer did.
fn table(fit: &Fit, out: &mut Output<'_>) -> Result<()> {
    writeln!(out, "layer  pairwise correlation of z:    total correlation,   −log p(x) of validation rows, nats,")?;
    writeln!(out, "            rms       largest        falls by, in all        if the flow ended here")?;
    let layers = &fit.fitted.layers;
    // What stands before the first layer is the same for all of them.
    let before = fit.validation.nats - layers[fit.kept - 1].log_prob;
    let mut total = 0.0;
    for (i, layer) in layers.iter().enumerate() {
        // As the progress and the log have it: less is better.
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
