//! Samples as pictures: grids of images, scatters of points, signals through time.

use crate::data::{Space, Standardization};
use crate::pictures::{Raster, Window, grid, scatter, wave};
use anyhow::{Result, bail};
use autograd::Tensor;
use std::path::Path;

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

/// A model's rows in the units of their picture: of a table, the data's ([`Standardization::for_plots`]).
pub fn plotted(units: Option<&Standardization>, rows: Tensor<f32>) -> Tensor<f32> {
    let Some(units) = units else { return rows };
    let values = units.for_plots().to_data(rows.as_slice());
    Tensor::from_fn(rows.shape(), |i| values[i] as f32)
}

/// A picture of some rows, in the units to plot: a grid of images, a scatter of points in the plane, or the first few signals. Images have no
/// title; `columns` is for images alone.
pub fn picture(samples: &Tensor<f32>, title: &str, space: &Space, columns: usize) -> Result<Raster> {
    Ok(match *space {
        Space::Images { channels, height, width } => {
            grid::draw(samples.as_slice(), [channels, height, width], columns)?
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
            wave::draw(&[(title, samples.as_slice())], length, rate)?.raster()?
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
