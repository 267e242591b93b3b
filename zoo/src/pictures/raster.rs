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

/// A picture of red-green-blue pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

impl Raster {
    /// A picture of one color.
    pub fn new(width: usize, height: usize, background: [u8; 3]) -> Result<Self> {
        check_size(width, height)?;
        Ok(Self { width, height, pixels: vec![background; width * height] })
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.height
    }

    /// The color of pixel (`x`, `y`). Panics, as a slice would, outside.
    pub fn rgb(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[self.at(x, y)]
    }

    /// The same, mutable.
    pub fn pixel_mut(&mut self, x: usize, y: usize) -> &mut [u8; 3] {
        let at = self.at(x, y);
        &mut self.pixels[at]
    }

    /// Covers pixel (`x`, `y`) with a color; `share` is the opacity, from 0 to 1.
    pub(crate) fn blend(&mut self, x: usize, y: usize, color: [u8; 3], share: f64) {
        for (old, new) in self.pixel_mut(x, y).iter_mut().zip(color) {
            *old = (f64::from(*old) * (1.0 - share) + f64::from(new) * share).round() as u8;
        }
    }

    fn at(&self, x: usize, y: usize) -> usize {
        assert!(x < self.width, "pixel {x} of a row of {}", self.width);
        y * self.width + x
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

    /// A picture without colors is stored with one channel.
    fn encode(&self, writer: impl io::Write) -> io::Result<()> {
        let is_gray = self.pixels.iter().all(|&[red, green, blue]| red == green && green == blue);
        let gray: Vec<u8> = if is_gray { self.pixels.iter().map(|pixel| pixel[0]).collect() } else { Vec::new() };
        let (bytes, color) = if is_gray {
            (&gray[..], ExtendedColorType::L8)
        } else {
            (self.pixels.as_flattened(), ExtendedColorType::Rgb8)
        };
        // Below `LONGEST`, so both sides fit.
        let (width, height) = (self.width as u32, self.height as u32);
        PngEncoder::new(writer).write_image(bytes, width, height, color).map_err(io::Error::other)
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
        *picture.pixel_mut(2, 1) = [1, 2, 3];
        picture.save_png(&path).unwrap();
        let read = image::open(&path).unwrap().into_rgb8();
        assert_eq!(read.dimensions(), (3, 2));
        assert_eq!(read.get_pixel(2, 1).0, [1, 2, 3]);
        assert_eq!(read.get_pixel(0, 0).0, [10, 20, 30]);

        Raster::new(1, 1, [77; 3]).unwrap().save_png(&path).unwrap();
        assert_eq!(image::open(&path).unwrap().as_luma8().unwrap().as_raw(), &[77]);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (width, height) in [(0, 1), (1, 0), (usize::MAX, 1), (32_768, 32_768)] {
            assert!(Raster::new(width, height, [0; 3]).is_err());
        }
    }
}
