//! `zoo sample`.

use super::{class, how::positive, load, say, sound, threads};
use crate::blueprint::Space;
use crate::data::npy;
use crate::drawing;
use crate::pictures::terminal::{self, Colours};
use anyhow::{Context as _, Result, bail};
use autograd::parallel;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to draw, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder or a .safetensors file
    run: PathBuf,
    /// Columns and rows of the grid; for points and signals, their product is how many
    #[arg(long, default_value = "10x10", value_parser = grid)]
    grid: Grid,
    /// Below 1: nearer to the mode, cleaner and less varied
    #[arg(long, default_value = "1", value_parser = positive, allow_negative_numbers = true)]
    temperature: f64,
    /// All samples of this class, of a conditional model [default: each class in turn, from left to right]
    #[arg(long, value_name = "CLASS")]
    class: Option<usize>,
    /// Decides the samples
    #[arg(long, default_value = "0")]
    seed: u64,
    /// The picture [default: samples.png beside the model]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Also write the samples themselves
    #[arg(long)]
    npy: Option<PathBuf>,
    /// The samples of a model of signals, to be heard [default: samples.wav beside the model]
    #[arg(long, value_name = "FILE.wav")]
    wav: Option<PathBuf>,
    /// Draw the picture in the terminal too
    #[arg(long)]
    show: bool,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Grid {
    columns: usize,
    rows: usize,
}

fn grid(text: &str) -> Result<Grid, String> {
    let sides = text.split_once('x').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    match sides {
        Some((columns @ 1..=1000, rows @ 1..=1000)) => Ok(Grid { columns, rows }),
        _ => Err(format!("{text:?} is not a grid: write columns x rows, as in 10x10, each at most 1000")),
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    super::require_ending(args.out.as_deref(), "png")?;
    let loaded = load::<f32>(&args.run)?;
    let space = loaded.header.blueprint.space;
    class::check(args.class, &args.run, loaded.header.blueprint.classes)?;
    sound::check(args.wav.as_deref(), args.run.display(), &space)?;
    let Grid { columns, rows } = args.grid;
    let samples = parallel::with_threads(threads(args.threads), || {
        drawing::samples(&loaded.flow, args.class, columns * rows, args.temperature, args.seed)
    });
    if !samples.all_finite() {
        bail!("some samples at temperature {:e} are not finite: choose a smaller --temperature", args.temperature);
    }
    if let Some(path) = &args.npy {
        npy::write(path, samples.shape(), samples.as_slice())?;
        say(&format!("{}: {} samples of {}", path.display(), columns * rows, space.describe()))?;
    }
    if args.npy.is_some() && args.out.is_none() && !args.show && !drawing::has_picture(&space) {
        return Ok(ExitCode::SUCCESS);
    }
    let picture = drawing::picture(&samples, "samples", &space, columns)?;
    let out = args.out.clone().unwrap_or_else(|| beside(&args.run, "samples.png"));
    picture.save_png(&out)?;
    let of = match (args.class, loaded.header.blueprint.classes) {
        (Some(class), _) => format!(" of class {class}"),
        (None, 0) => String::new(),
        (None, classes) => format!(" of the classes 0 to {} in turn", classes - 1),
    };
    say(&format!(
        "{}: {} samples{of} at temperature {}, seed {}",
        out.display(),
        drawing::shown(&space, columns * rows),
        args.temperature,
        args.seed
    ))?;
    if let Space::Signal { samples: length, rate } = space {
        let wav = args.wav.clone().unwrap_or_else(|| beside(&args.run, "samples.wav"));
        sound::write(&wav, samples.as_slice(), length, rate)?;
    }
    if args.show {
        let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(100);
        let text = terminal::render(&picture, Colours::detect(&std::io::stdout()), width);
        std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).context("cannot draw in the terminal")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// In the run folder, or beside the checkpoint.
fn beside(run: &Path, name: &str) -> PathBuf {
    if run.is_dir() { run.join(name) } else { run.with_file_name(name) }
}
