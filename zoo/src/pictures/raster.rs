//! Pixels in memory, written as PNG.

use anyhow::{Result, anyhow};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use std::io;
use std::path::Path;

use crate::runs::files::write_atomically;

/// The longest side of a picture.
const LONGEST: usize = 32_768;
/// The most pixels of a picture.
const MOST: usize = 1 << 28;

/// Refuses sizes that are 0 or too large.
pub(super) fn check_size(width: usize, height: usize) -> Result<()> {
    let fits = (1..=LONGEST).contains(&width) && (1..=LONGEST).contains(&height);
    if fits && width * height <= MOST { Ok(()) } else { Err(too_large(width, height)) }
}

pub(super) fn too_large(width: usize, height: usize) -> anyhow::Error {
    anyhow!("a picture of {width}x{height} pixels is too large; show fewer images or a smaller scale")
}

/// A picture of gray or of red-green-blue pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    width: usize,
    height: usize,
    channels: usize,
    pixels: Vec<u8>,
}

impl Raster {
    /// A picture of one color, gray when `background` has one channel and colored when three.
    pub fn new<const CHANNELS: usize>(width: usize, height: usize, background: [u8; CHANNELS]) -> Result<Self> {
        const { assert!(CHANNELS == 1 || CHANNELS == 3) };
        check_size(width, height)?;
        Ok(Self { width, height, channels: CHANNELS, pixels: background.repeat(width * height) })
    }

    /// Pixels from left to right.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The values of pixel (`x`, `y`): one, or three. Panics, as a slice would, outside.
    pub fn pixel(&self, x: usize, y: usize) -> &[u8] {
        let at = self.at(x, y);
        &self.pixels[at..at + self.channels]
    }

    /// The same, mutable.
    pub fn pixel_mut(&mut self, x: usize, y: usize) -> &mut [u8] {
        let at = self.at(x, y);
        &mut self.pixels[at..at + self.channels]
    }

    /// Covers pixel (`x`, `y`) of a colored picture with a color; `share` is the opacity, from 0 to 1.
    pub(crate) fn blend(&mut self, x: usize, y: usize, color: [u8; 3], share: f64) {
        for (old, new) in self.pixel_mut(x, y).iter_mut().zip(color) {
            *old = (f64::from(*old) * (1.0 - share) + f64::from(new) * share).round() as u8;
        }
    }

    fn at(&self, x: usize, y: usize) -> usize {
        assert!(x < self.width, "pixel {x} of a row of {}", self.width);
        (y * self.width + x) * self.channels
    }

    /// Red, green and blue of a pixel, whichever kind of picture this is.
    pub fn rgb(&self, x: usize, y: usize) -> [u8; 3] {
        match *self.pixel(x, y) {
            [red, green, blue] => [red, green, blue],
            ref gray => [gray[0]; 3],
        }
    }

    /// Writes a PNG: either the whole file or none.
    pub fn save_png(&self, path: &Path) -> Result<()> {
        write_atomically(path, |writer| self.encode(writer))
    }

    /// The bytes of a PNG.
    pub(super) fn png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Memory takes any bytes.
        let _ = self.encode(&mut bytes);
        bytes
    }

    fn encode(&self, writer: impl io::Write) -> io::Result<()> {
        let color = if self.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        // Below `LONGEST`, so both sides fit.
        let (width, height) = (self.width as u32, self.height as u32);
        PngEncoder::new(writer).write_image(&self.pixels, width, height, color).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_holds_what_was_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.png");
        let mut picture = Raster::new(3, 2, [10, 20, 30]).unwrap();
        picture.pixel_mut(2, 1).copy_from_slice(&[1, 2, 3]);
        picture.save_png(&path).unwrap();
        let read = image::open(&path).unwrap().into_rgb8();
        assert_eq!(read.dimensions(), (3, 2));
        assert_eq!(read.get_pixel(2, 1).0, [1, 2, 3]);
        assert_eq!(read.get_pixel(0, 0).0, [10, 20, 30]);

        Raster::new(1, 1, [77]).unwrap().save_png(&path).unwrap();
        assert_eq!(image::open(&path).unwrap().into_luma8().into_raw(), [77]);
    }

    #[test]
    fn gray_is_seen_as_color() {
        assert_eq!(Raster::new(1, 1, [9]).unwrap().rgb(0, 0), [9, 9, 9]);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (width, height) in [(0, 1), (1, 0), (usize::MAX, 1), (32_768, 32_768)] {
            assert!(Raster::new(width, height, [0]).is_err());
        }
    }
}
