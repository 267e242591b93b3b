//! `zoo reconstruct`: test rows, encoded and decoded by a variational autoencoder.

use super::prelude::*;
use crate::pictures::{Canvas, legend};
use autograd::special::log_normal_quantile;

/// Plot a VAE's reconstructions and, for two latents, its latent space
///
/// reconstructions.png has test images and, below each, its reconstruction. For two latents, manifold.png decodes a
/// grid of equally likely z, and latents.png plots the test rows in latent space, colored by class.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo reconstruct runs/vae-mnist")]
pub(super) struct Args {
    #[command(flatten)]
    on: OnData,
    #[command(flatten)]
    out: OutFolder,
}

/// Columns, and rows of test images; below each row are its reconstructions.
const COLUMNS: usize = 10;
const ROWS: usize = 5;
/// Images along each side of the manifold.
const SIDE: usize = 20;
/// The most test rows in a scatter plot.
const POINTS: usize = 10_000;
/// Pixels along each side of a scatter plot.
const SCATTER: usize = 480;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let OnData { run, data, seed, threads } = &args.on;
    let loaded = load::<f32>(run)?;
    let name = loaded.header.blueprint.name();
    let Model::Vae(vae) = &loaded.model else {
        bail!("{}: reconstruct is for VAEs, and {name} inverts exactly: zoo check measures how exactly", run.display());
    };
    let space = loaded.header.blueprint.space;
    if !drawing::has_picture(&space) {
        bail!("{} models {}, which have no picture: use zoo encode and zoo decode", run.display(), space.describe());
    }
    let source = source(&loaded, data.as_ref())?;
    let figures = threads.run(|| -> Result<Vec<Figure>> {
        let rows = source.held_out(Part::Test, Some(POINTS));
        // As the model was trained on them: binarized, or dequantized.
        let rows = bound::prepared(vae.likelihood(), &space, &Var::from(rows.x().clone()), Noise::new(seed.seed));
        let rows = rows.value.into_value();
        let codes = bound::encode(vae, &rows)?;
        let mut figures = vec![reconstructions(vae, &space, &rows, &codes)?];
        if vae.latents() == 2 {
            if let Space::Images { .. } = space {
                figures.push(manifold(vae, &space)?);
            }
            figures.extend(latents(&source, &space, &rows, &codes)?);
        }
        Ok(figures)
    })?;
    save_all(figures, |name| args.out.file(run, name), out)
}

/// Rows, and their reconstructions from the centers of their posteriors.
fn reconstructions(vae: &Vae<f32>, space: &Space, rows: &Tensor<f32>, codes: &Tensor<f32>) -> Result<Figure> {
    let name = "reconstructions.png";
    let count = rows.shape()[0];
    if let Space::Table { .. } = space {
        let units = Standardization::of(vae);
        let [rows, decoded] =
            [rows.clone(), bound::decode(vae, codes)?].map(|points| drawing::plotted(units.as_ref(), points));
        let colors = quarters(rows.as_slice());
        let panel = |title, points| scatter::Panel { title, points, groups: &colors };
        let panels = [panel("test rows", rows.as_slice()), panel("reconstructions", decoded.as_slice())];
        let window = Window::around(rows.as_slice()).unwrap_or(Window::square(4.0));
        let picture = scatter::draw(&panels, &scatter::Layout { window, side: SCATTER, columns: 2 })?.raster()?;
        let caption = format!(
            "{count} test rows and their reconstructions, one color per quarter of x1{}",
            units.map_or_else(String::new, |units| units.plot_note())
        );
        return Ok(Figure { name, picture, caption });
    }
    let count = count.min(COLUMNS * ROWS);
    let mut values = Vec::new();
    for first in (0..count).step_by(COLUMNS) {
        let range = first..count.min(first + COLUMNS);
        let decoded = bound::decode(vae, &codes.rows(range.clone()))?;
        // The gaps in an incomplete last row are gray.
        let gap = vec![0.5; (COLUMNS - range.len()) * vae.dims()];
        for images in [&rows.rows(range), &decoded] {
            values.extend_from_slice(images.as_slice());
            values.extend_from_slice(&gap);
        }
    }
    let images = Tensor::from_slice([values.len() / vae.dims(), vae.dims()], &values);
    let picture = drawing::picture(&images, "reconstructions", space, COLUMNS)?;
    Ok(Figure { name, picture, caption: format!("{count} test images, and below each its reconstruction") })
}

/// Images decoded from the centers of equally likely cells of z (Kingma & Welling 2014, figure 4).
fn manifold(vae: &Vae<f32>, space: &Space) -> Result<Figure> {
    let quantile = |i: usize| log_normal_quantile(((i as f64 + 0.5) / SIDE as f64).ln()) as f32;
    let cells = (0..SIDE).rev().flat_map(|up| (0..SIDE).flat_map(move |right| [quantile(right), quantile(up)]));
    let z = Tensor::from_slice([SIDE * SIDE, 2], &cells.collect::<Vec<_>>());
    let picture = drawing::picture(&bound::decode(vae, &z)?, "manifold", space, SIDE)?;
    let caption = format!("{SIDE}×{SIDE} images decoded from a grid of equally likely z");
    Ok(Figure { name: "manifold.png", picture, caption })
}

/// The centers of the posteriors, colored by class or, for points, by x₁.
fn latents(source: &Source, space: &Space, rows: &Tensor<f32>, codes: &Tensor<f32>) -> Result<Option<Figure>> {
    let draw = |colors: &[u8]| -> Result<Canvas> {
        let panel = scatter::Panel { title: "z", points: codes.as_slice(), groups: colors };
        let reach = Window::around(codes.as_slice()).map_or(4.0, |around| around.reach().clamp(4.0, 12.0));
        let layout = scatter::Layout { window: Window::square(reach), side: SCATTER, columns: 1 };
        scatter::draw(&[panel], &layout)
    };
    let count = codes.shape()[0];
    let (picture, caption) = match (space, source.labels(Part::Test)) {
        (Space::Images { .. }, None) => return Ok(None),
        (Space::Images { .. }, Some(labels)) => {
            let labels = &labels[..count];
            let classes = labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
            let caption = format!("z of {count} test images, one color per class");
            (legend::beside(draw(labels)?, classes)?, caption)
        }
        _ => {
            let caption = format!("z of {count} test rows, one color per quarter of x1");
            (draw(&quarters(rows.as_slice()))?, caption)
        }
    };
    Ok(Some(Figure { name: "latents.png", picture: picture.raster()?, caption }))
}
