//! `zoo interpolate`: paths between test images in latent space.

use super::prelude::*;
use crate::data::rows::Rows;
use crate::pictures::blend::{self, Blend};
use crate::pictures::grid;
use crate::runs::memory;

/// Interpolate between test images in latent space
///
/// manifold.png has a test image in each corner and mixtures of the four between them. line.png has one
/// interpolation per row.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo interpolate runs/real-nvp-mnist --corners 0,1,2,3")]
pub(super) struct Args {
    #[command(flatten)]
    on: OnData,
    /// Images along each side of the manifold, and in each line
    #[arg(long, value_name = "N", default_value = "10", value_parser = whole(2..=200))]
    size: usize,
    /// Indices of the test images in the manifold's corners, from 0: top left, top right, bottom left, bottom right
    /// [default: the first of four classes]
    #[arg(long, value_name = "A,B,C,D", value_parser = corners)]
    corners: Option<[usize; 4]>,
    /// Indices of the test images that the lines start from [default: every second class]
    #[arg(long, value_name = "A,…", value_delimiter = ',', requires = "to")]
    from: Vec<usize>,
    /// Indices of the test images that the lines end at [default: the classes in between]
    #[arg(long, value_name = "B,…", value_delimiter = ',', requires = "from")]
    to: Vec<usize>,
    /// Interpolate along straight lines in latent space, instead of arcs of constant radius
    #[arg(long)]
    straight: bool,
    #[command(flatten)]
    out: OutFolder,
}

fn corners(text: &str) -> Result<[usize; 4], String> {
    several(text, ',').ok_or_else(|| format!("{text:?} is not a list of four test images: give indices, as in 0,1,2,3"))
}

/// The most lines that are drawn by default.
const LINES: usize = 5;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let OnData { run, data, seed, threads } = &args.on;
    let loaded = load_flow::<f32>(run, "zoo reconstruct plots its reconstructions")?;
    let (header, flow) = (&loaded.header, &loaded.model);
    let space = header.blueprint.space;
    let Space::Images { channels, height, width } = space else {
        let (run, what) = (run.display(), space.describe());
        bail!("{run} models {what}; interpolate takes only models of images: zoo density plots models of 2 columns");
    };
    if args.from.len() != args.to.len() {
        bail!("--from names {} test images and --to {}: give equally many", args.from.len(), args.to.len());
    }
    let source = source(&loaded, data.as_ref())?;
    let corners = args.corners.unwrap_or_else(|| default_corners(&source));
    let ends: Vec<[usize; 2]> = if args.from.is_empty() {
        default_lines(&source)
    } else {
        args.from.iter().zip(&args.to).map(|(&from, &to)| [from, to]).collect()
    };
    // Each image is encoded once per use. A blend refers to it by its place in this list.
    let used: Vec<usize> = corners.iter().chain(ends.iter().flatten()).copied().collect();
    let images = images(&loaded.model, &source, &used, seed.seed)?;
    let size = args.size;
    let count = size * size.max(ends.len());
    let what = format!("decoding {count} images");
    memory::require(12.0 * count as f64 * space.dims() as f64, &what, "choose a smaller --size")?;
    grid::check(count, [height, width], size)?;
    let decoded = threads.run(|| -> Result<_> {
        let latents = images.clone().with_x(flow.encode_given(images.x(), images.condition())?);
        let decoded = flow.decode_given(latents.x(), latents.condition())?;
        let along = |line: usize| blend::line(latents.x(), [4 + 2 * line, 5 + 2 * line], size, args.straight);
        let decode = |blends: &[Blend]| {
            let blended = blend::blended(&latents, blends);
            flow.decode_given(blended.x(), blended.condition())
        };
        let manifold = decode(&blend::manifold([0, 1, 2, 3], size))?;
        let lines = decode(&(0..ends.len()).flat_map(along).collect::<Vec<_>>())?;
        Ok((largest_error(&decoded, images.x()), manifold, lines))
    });
    let (error, manifold, lines) = decoded?;
    if !manifold.all_finite() || !lines.all_finite() {
        bail!("{} decodes some of these mixtures to values that are not finite: choose other images", run.display());
    }

    let draw = |images: &Tensor<f32>| grid::draw(images.as_slice(), [channels, height, width], size);
    let labels = source.labels(Part::Test);
    let named = |index: &usize| match labels.and_then(|labels| labels.get(*index)) {
        Some(label) => format!("{index} (a {label})"),
        None => index.to_string(),
    };
    let between = corners.each_ref().map(named).join(", ");
    let ends: Vec<String> = ends.iter().map(|[from, to]| format!("{} to {}", named(from), named(to))).collect();
    let caption = format!("{size}×{size} images between the test images {between}");
    let manifold = Figure { name: "manifold.png", picture: draw(&manifold)?, caption };
    let caption = format!("{size} images each from {}", ends.join(", "));
    let lines = Figure { name: "line.png", picture: draw(&lines)?, caption };
    save_all(vec![manifold, lines], |name| args.out.file(run, name), out)?;
    writeln!(out, "at the corners and ends, |x − decode(encode(x))| is at most {error:.1e} of 256 pixel levels")
}

/// The largest difference, in pixel levels. NaN, which no comparison notices, counts as infinite.
fn largest_error(found: &Tensor<f32>, expected: &Tensor<f32>) -> f64 {
    let differences = found.as_slice().iter().zip(expected.as_slice()).map(|(a, b)| f64::from(a - b).abs() * 256.0);
    differences.fold(0.0, |largest, error| if error.is_nan() { f64::INFINITY } else { largest.max(error) })
}

/// These test images, dequantized to [0, 1]. An image's noise depends only on the seed and on its index.
fn images(flow: &Flow<f32>, source: &Source, indices: &[usize], seed: u64) -> Result<Rows<f32>> {
    let last = indices.iter().copied().max().unwrap_or(0);
    let all = source.held_out(Part::Test, Some(last.saturating_add(1)));
    if last >= all.count() {
        bail!("there is no test image {last}: there are {}, counted from 0", all.count());
    }
    let chosen = all.select(indices);
    let mut values = Vec::with_capacity(chosen.x().as_slice().len());
    for (place, &index) in indices.iter().enumerate() {
        let levels = chosen.x().rows(place..place + 1).into();
        let cx = Context::evaluation(Noise::new(seed).from_row(index));
        values.extend_from_slice(continuous(flow, &source.space(), &levels, cx).value().as_slice());
    }
    let shape = chosen.x().shape().clone();
    Ok(chosen.with_x(Tensor::from_slice(shape, &values)))
}

/// The first test image of each class, in class order. Without labels, each image is its own class.
fn one_per_class(source: &Source) -> Vec<usize> {
    match source.labels(Part::Test) {
        Some(labels) => (0..=u8::MAX).filter_map(|class| labels.iter().position(|&label| label == class)).collect(),
        None => (0..source.held_out(Part::Test, Some(2 * LINES)).count()).collect(),
    }
}

/// The first four test images of different classes, repeated if there are fewer than four classes.
fn default_corners(source: &Source) -> [usize; 4] {
    let mut first = one_per_class(source);
    first.sort_unstable();
    [0, 1, 2, 3].map(|corner| first[corner % first.len()])
}

/// From each second class to the next.
fn default_lines(source: &Source) -> Vec<[usize; 2]> {
    match one_per_class(source).as_slice() {
        &[only] => vec![[only, only]],
        several => several.chunks_exact(2).take(LINES).map(|pair| [pair[0], pair[1]]).collect(),
    }
}
