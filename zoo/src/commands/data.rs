//! `zoo data`: training data as a picture, to compare a model's samples with.

use super::prelude::*;

/// Plot training data, to compare with a model's samples
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo data two-moons")]
pub(super) struct Args {
    /// mnist, a toy's name, speech, a folder of IDX files, or a .npy or .csv file
    #[arg(value_name = "DATA")]
    name: String,
    /// Number of training rows to plot [default: 100 images, 1000 points or 16 signals]
    #[arg(long, value_name = "N", value_parser = whole(1..=4096), allow_negative_numbers = true)]
    rows: Option<usize>,
    /// The picture [default: DATA.png]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
    /// Signals only: the sound file [default: next to the picture]
    #[arg(long, value_name = "FILE.wav")]
    wav: Option<PathBuf>,
    #[command(flatten)]
    seed: Seed,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let Args { name, seed: Seed { seed }, .. } = args;
    require_extension(args.out.as_deref(), "png")?;
    let source = Source::open(name, *seed)?;
    let space = source.space();
    if !drawing::has_picture(&space) {
        let has = space.describe();
        bail!("{name} has {has}, and only images, rows of 2 numbers and signals are plotted: choose other data");
    }
    sound::check(args.wav.as_deref(), name, &space)?;
    let default = match space {
        Space::Images { .. } => 100,
        Space::Table { .. } => 1000,
        Space::Signal { .. } => 16,
    };
    let all = source.rows().unwrap_or(usize::MAX);
    let count = args.rows.unwrap_or(default.min(all));
    if count > all {
        bail!("{name} has only {all} training rows: choose --rows between 1 and {all}");
    }
    let rows = source.batch(0, count, &mut Order::default())?.x().clone();
    // Pixel levels become brightness, without noise.
    let rows = match space.levels() {
        Some(levels) => Tensor::from_fn(rows.shape().clone(), |i| rows.as_slice()[i] / (levels - 1) as f32),
        None => drawing::plotted(source.standardization(), rows),
    };
    let path = args.out.clone().unwrap_or_else(|| default_path(name));
    drawing::picture(&rows, name, &space, count.isqrt().max(1))?.save_png(&path)?;
    let note = source.standardization().map_or_else(String::new, Standardization::plot_note);
    writeln!(out, "{}: {} {}, seed {seed}{note}", path.display(), drawing::shown(&space, count), space.describe())?;
    if let Space::Signal { samples, rate } = space {
        let wav = args.wav.clone().unwrap_or_else(|| path.with_extension("wav"));
        sound::write(&wav, rows.as_slice(), samples, rate, out)?;
    }
    Ok(())
}

/// A picture in the current folder, named after the data.
fn default_path(data: &str) -> PathBuf {
    let stem = plain(data.trim_end_matches(".gz").trim_end_matches(".csv"));
    PathBuf::from(if stem.is_empty() { "data" } else { &stem }).with_extension("png")
}
