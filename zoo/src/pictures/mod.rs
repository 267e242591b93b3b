//! Pictures of what a model has learned: sample grids, loss curves, scatters, signals, and a rough view of any of them
//! in the terminal.
//!
//! A figure is a [`Canvas`]: a list of shapes, written as SVG or painted into the pixels of a PNG. Ticks, axes, titles,
//! legends, and color bars are drawn in one file, `axes.rs`, and so they look alike everywhere and in both formats.
//! Grids of images are pixels from the start, a [`Raster`].
//!
//! A file is written only when it is complete. Values that are not finite are left out and are not an error: the
//! pictures of a diverging model are needed most.

mod axes;
pub mod blend;
mod canvas;
pub mod change_of_variables;
pub mod curve;
pub mod density;
pub mod dot_plot;
pub mod drawing;
pub mod grid;
pub mod heat;
pub mod legend;
mod paint;
pub mod planar;
pub mod quantiles;
mod raster;
pub mod rbig;
mod scale;
pub mod scatter;
pub mod side_by_side;
pub mod steps;
pub mod terminal;
pub mod volumes;
pub mod wave;
mod window;

pub use canvas::Canvas;
pub use raster::Raster;
pub(crate) use scale::number as short_number;
pub use window::Window;

use anyhow::anyhow;
use std::fmt::Display;

/// A picture for a folder of pictures.
#[derive(Debug)]
pub struct Figure {
    /// The name of its file.
    pub name: &'static str,
    pub picture: Raster,
    /// What it shows, in one line.
    pub caption: String,
}

/// The error for values that do not fill a picture's shape.
fn misshaped(values: usize, shape: impl Display) -> anyhow::Error {
    anyhow!("{values} values do not make {shape}; pass as many values as the shape holds")
}

/// The error for a picture without any finite value.
fn nothing(what: impl Display) -> anyhow::Error {
    anyhow!("there is nothing to draw in {what}; every value is missing or not finite")
}

/// One byte of brightness from a value in [0, 1]. Other values are clamped; NaN is black.
pub fn byte(value: f32) -> u8 {
    // Converting floats to integers saturates, and takes NaN to 0.
    (value * 255.0).round() as u8
}

/// Colors that readers with any color vision can tell apart (Okabe & Ito 2008), dark ones first; to have one for each
/// digit, some of Tol's follow.
pub(crate) const PALETTE: [[u8; 3]; 10] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [136, 34, 85],
    [110, 110, 110],
    [153, 153, 51],
    [51, 34, 136],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The places in an area of a picture (left and top; width and height) that are bluer than red: where the first
    /// color of the palette was drawn.
    pub(super) fn blue(picture: &Raster, [left, top]: [usize; 2], [width, height]: [usize; 2]) -> Vec<(usize, usize)> {
        let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        all.filter(|&(x, y)| {
            let [red, _, blue] = picture.rgb(left + x, top + y);
            blue > red.saturating_add(40)
        })
        .collect()
    }

    #[test]
    fn bytes_are_rounded_and_clamped() {
        let values = [0.0, 1.0, 0.5, -3.0, 7.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        assert_eq!(values.map(byte), [0, 255, 128, 0, 255, 0, 255, 0]);
    }
}
