//! Samples as pictures: grids of images, scatters of points.

use crate::blueprint::Space;
use crate::pictures::{Raster, grid, scatter};
use crate::rows::one_hot;
use anyhow::{Result, bail};
use autograd::{Tensor, Var};
use flows::{Context, Flow};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;
use std::path::Path;

/// Samples made at a time, so that a large request needs no more memory than a small one.
const BATCH: usize = 500;

/// Draws `count` samples, `[count, …]`, reproducibly from a seed. A conditional flow draws all of them of
/// one class, or, where none is chosen, of each class in turn.
#[must_use]
pub fn samples(flow: &Flow<f32>, class: Option<usize>, count: usize, temperature: f64, seed: u64) -> Tensor<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values = Vec::with_capacity(count * flow.dims());
    for start in (0..count).step_by(BATCH) {
        let drawn = start..(start + BATCH).min(count);
        let condition = condition(flow, class, drawn.clone()).map(Var::from);
        let cx = Context { condition: condition.as_ref(), ..Context::default() };
        let part = flow.sample(drawn.len(), cx, temperature, &mut rng);
        values.extend_from_slice(part.as_slice());
    }
    Tensor::from_slice([count, flow.dims()], &values)
}

/// The condition of some rows of a conditional flow: all of one class, or of each class in turn.
#[must_use]
pub fn condition(flow: &Flow<f32>, class: Option<usize>, rows: Range<usize>) -> Option<Tensor<f32>> {
    let classes = flow.condition();
    let chosen: Vec<usize> = rows.map(|row| class.unwrap_or(row % classes.max(1))).collect();
    (classes > 0).then(|| one_hot(&chosen, classes))
}

/// The picture of some samples: a grid of images, or a scatter of points in the plane.
///
/// # Errors
/// If samples of that space have no picture.
pub fn picture(samples: &Tensor<f32>, space: &Space, columns: usize) -> Result<Raster> {
    Ok(match *space {
        Space::Images { channels, height, width } => {
            let tile = grid::Tile { channels, height, width };
            let layout = grid::Layout { columns: Some(columns), ..grid::Layout::default() };
            grid::draw_unit(samples.as_slice(), tile, &layout)?
        }
        Space::Table { columns: 2, standardised } => {
            let points = if standardised { centred(samples.as_slice()) } else { samples.as_slice().to_vec() };
            let panel = scatter::Panel { title: "samples", points: &points, groups: &[] };
            let reach = points.iter().filter(|x| x.is_finite()).fold(4.0f32, |m, x| m.max(x.abs()));
            // A few stray points must not shrink all others to a dot.
            let layout = scatter::Layout { reach: reach.min(12.0), side: 480, columns: 1 };
            scatter::raster(&[panel], &layout)?
        }
        Space::Table { columns, .. } => {
            bail!("rows of {columns} numbers have no picture: write them with --npy FILE.npy instead")
        }
    })
}

/// Points moved and scaled to mean 0 and deviation 1: data that was standardised for the model may
/// lie anywhere, and all of it would be outside of a picture around the origin.
fn centred(points: &[f32]) -> Vec<f32> {
    let mut centred = points.to_vec();
    for axis in 0..2 {
        let along = || points.iter().skip(axis).step_by(2).map(|&x| f64::from(x)).filter(|x| x.is_finite());
        let count = along().count().max(1) as f64;
        let mean = along().sum::<f64>() / count;
        let deviation = (along().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
        let scale = if deviation > 0.0 { deviation.recip() } else { 1.0 };
        for x in centred.iter_mut().skip(axis).step_by(2) {
            *x = ((f64::from(*x) - mean) * scale) as f32;
        }
    }
    centred
}

/// Draws some samples into a PNG; rows that have no picture are left undrawn.
///
/// # Errors
/// If the file cannot be written.
pub fn save(samples: &Tensor<f32>, space: &Space, path: &Path, columns: usize) -> Result<()> {
    if matches!(space, Space::Table { columns, .. } if *columns != 2) {
        return Ok(());
    }
    Ok(picture(samples, space, columns)?.save_png(path)?)
}
