//! `zoo interpolate`: what lies between test images.

use super::{Output, folder, load_flow, source, threads};
use crate::blueprint::Space;
use crate::data::rows::Rows;
use crate::data::source::{Part, Source};
use crate::measure::score::continuous;
use crate::pictures::blend::{self, Blend, Interpolation};
use crate::pictures::grid;
use anyhow::{Result, bail};
use autograd::{Tensor, parallel};
use flows::{Context, Flow, Noise};
use std::path::PathBuf;
use std::process::ExitCode;

/// What to go between, and where to draw it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder or a .safetensors file, of images
    run: PathBuf,
    /// Other data of the same shape to take test images from [default: what the model was trained on]
    #[arg(long)]
    data: Option<String>,
    /// Images along each side of the manifold, and in each line
    #[arg(long, default_value = "10", value_parser = clap::value_parser!(u16).range(2..=200))]
    size: u16,
    /// The test images in the manifold's corners, counted from 0: top left, top right, bottom left, bottom
    /// right [default: the first of four different classes]
    #[arg(long, value_name = "A,B,C,D", value_parser = corners)]
    corners: Option<Corners>,
    /// The test images that lines begin with, one or several [default: of every second class]
    #[arg(long, value_name = "A,…", value_delimiter = ',', requires = "to")]
    from: Vec<usize>,
    /// The test images that they end with, as many [default: of the classes between]
    #[arg(long, value_name = "B,…", value_delimiter = ',', requires = "from")]
    to: Vec<usize>,
    /// Draw lines that are straight in the latents, instead of arcs that keep their distance from the middle
    #[arg(long)]
    straight: bool,
    /// Decides the noise that dequantizes pixels
    #[arg(long, default_value = "0")]
    seed: u64,
    /// The folder for manifold.png and line.png [default: the model's]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Corners([usize; 4]);

fn corners(text: &str) -> Result<Corners, String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    let four = numbers.and_then(|numbers| numbers.try_into().ok());
    four.map(Corners).ok_or_else(|| format!("{text:?} are not four test images: write their numbers, as in 0,1,2,3"))
}

/// The most lines that are drawn where nobody says which.
const LINES: usize = 5;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let loaded = load_flow::<f32>(&args.run, "zoo reconstruct draws what it makes of test images")?;
    let header = &loaded.header;
    let space = header.blueprint.space;
    let Space::Images { channels, height, width } = space else {
        bail!(
            "{} is over {}, and only images are interpolated: what a model of the plane has learned is drawn by `zoo density`",
            args.run.display(),
            space.describe()
        );
    };
    if args.from.len() != args.to.len() {
        bail!("--from names {} test images and --to {}: give as many of each", args.from.len(), args.to.len());
    }
    let source = source(header, args.data.as_ref())?;
    let corners = args.corners.map_or_else(|| default_corners(&source), |Corners(four)| four);
    let lines = if args.from.is_empty() {
        default_lines(&source)
    } else {
        args.from.iter().zip(&args.to).map(|(&from, &to)| [from, to]).collect()
    };
    // Every image is encoded once a use; blends name them by their place here.
    let used: Vec<usize> = corners.iter().chain(lines.iter().flatten()).copied().collect();
    let images = images(&source, &used, args.seed)?;
    let interpolation = if args.straight { Interpolation::Linear } else { Interpolation::Spherical };
    let size = usize::from(args.size);

    let drawn = parallel::with_threads(threads(args.threads), || -> Result<_> {
        let flow = &loaded.model;
        let latents = images.clone().with_x(flow.encode_given(images.x(), images.classes())?);
        let decoded = flow.decode_given(latents.x(), latents.classes())?;
        let along = |line: usize| blend::line(latents.x(), [4 + 2 * line, 5 + 2 * line], size, interpolation);
        let manifold = decode(flow, &latents, &blend::manifold([0, 1, 2, 3], size))?;
        let lines = decode(flow, &latents, &(0..lines.len()).flat_map(along).collect::<Vec<_>>())?;
        Ok((worst(&decoded, images.x()), manifold, lines))
    });
    let (error, manifold, line) = drawn?;
    if !manifold.all_finite() || !line.all_finite() {
        bail!("{} decodes some of these mixtures to no finite numbers: choose other images", args.run.display());
    }

    let tile = grid::Tile { channels, height, width };
    let layout = grid::Layout { columns: Some(size), ..grid::Layout::default() };
    let folder = folder(&args.run, args.out.as_deref())?;
    let named = |index: &usize| match source.labels(Part::Test).and_then(|labels| labels.get(*index)) {
        Some(label) => format!("{index} (a {label})"),
        None => index.to_string(),
    };
    let list = |indices: &[usize]| indices.iter().map(named).collect::<Vec<_>>().join(", ");
    let path = folder.join("manifold.png");
    grid::draw_unit(manifold.as_slice(), tile, &layout)?.save_png(&path)?;
    writeln!(out, "{}: {size}×{size} images between the test images {}", path.display(), list(&corners))?;
    let path = folder.join("line.png");
    grid::draw_unit(line.as_slice(), tile, &layout)?.save_png(&path)?;
    let ends: Vec<String> = lines.iter().map(|[from, to]| format!("{} to {}", named(from), named(to))).collect();
    writeln!(out, "{}: {size} images each from {}", path.display(), ends.join(", "))?;
    writeln!(out, "at the corners and ends, |x − decode(encode(x))| is at most {error:.1e} of 256 pixel levels")?;
    Ok(ExitCode::SUCCESS)
}

