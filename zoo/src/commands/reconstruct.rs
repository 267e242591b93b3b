//! `zoo reconstruct`: what a variational autoencoder makes of test rows by way of z.

use super::latents::by_first_column;
use super::{Output, folder, load, source, threads};
use crate::blueprint::Space;
use crate::data::source::{Part, Source};
use crate::measure::bound;
use crate::model::Model;
use crate::pictures::drawing;
use crate::pictures::{Canvas, Raster, Window, legend, scatter};
use crate::runs::checkpoint::Loaded;
use anyhow::{Result, bail};
use autograd::special::log_normal_quantile;
use autograd::{Tensor, Var, parallel};
use flows::Noise;
use flows::models::Vae;
use std::path::PathBuf;
use std::process::ExitCode;

/// Whose reconstructions to draw, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder or a .safetensors file, of a vae
    run: PathBuf,
    /// Other data of the same shape to take test rows from [default: what the model was trained on]
    #[arg(long)]
    data: Option<String>,
    /// Decides the noise that dequantizes pixels, or that makes them 0 or 1
    #[arg(long, default_value = "0")]
    seed: u64,
    /// The folder for reconstructions.png, manifold.png and latents.png [default: the model's]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// Images in a row, and rows of them; below each row is one of reconstructions.
const COLUMNS: usize = 10;
const ROWS: usize = 5;
/// Images along each side of the manifold.
const SIDE: usize = 20;
/// The most test rows in a scatter.
const POINTS: usize = 10_000;
/// Pixels along each side of a scatter.
const SCATTER: usize = 480;

/// A picture, its file's name, and what is to be said of it.
type Drawn = (&'static str, Raster, String);

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let Loaded { header, model } = load::<f32>(&args.run)?;
    let Model::Vae(vae) = model else {
        bail!(
            "{}: what {} decodes is the data that it encoded, so there is nothing to see: zoo check says how exactly",
            args.run.display(),
            header.blueprint.name()
        );
    };
    let space = header.blueprint.space;
    if !drawing::has_picture(&space) {
        bail!(
            "{} is over {}, which have no picture: zoo encode and zoo decode write them as numbers",
            args.run.display(),
            space.describe()
        );
    }
    let source = source(&header, args.data.as_ref())?;
    let drawn = parallel::with_threads(threads(args.threads), || -> Result<Vec<Drawn>> {
        let rows = source.held_out(Part::Test, Some(POINTS));
        // As the model was shown them: zeros and ones, or with the noise that fills up levels.
        let shown = bound::prepared(vae.likelihood(), &space, &Var::from(rows.x().clone()), Noise::new(args.seed));
        let rows = shown.value.into_value();
        let middles = bound::encode(&vae, &rows);
        let mut drawn = vec![reconstructions(&vae, &space, &rows, &middles)?];
        if vae.latents() == 2 {
            if let Space::Images { .. } = space {
                drawn.push(manifold(&vae, &space)?);
            }
            drawn.extend(latents(&source, &space, &rows, &middles)?);
        }
        Ok(drawn)
    })?;
    let folder = folder(&args.run, args.out.as_deref())?;
    for (name, picture, what) in drawn {
        let path = folder.join(name);
        picture.save_png(&path)?;
        writeln!(out, "{}: {what}", path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Rows, and what is decoded from the middles of their posteriors.
fn reconstructions(vae: &Vae<f32>, space: &Space, rows: &Tensor<f32>, middles: &Tensor<f32>) -> Result<Drawn> {
    const NAME: &str = "reconstructions.png";
    let count = rows.shape()[0];
    if let Space::Table { .. } = space {
        let decoded = bound::decode(vae, middles);
        let colors = by_first_column(rows.as_slice());
        let panel = |title, points| scatter::Panel { title, points, groups: &colors };
        let panels = [panel("test rows", rows.as_slice()), panel("reconstructions", decoded.as_slice())];
        let window = Window::around(rows.as_slice()).unwrap_or(Window::square(4.0));
        let picture = scatter::draw(&panels, &scatter::Layout { window, side: SCATTER, columns: 2 })?.raster()?;
        return Ok((
            NAME,
            picture,
            format!("{count} test rows and what is made of them, a color for each quarter of x1"),
        ));
    }
    let count = count.min(COLUMNS * ROWS);
    let mut values = Vec::new();
    for first in (0..count).step_by(COLUMNS) {
        let range = first..count.min(first + COLUMNS);
        let decoded = bound::decode(vae, &middles.rows(range.clone()));
        // A last row that is not full: gaps are gray.
        let gap = vec![0.5; (COLUMNS - range.len()) * vae.dims()];
        for images in [&rows.rows(range), &decoded] {
            values.extend_from_slice(images.as_slice());
            values.extend_from_slice(&gap);
        }
    }
    let images = Tensor::from_slice([values.len() / vae.dims(), vae.dims()], &values);
    let picture = drawing::picture(&images, "reconstructions", space, COLUMNS)?;
    Ok((NAME, picture, format!("{count} test images, and below each what is made of it")))
}

/// What is decoded from the middles of so many by so many cells of z that are equally likely (Kingma & Welling 2014,
/// figure 4).
fn manifold(vae: &Vae<f32>, space: &Space) -> Result<Drawn> {
    let place = |i: usize| log_normal_quantile(((i as f64 + 0.5) / SIDE as f64).ln()) as f32;
    let cells = (0..SIDE).rev().flat_map(|up| (0..SIDE).flat_map(move |right| [place(right), place(up)]));
    let z = Tensor::from_slice([SIDE * SIDE, 2], &cells.collect::<Vec<_>>());
    let picture = drawing::picture(&bound::decode(vae, &z), "manifold", space, SIDE)?;
    Ok(("manifold.png", picture, format!("{SIDE}×{SIDE} images from the plane of z, each cell equally likely")))
}

/// The middles of posteriors, colored by what is known of their rows.
fn latents(source: &Source, space: &Space, rows: &Tensor<f32>, middles: &Tensor<f32>) -> Result<Option<Drawn>> {
    const NAME: &str = "latents.png";
    let draw = |colors: &[u8]| -> Result<Canvas> {
        let panel = scatter::Panel { title: "z", points: middles.as_slice(), groups: colors };
        let reach = Window::around(middles.as_slice()).map_or(4.0, |around| around.reach().clamp(4.0, 12.0));
        let layout = scatter::Layout { window: Window::square(reach), side: SCATTER, columns: 1 };
        Ok(scatter::draw(&[panel], &layout)?)
    };
    let count = middles.shape()[0];
    Ok(match (space, source.labels(Part::Test)) {
        (Space::Images { .. }, None) => None,
        (Space::Images { .. }, Some(labels)) => {
            let labels = &labels[..count];
            let classes = labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
            let picture = legend::beside(draw(labels)?, classes)?.raster()?;
            Some((NAME, picture, format!("z of {count} test images, a color for each class")))
        }
        _ => {
            let picture = draw(&by_first_column(rows.as_slice()))?.raster()?;
            Some((NAME, picture, format!("z of {count} test rows, a color for each quarter of x1")))
        }
    })
}
