//! `zoo sample`: samples from a trained model, as a picture, a sound, or an array.

use super::prelude::*;
use crate::measure::bound::Draw;
use crate::measure::sampling::{Drawn, Request};
use crate::pictures;
use crate::pictures::terminal::{self, Colors};
use crate::runs::memory;
use flows::Distance;

/// Draw samples from a trained model
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo sample runs/nice-mnist --grid 8x4 --temperature 0.8")]
pub(super) struct Args {
    /// Shipped model (see zoo list), run folder, or .safetensors file
    run: PathBuf,
    /// Columns and rows of the grid; of points and signals, their product is the number of samples
    #[arg(long, value_name = "CxR", default_value = "10x10", value_parser = grid)]
    grid: [usize; 2],
    /// Scale of the base distribution: below 1, samples are cleaner and less varied
    #[arg(long, value_name = "T", default_value = "1", value_parser = positive, allow_negative_numbers = true)]
    temperature: f64,
    /// Conditional models: the class of all samples [default: each class in turn, from left to right]
    #[arg(long, value_name = "CLASS")]
    class: Option<usize>,
    /// VAE: sample from p(x|z), instead of showing its mean
    #[arg(long)]
    noise: bool,
    /// The picture [default: samples.png in the run folder; of shipped weights, NAME-samples.png here]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
    /// Also write the samples as an array; a pixel is u = (level + noise)/256, and may lie a little outside of [0, 1]
    #[arg(long, value_name = "FILE.npy")]
    npy: Option<PathBuf>,
    /// Signals only: the sound file [default: samples.wav in the run folder]
    #[arg(long, value_name = "FILE.wav")]
    wav: Option<PathBuf>,
    /// Also show the picture in the terminal
    #[arg(long)]
    show: bool,
    /// How to invert the model: solve for each entry in order or, mint-net only, by the paper's fixed-point iteration
    #[arg(long, value_parser = [IN_ORDER, "fixed-point"], default_value = IN_ORDER)]
    inverse: String,
    /// Step size α of the fixed-point iteration, between 0 and 2 [default: 0.2857 (1/3.5), as in the paper]
    #[arg(long, value_name = "α", value_parser = step_size, allow_negative_numbers = true)]
    step_size: Option<f64>,
    /// The most fixed-point iterations per layer [default: 100]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    iterations: Option<usize>,
    #[command(flatten)]
    on: Compute,
}

impl Args {
    /// What a VAE's decoder shows: of images the mean, which is clearer; of other rows a sample.
    fn draw(&self, space: &Space) -> Draw {
        if self.noise || !matches!(space, Space::Images { .. }) { Draw::Noise } else { Draw::Mean }
    }

    fn inversion(&self, blueprint: &Blueprint) -> Result<Inversion> {
        if self.inverse == IN_ORDER {
            if self.step_size.is_some() || self.iterations.is_some() {
                bail!("only the fixed point has --step-size and --iterations: add --inverse fixed-point");
            }
            return Ok(Inversion::default());
        }
        if !blueprint.is::<MintNet>() {
            bail!("{} has no fixed point to iterate: leave out --inverse", blueprint.name());
        }
        let step = self.step_size.unwrap_or(STEP_SIZE);
        Ok(Inversion::FixedPoint { step, iterations: self.iterations.unwrap_or(ITERATIONS) })
    }
}

/// The default inverse.
const IN_ORDER: &str = "in-order";
/// The paper's step size on MNIST, and its number of iterations.
pub(super) const STEP_SIZE: f64 = 1.0 / 3.5;
const ITERATIONS: usize = 100;

fn grid(text: &str) -> Result<[usize; 2], String> {
    let sides = several::<usize, 2>(text, 'x').filter(|sides| sides.iter().all(|side| (1..=1000).contains(side)));
    sides.ok_or_else(|| format!("{text:?} is not a grid: write columns x rows, as in 10x10, each at most 1000"))
}

