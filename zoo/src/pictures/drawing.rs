//! Samples as pictures: grids of images, scatters of points, signals through time.

use crate::data::Space;
use crate::data::rows::one_hot;
use crate::measure::sampling::{self, Request};
use crate::pictures::{Raster, Window, grid, scatter, wave};
use anyhow::{Result, bail};
use autograd::{Real, Tensor};
use flows::Flow;
use std::ops::Range;
use std::path::Path;

/// Draws `count` samples, `[count, …]`, reproducibly from a seed. A conditional flow draws them all from one class or,
/// if none is chosen, from each class in turn.
pub fn samples(flow: &Flow<f32>, class: Option<usize>, count: usize, temperature: f64, seed: u64) -> Tensor<f32> {
    let request = Request { count, class, temperature, seed };
    sampling::draw(flow, &request).values
}

/// The condition of some rows of a conditional flow: one class for all, or each class in turn.
pub fn condition<T: Real>(flow: &Flow<T>, class: Option<usize>, rows: Range<usize>) -> Option<Tensor<T>> {
    let classes = flow.condition();
    let chosen: Vec<usize> = rows.map(|row| class.unwrap_or(row % classes.max(1))).collect();
    (classes > 0).then(|| one_hot(&chosen, classes))
}

/// Whether rows of a space can be drawn.
pub const fn has_picture(space: &Space) -> bool {
    match space {
        Space::Images { .. } | Space::Signal { .. } => true,
        Space::Table { columns, .. } => *columns == 2,
    }
}

/// How many of `count` rows their picture shows.
pub fn shown(space: &Space, count: usize) -> usize {
    if matches!(space, Space::Signal { .. }) { count.min(wave::MOST) } else { count }
}

/// A picture of some rows: a grid of images, a scatter of points in the plane, or the first few signals. Images have no
/// title; `columns` is for images alone.
pub fn picture(samples: &Tensor<f32>, title: &str, space: &Space, columns: usize) -> Result<Raster> {
    Ok(match *space {
        Space::Images { channels, height, width } => {
            let tile = grid::Tile { channels, height, width };
            let layout = grid::Layout { columns: Some(columns), ..grid::Layout::default() };
            grid::draw_unit(samples.as_slice(), tile, &layout)?
        }
        Space::Table { columns: 2, standardized } => {
            let points = samples.as_slice();
            // Toys are around the origin, and their pictures are easier to compare in one window. Other data may be
            // anywhere.
            let window = match Window::around(points) {
                Some(around) if standardized => around,
                Some(around) => Window::square(around.reach().clamp(4.0, 12.0)),
                None => Window::square(4.0),
            };
            let panel = scatter::Panel { title, points, groups: &[] };
            scatter::draw(&[panel], &scatter::Layout { window, side: 420, columns: 1 })?.raster()?
        }
        Space::Signal { samples: length, rate } => {
            wave::draw(&[wave::Column { title, values: samples.as_slice() }], length, rate)?.raster()?
        }
        Space::Table { columns, .. } => {
            bail!("rows of {columns} numbers have no picture: write them with --npy FILE.npy instead")
        }
    })
}

/// Writes a PNG of some samples, if their space has a picture.
pub fn save(samples: &Tensor<f32>, space: &Space, path: &Path, columns: usize) -> Result<()> {
    if !has_picture(space) {
        return Ok(());
    }
    picture(samples, "samples", space, columns)?.save_png(path)
}
