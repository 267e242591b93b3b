//! `zoo sample`.

use super::{Output, beside, class, how::positive, load, load_flow, sound, threads};
use crate::blueprint::{Architecture, Blueprint, Space};
use crate::data::npy;
use crate::measure::bound::{self, Draw};
use crate::measure::sampling::{self, Distance, Drawn, Request};
use crate::model::Model;
use crate::pictures::drawing;
use crate::pictures::terminal::{self, Colors};
use crate::runs::checkpoint::Loaded;
use anyhow::{Result, bail};
use autograd::{Tensor, parallel};
use flows::Inversion;
use std::path::PathBuf;
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
    /// Of a vae, draw from p(x|z) in place of showing its mean
    #[arg(long)]
    noise: bool,
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
    /// How x is found where that is a search: in order, each number once, or (mint-net) by the authors' fixed point,
    /// all numbers at once and again
    #[arg(long, value_enum, default_value = "in-order")]
    inverse: Inverse,
    /// The fixed point's step α, between 0 and 2 [default: the authors' 0.2857 (1/3.5)]
    #[arg(long, value_parser = step, allow_negative_numbers = true)]
    step_size: Option<f64>,
    /// The fixed point's most iterations in each layer [default: 100]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    iterations: Option<u64>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Inverse {
    InOrder,
    FixedPoint,
}

impl Args {
    /// What of a vae's decoder is drawn: means of images, which are clearer; other rows as its density has them.
    fn draw(&self, space: &Space) -> Draw {
        if self.noise || !matches!(space, Space::Images { .. }) { Draw::Noise } else { Draw::Mean }
    }

    fn inversion(&self, blueprint: &Blueprint) -> Result<Inversion> {
        if self.inverse == Inverse::InOrder {
            if self.step_size.is_some() || self.iterations.is_some() {
                bail!(
                    "--step-size and --iterations are the fixed point's: add --inverse fixed-point, or leave them out"
                );
            }
            return Ok(Inversion::InOrder);
        }
        if !matches!(blueprint.architecture, Architecture::MintNet { .. }) {
            bail!("{} has no fixed point to iterate: leave out --inverse", blueprint.name());
        }
        let iterations = self.iterations.map_or(Ok(ITERATIONS), usize::try_from)?;
        Ok(Inversion::FixedPoint { step: self.step_size.unwrap_or(STEP), iterations })
    }
}

/// The authors' step of the fixed point on MNIST, and how often they take it.
pub(super) const STEP: f64 = 1.0 / 3.5;
const ITERATIONS: usize = 100;

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

pub(super) fn step(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(step) if step > 0.0 && step < 2.0 => Ok(step),
        _ => Err(format!("{text:?} is not a number between 0 and 2, where the fixed point converges")),
    }
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    super::require_ending(args.out.as_deref(), "png")?;
    let loaded = load::<f32>(&args.run)?;
    let space = loaded.header.blueprint.space;
    class::check(args.class, &args.run, loaded.header.blueprint.classes)?;
    sound::check(args.wav.as_deref(), args.run.display(), &space)?;
    if args.noise && matches!(loaded.model, Model::Flow(_)) {
        bail!("{} draws x from z without noise: leave out --noise", loaded.header.blueprint.name());
    }
    let Grid { columns, rows } = args.grid;
    let (class, temperature, seed) = (args.class, args.temperature, args.seed);
    let inversion = args.inversion(&loaded.header.blueprint)?;
    let request = Request { count: columns * rows, class, temperature, seed, inversion };
    let (samples, search) = parallel::with_threads(threads(args.threads), || draw(args, &loaded, &request))?;
    if !samples.all_finite() {
        if args.inverse == Inverse::FixedPoint {
            bail!(
                "the fixed point did not converge for some samples: choose a smaller --step-size, more --iterations, or leave out --inverse"
            );
        }
        bail!("some samples at temperature {:e} are not finite: choose a smaller --temperature", args.temperature);
    }
    if let Some(path) = &args.npy {
        npy::write(path, samples.shape(), samples.as_slice())?;
        writeln!(out, "{}: {} samples of {}", path.display(), columns * rows, space.describe())?;
    }
    if args.npy.is_some() && args.out.is_none() && !args.show && !drawing::has_picture(&space) {
        return Ok(ExitCode::SUCCESS);
    }
    let picture = drawing::picture(&samples, "samples", &space, columns)?;
    let path = args.out.clone().unwrap_or_else(|| beside(&args.run, "samples.png"));
    picture.save_png(&path)?;
    let of = match (args.class, loaded.header.blueprint.classes) {
        (Some(class), _) => format!(" of class {class}"),
        (None, 0) => String::new(),
        (None, classes) => format!(" of the classes 0 to {} in turn", classes - 1),
    };
    writeln!(
        out,
        "{}: {} samples{of} at temperature {}, seed {}",
        path.display(),
        drawing::shown(&space, columns * rows),
        args.temperature,
        args.seed
    )?;
    if let Some((most, Distance { max_abs, rms })) = search {
        let how = match inversion {
            Inversion::FixedPoint { step, iterations } => {
                let ended = if most >= iterations { "stopped at" } else { "at most" };
                format!("by a fixed point in each layer, step {step:.4}, {ended} {most} iterations")
            }
            _ => format!("by a sweep in each layer, at most {most} evaluations for a number's root"),
        };
        writeln!(
            out,
            "z to x {how}; there (rounded to f32) and back within {max_abs:.1e} (root mean square {rms:.1e})"
        )?;
    }
    if let Space::Signal { samples: length, rate } = space {
        let wav = args.wav.clone().unwrap_or_else(|| beside(&args.run, "samples.wav"));
        sound::write(&wav, samples.as_slice(), length, rate, out)?;
    }
    if args.show {
        let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(100);
        let text = terminal::render(&picture, Colors::detect(&std::io::stdout()), width);
        write!(out, "{text}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the search for samples took in any layer, and what it came to.
type Found = (usize, Distance);

/// Samples, and what the search for them took and came to where there was one. A search goes through layer after
/// layer in `f64`, in which it is made anyway: between them `f32` would lose more than it does.
fn draw(args: &Args, loaded: &Loaded<Model<f32>>, request: &Request) -> Result<(Tensor<f32>, Option<Found>)> {
    let flow = match &loaded.model {
        Model::Flow(flow) => flow,
        Model::Vae(vae) => {
            let draw = args.draw(&loaded.header.blueprint.space);
            return Ok((bound::samples(vae, request.count, request.temperature, request.seed, draw), None));
        }
    };
    if !matches!(loaded.header.blueprint.architecture, Architecture::MintNet { .. }) {
        return Ok((sampling::draw(flow, request).values, None));
    }
    let exact = load_flow::<f64>(&args.run, "give a run of mint-net")?.model;
    let Drawn { values, search } = sampling::draw(&exact, request);
    Ok((values.cast(), search.map(|search| (search.most, search.distance(&exact)))))
}