pub(super) fn step_size(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(step) if step > 0.0 && step < 2.0 => Ok(step),
        _ => Err(format!("{text:?} is not a number between 0 and 2, where the fixed point converges")),
    }
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    require_extension(args.out.as_deref(), "png")?;
    let loaded = load::<f32>(&args.run)?;
    let blueprint = &loaded.header.blueprint;
    let (space, classes) = (blueprint.space, blueprint.classes);
    class::check(args.class, &args.run, classes)?;
    sound::check(args.wav.as_deref(), args.run.display(), &space)?;
    if args.noise && matches!(loaded.model, Model::Flow(_)) {
        bail!("{} maps z to x without noise: leave out --noise", blueprint.name());
    }
    let [columns, rows] = args.grid;
    let Args { class, temperature, on: Compute { seed: Seed { seed }, .. }, .. } = *args;
    let inversion = args.inversion(blueprint)?;
    if let Space::Images { height, width, .. } = space {
        pictures::grid::check(columns * rows, [height, width], columns)?;
    }
    // A search keeps its latents too, in f64.
    let each = if blueprint.is::<MintNet>() { 32.0 } else { 12.0 };
    let what = format!("drawing {} samples", columns * rows);
    memory::require(each * (columns * rows) as f64 * space.dims() as f64, &what, "ask for fewer with --grid")?;
    let request = Request { count: columns * rows, class, temperature, seed };
    let (samples, search) = args.on.threads.run(|| draw(args, &loaded, &request, inversion))?;
    if !samples.all_finite() {
        if args.inverse != IN_ORDER {
            bail!("the fixed point did not converge: choose a smaller --step-size, or leave out --inverse");
        }
        bail!("some samples at temperature {temperature:e} are not finite: choose a smaller --temperature");
    }
    let units = Standardization::of(&loaded.model);
    if let Some(path) = &args.npy {
        write_data(path, &samples, units.as_ref())?;
        let pixels = loaded.model.describe_pixels(&space).map_or(String::new(), |pixels| format!("; {pixels}"));
        writeln!(out, "{}: {} samples of {}{pixels}", path.display(), request.count, space.describe())?;
    }
    if args.npy.is_some() && args.out.is_none() && !args.show && !drawing::has_picture(&space) {
        return Ok(());
    }
    let samples = drawing::plotted(units.as_ref(), samples);
    let picture = drawing::picture(&samples, "samples", &space, columns)?;
    let path = args.out.clone().unwrap_or_else(|| next_to(&args.run, "samples.png"));
    picture.save_png(&path)?;
    let of = match (class, classes) {
        (Some(class), _) => format!(" of class {class}"),
        (None, 0) => String::new(),
        (None, classes) => format!(" of the classes 0 to {} in turn", classes - 1),
    };
    let shown = drawing::shown(&space, request.count);
    let note = units.map_or_else(String::new, |units| units.plot_note());
    writeln!(out, "{}: {shown} samples{of} at temperature {temperature}, seed {seed}{note}", path.display())?;
    if let Some((most, Distance { max_abs, rms })) = search {
        let how = match inversion {
            Inversion::FixedPoint { step, iterations } => {
                let ended = if most >= iterations { "stopped at" } else { "at most" };
                format!("a fixed point in each layer, step {step:.4}, {ended} {most} iterations")
            }
            Inversion::Sweep { .. } => format!("a sweep in each layer, at most {most} evaluations per root"),
        };
        writeln!(out, "inverted by {how}; round trip with x rounded to f32: error {max_abs:.1e} (rms {rms:.1e})")?;
    }
    if let Space::Signal { samples: length, rate } = space {
        let wav = args.wav.clone().unwrap_or_else(|| next_to(&args.run, "samples.wav"));
        sound::write(&wav, samples.as_slice(), length, rate, out)?;
    }
    if args.show {
        let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(100);
        out.picture(&terminal::render(&picture, Colors::detect(&std::io::stdout()), width))?;
    }
    Ok(())
}

/// How much work the search for samples took in any layer, and its error.
type Found = (usize, Distance);

/// Samples and, if they were searched for, how well that went. `MintNet` is inverted in `f64` from layer to layer, because
/// rounding to `f32` between the layers would lose more than the search does.
fn draw(
    args: &Args,
    loaded: &Loaded<Model<f32>>,
    request: &Request,
    inversion: Inversion,
) -> Result<(Tensor<f32>, Option<Found>)> {
    let blueprint = &loaded.header.blueprint;
    let flow = match &loaded.model {
        Model::Flow(flow) => flow,
        Model::Vae(vae) => {
            let draw = args.draw(&blueprint.space);
            return Ok((bound::samples(vae, request.count, request.temperature, request.seed, draw)?, None));
        }
    };
    if !blueprint.is::<MintNet>() {
        return Ok((sampling::draw(flow, request)?.values, None));
    }
    let exact = load_flow::<f64>(&args.run, "give a run of mint-net")?.model;
    MintSolver::of(&exact).iter().for_each(|solver| solver.set_inversion(inversion));
    let Drawn { values, search } = sampling::draw(&exact, request)?;
    let mut values: Tensor<f32> = values.cast();
    if let Some([low, high]) = flow.support() {
        // Rounding may have moved them out of the support.
        values.as_mut_slice().iter_mut().for_each(|x| *x = x.clamp(low, high));
    }
    Ok((values, search.map(|search| (search.most, search.distance(&exact)))))
}
