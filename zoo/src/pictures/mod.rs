//! Pictures of what a model has learned: sample grids, loss curves, scatters, signals, and a rough view
//! of any of them in the terminal.
//!
//! Everything is drawn into memory first, as a [`Raster`] or as SVG text, and only then written,
//! whole or not at all. Values that are not finite are never drawn and never stop a drawing: a
//! model that diverges is just when its pictures are wanted.

pub mod beside;
pub mod blend;
pub mod change_of_variables;
pub mod curve;
pub mod density;
pub mod dots;
pub mod drawing;
pub mod figure;
mod frame;
pub mod grid;
pub mod heat;
pub mod legend;
pub mod planar;
mod plane;
pub mod quantiles;
mod raster;
pub mod rbig;
pub mod scatter;
pub mod steps;
pub mod terminal;
mod text;
pub mod volumes;
pub mod wave;

use std::io::Write;
use std::path::Path;

pub(crate) use curve::number as short_number;
pub use plane::Window;
pub use raster::Raster;

use crate::runs::files::{FileError, write_atomically};

/// Why a picture could not be made; one line.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The values do not fill the picture's shape.
    #[error("{values} values are no {what}; pass as many values as the shape holds")]
    Shape {
        /// How many values there are.
        values: usize,
        /// What they should have been.
        what: String,
    },
    /// The picture would be larger than is useful or possible.
    #[error("a picture of {width}x{height} pixels is too large; show fewer images or a smaller scale")]
    TooLarge {
        /// Its width in pixels.
        width: usize,
        /// Its height in pixels.
        height: usize,
    },
    /// There is nothing finite to draw.
    #[error("there is nothing to draw in {what}; every value is missing or not finite")]
    Nothing {
        /// What should have been drawn.
        what: String,
    },
    /// The drawing library gave up.
    #[error("the picture could not be drawn: {0}; try fewer points or a smaller range")]
    Drawing(String),
    /// The name ends in none of the formats that are written.
    #[error("{path} does not end in a format that is written here; name it .png or .svg")]
    Format {
        /// The file's name.
        path: String,
    },
}

/// Writes SVG text, whole or not at all.
fn save_svg(path: &Path, svg: &str) -> Result<(), PictureError> {
    Ok(write_atomically(path, |w| w.write_all(svg.as_bytes()))?)
}

/// Whether a path asks for SVG rather than PNG.
fn wants_svg(path: &Path) -> Result<bool, PictureError> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    match ending.to_ascii_lowercase().as_str() {
        "svg" => Ok(true),
        "png" => Ok(false),
        _ => Err(PictureError::Format { path: path.display().to_string() }),
    }
}

/// A text in at most so many letters: its beginning and its end, where it is longer.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (first, last) = (kept.div_ceil(2), kept / 2);
    letters[..first].iter().chain(&['…']).chain(&letters[letters.len() - last..]).collect()
}

/// One byte of brightness from a value in [0, 1]; what lies outside is clamped, NaN is black.
#[must_use]
pub fn byte(value: f32) -> u8 {
    // Converting floats to integers saturates, and takes NaN to 0.
    (value * 255.0).round() as u8
}

/// Colors that are told apart by readers with any color vision (Okabe and Ito), dark ones first; then, for as many
/// as there are digits, some of Tol's.
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

    #[test]
    fn bytes_are_rounded_and_clamped() {
        let values = [0.0, 1.0, 0.5, -3.0, 7.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        assert_eq!(values.map(byte), [0, 255, 128, 0, 255, 0, 255, 0]);
    }

    #[test]
    fn long_texts_lose_their_middle() {
        let texts = [("short", 5), ("abcdefgh", 5), ("äöüß", 4), ("äöüß", 3), ("abc", 1)];
        assert_eq!(texts.map(|(text, most)| cut(text, most)), ["short", "ab…gh", "äöüß", "ä…ß", "…"]);
    }

    #[test]
    fn the_ending_chooses_the_format() {
        assert!(wants_svg(Path::new("a.SVG")).unwrap());
        assert!(!wants_svg(Path::new("a.png")).unwrap());
        for name in ["a.jpg", "a", ""] {
            assert!(wants_svg(Path::new(name)).is_err());
        }
    }
}
