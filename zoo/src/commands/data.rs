//! `zoo data`: what a model's samples are to be compared with.

use super::{Output, how, sound};
use crate::blueprint::Space;
use crate::data::source::{Order, Source};
use crate::pictures::drawing;
use anyhow::{Result, bail};
use autograd::Tensor;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to look at, and where to draw it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// mnist, a toy's name, speech, a folder of IDX files, or a .npy or .csv file
    name: String,
    /// Training rows to take [default: 100 images, 1000 points or 16 signals, or all there are]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4096), allow_negative_numbers = true)]
    rows: Option<u16>,
    /// Decides which
    #[arg(long, default_value = "0")]
    seed: u64,
    /// The picture [default: NAME.png in this folder]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
    /// The signals one after another, to be heard [default: beside the picture]
    #[arg(long, value_name = "FILE.wav")]
    wav: Option<PathBuf>,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    super::require_ending(args.out.as_deref(), "png")?;
    let source = Source::open(&args.name, args.seed)?;
    let space = source.space();
    if !drawing::has_picture(&space) {
        bail!(
            "{} has {}, and only images, rows of 2 numbers and signals are drawn: choose other data",
            args.name,
            space.describe()
        );
    }
    sound::check(args.wav.as_deref(), &args.name, &space)?;
    let usual = match space {
        Space::Images { .. } => 100,
        Space::Table { .. } => 1000,
        Space::Signal { .. } => 16,
    };
    let all = source.rows().unwrap_or(usize::MAX);
    let count = args.rows.map_or(usual.min(all), usize::from);
    if count > all {
        bail!("{} has only {all} training rows: choose --rows between 1 and {all}", args.name);
    }
    let rows = source.batch(0, count, &mut Order::default())?.x().clone();
    // Levels, as the screen shows them.
    let rows = match space.levels() {
        Some(levels) => Tensor::from_fn(rows.shape().clone(), |i| rows.as_slice()[i] / (levels - 1) as f32),
        None => rows,
    };
    let path = args.out.clone().unwrap_or_else(|| named(&args.name, "png"));
    drawing::picture(&rows, &args.name, &space, count.isqrt().max(1))?.save_png(&path)?;
    writeln!(out, "{}: {} {}, seed {}", path.display(), drawing::shown(&space, count), space.describe(), args.seed)?;
    if let Space::Signal { samples, rate } = space {
        let wav = args.wav.clone().unwrap_or_else(|| path.with_extension("wav"));
        sound::write(&wav, rows.as_slice(), samples, rate, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A file of this folder that is called as the data is.
fn named(data: &str, ending: &str) -> PathBuf {
    let stem = how::plain(data.trim_end_matches(".gz").trim_end_matches(".csv"));
    PathBuf::from(format!("{}.{ending}", if stem.is_empty() { "data" } else { &stem }))
}