fn decode(flow: &Flow<f32>, latents: &Rows<f32>, blends: &[Blend]) -> Result<Tensor<f32>> {
    let blended = blend::blended(latents, blends);
    Ok(flow.decode_given(blended.x(), blended.classes())?)
}

/// The greatest difference, in levels of a pixel. NaN, which no comparison sees, is the greatest of all.
fn worst(found: &Tensor<f32>, expected: &Tensor<f32>) -> f64 {
    let differences = found.as_slice().iter().zip(expected.as_slice()).map(|(a, b)| f64::from(a - b).abs() * 256.0);
    differences.fold(0.0, |worst, error| if error.is_nan() { f64::INFINITY } else { worst.max(error) })
}

/// These test images with values in [0, 1]. The noise in an image's pixels depends on the seed and on which
/// image it is, not on its company.
fn images(source: &Source, indices: &[usize], seed: u64) -> Result<Rows<f32>> {
    let last = indices.iter().copied().max().unwrap_or(0);
    let all = source.held_out(Part::Test, Some(last.saturating_add(1)));
    if last >= all.count() {
        bail!("there is no test image {last}: there are {}, counted from 0", all.count());
    }
    let mut chosen = all.select(indices);
    let mut values = Vec::with_capacity(chosen.x().as_slice().len());
    for (place, &index) in indices.iter().enumerate() {
        let levels = chosen.x().rows(place..place + 1).into();
        let cx = Context::evaluation(Noise::new(seed).from_row(index));
        values.extend_from_slice(continuous(&source.space(), &levels, cx).value().as_slice());
    }
    let shape = chosen.x().shape().clone();
    chosen = chosen.with_x(Tensor::from_slice(shape, &values));
    Ok(chosen)
}

/// The first test image of each class, in the order of the classes. Without labels, every image counts as
/// a class of its own.
fn of_each_class(source: &Source) -> Vec<usize> {
    match source.labels(Part::Test) {
        Some(labels) => (0..=u8::MAX).filter_map(|class| labels.iter().position(|&label| label == class)).collect(),
        None => (0..source.held_out(Part::Test, Some(2 * LINES)).count()).collect(),
    }
}

/// The first four test images of different classes; if there are fewer, some are taken again.
fn default_corners(source: &Source) -> [usize; 4] {
    let mut first = of_each_class(source);
    first.sort_unstable();
    [0, 1, 2, 3].map(|corner| first[corner % first.len()])
}

/// From each second class to the next.
fn default_lines(source: &Source) -> Vec<[usize; 2]> {
    let first = of_each_class(source);
    match first.as_slice() {
        &[only] => vec![[only, only]],
        several => several.chunks_exact(2).take(LINES).map(|pair| [pair[0], pair[1]]).collect(),
    }
}
