//! Samples as pictures: grids of images, scatters of points.

use crate::blueprint::Space;
use crate::pictures::{Raster, grid, scatter};
use anyhow::{Result, bail};
use autograd::Tensor;
use flows::{Context, Flow};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// Samples made at a time, so that a large request needs no more memory than a small one.
const BATCH: usize = 500;

/// Draws `count` samples, `[count, …]`, reproducibly from a seed.
#[must_use]
pub fn samples(flow: &Flow<f32>, count: usize, temperature: f64, seed: u64) -> Tensor<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values = Vec::with_capacity(count * flow.dims());
    for start in (0..count).step_by(BATCH) {
        let part = flow.sample(BATCH.min(count - start), Context::default(), temperature, &mut rng);
        values.extend_from_slice(part.as_slice());
    }
    Tensor::from_slice([count, flow.dims()], &values)
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
        Space::Table { columns: 2, .. } => {
            let panel = scatter::Panel { title: "samples", points: samples.as_slice(), groups: &[] };
            let reach = samples.as_slice().iter().filter(|x| x.is_finite()).fold(4.0f32, |m, x| m.max(x.abs()));
            // A few stray points must not shrink all others to a dot.
            let layout = scatter::Layout { reach: reach.min(12.0), side: 480, columns: 1 };
            scatter::raster(&[panel], &layout)?
        }
        Space::Table { columns, .. } => {
            bail!("rows of {columns} numbers have no picture: write them with --npy FILE.npy instead")
        }
    })
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
