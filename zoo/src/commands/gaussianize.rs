//! `zoo gaussianize`: RBIG on a table or a toy data set, with a plot of each step.

use super::prelude::*;
use crate::models::ModelSpec as _;
use crate::models::Rbig;
use crate::models::rbig::Options;
use crate::pictures::rbig;
use flows::rbig::Ending;

/// Gaussianize a table or a toy data set with RBIG, and plot each step
///
/// Prints how much each layer reduces the total correlation, and saves a model that the other commands can load. The
/// plots: one column mapped through its CDF (inverse-cdf.png), the layers from data to latents (layers.png) and back
/// (sampling.png), and quantiles of the result (quantiles.png).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo gaussianize two-moons")]
pub(super) struct Args {
    /// A toy's name, or a .npy, .csv, .csv.gz or .tsv table; jitter:FILE adds noise to discrete columns
    data: String,
    #[command(flatten)]
    options: Options,
    /// Rows to fit each layer to [default: 20000, or all training rows]
    #[arg(long, value_name = "N", value_parser = whole(2..=usize::MAX), allow_negative_numbers = true)]
    rows: Option<usize>,
    /// Folder for the model and the pictures [default: runs/gaussianized-DATA]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    on: Compute,
}

/// The most test rows in the pictures, and as many samples.
const POINTS: usize = 4_000;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let default = || PathBuf::from("runs").join(format!("gaussianized-{}", plain(&args.data)));
    let run = Run::at(&args.out.clone().unwrap_or_else(default)).lock()?;
    train_args::check_new(&run)?;
    let (data, seed) = (args.data.clone(), args.on.seed.seed);
    let source = Source::open(&data, seed)?;
    if !matches!(source.space(), Space::Table { .. }) {
        let more = if matches!(source.space(), Space::Signal { .. }) { " --batch 4000" } else { "" };
        let has = source.space().describe();
        bail!("{data} has {has}, but only tables and toys are plotted: use zoo train rbig --data {data}{more}");
    }
    let mut recipe = Rbig::recipe(Preset::Standard, source.space());
    recipe.batch = args.rows.unwrap_or(recipe.batch.min(source.rows().unwrap_or(usize::MAX)));
    let mut sizes = Rbig::config(Preset::Standard, source.space(), 0)?;
    args.options.adjust(&mut sizes)?;
    let blueprint = Blueprint::new::<Rbig>(&sizes, source.space(), 0)?;
    let threads = args.on.threads.count();
    let config = TrainConfig { blueprint, recipe, data, seed, threads, run, save_every: f64::INFINITY };

    source.warn();
    let fit = train::fit(&config, &source)?;
    table(&fit, out)?;
    let code = train_args::report_fitted(&config, &fit, out)?;
    if fit.fitted.ending == Ending::Interrupted {
        return Ok(code);
    }
    let rows = source.held_out(Part::Test, None);
    let found = args.on.threads.run(|| score(&fit.flow, &source.space(), &rows, seed))?;
    writeln!(out, "on the test rows of {}: {}", config.data, found.describe())?;
    let shown = rows.x().rows(0..rows.count().min(POINTS));
    save_all(args.on.threads.run(|| rbig::all(&fit, &shown, seed))?, |name| Ok(config.run.folder().join(name)), out)?;
    Ok(code)
}

/// Prints what each layer did.
fn table(fit: &Fit, out: &mut Output<'_>) -> Result<()> {
    writeln!(out, "layer  pairwise correlation of z:    total correlation,   −log p(x) of validation rows, nats,")?;
    writeln!(out, "            rms       largest        falls by, in all        if the flow ended here")?;
    let layers = &fit.fitted.layers;
    // The preprocessing contributes the same to all layers.
    let before = fit.log_det;
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
