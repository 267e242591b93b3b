//! A grid of small images.

use super::{Raster, byte, misshaped};
use anyhow::Result;

/// How one image is laid out in memory: channel, row, column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// 1 for gray, 3 for red-green-blue.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// How a grid is laid out. `None` depends on the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Images in a row; by default, as many as rows or one more.
    pub columns: Option<usize>,
    /// The size of an image's pixel in pixels of the picture; by default, such that an image is about 64 pixels wide.
    pub scale: Option<usize>,
    /// Pixels between two images and around the whole.
    pub margin: usize,
    /// The brightness of the margin: by default neither black nor white, as images are either.
    pub background: u8,
}

impl Default for Layout {
    fn default() -> Self {
        Self { columns: None, scale: None, margin: 2, background: 96 }
    }
}

/// Draws images of bytes, one after another in `pixels`.
pub fn draw(pixels: &[u8], tile: Tile, layout: &Layout) -> Result<Raster> {
    let Tile { channels, height, width } = tile;
    let shape = format_args!("images of {channels}x{height}x{width} with 1 or 3 channels");
    let wrong = || misshaped(pixels.len(), shape);
    let size = channels.checked_mul(height).and_then(|n| n.checked_mul(width));
    let size = size.filter(|&n| n > 0 && matches!(channels, 1 | 3)).ok_or_else(wrong)?;
    let count = pixels.len() / size;
    if count == 0 || !pixels.len().is_multiple_of(size) {
        return Err(wrong());
    }

    let columns = layout.columns.unwrap_or_else(|| square_side(count)).clamp(1, count);
    let scale = layout.scale.unwrap_or_else(|| (64 / width.max(height)).max(1)).max(1);
    let rows = count.div_ceil(columns);
    let step = |side: usize| side.saturating_mul(scale).saturating_add(layout.margin);
    let whole = |tiles: usize, side| tiles.saturating_mul(step(side)).saturating_add(layout.margin);
    let (total_width, total_height) = (whole(columns, width), whole(rows, height));
    let mut picture = if channels == 1 {
        Raster::new(total_width, total_height, [layout.background])?
    } else {
        Raster::new(total_width, total_height, [layout.background; 3])?
    };

    for (i, image) in pixels.chunks_exact(size).enumerate() {
        let left = layout.margin + i % columns * step(width);
        let top = layout.margin + i / columns * step(height);
        for y in 0..height * scale {
            for x in 0..width * scale {
                let from = y / scale * width + x / scale;
                let to = picture.pixel_mut(left + x, top + y);
                for (channel, value) in to.iter_mut().enumerate() {
                    *value = image[channel * height * width + from];
                }
            }
        }
    }
    Ok(picture)
}

/// Draws images of values from 0 to 1. Other values are clamped; NaN is black.
pub fn draw_unit(values: &[f32], tile: Tile, layout: &Layout) -> Result<Raster> {
    let pixels: Vec<u8> = values.iter().map(|&value| byte(value)).collect();
    draw(&pixels, tile, layout)
}

/// The side of the smallest square grid that holds `count` images.
fn square_side(count: usize) -> usize {
    let root = count.isqrt();
    if root * root < count { root + 1 } else { root }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAY: Tile = Tile { channels: 1, height: 1, width: 2 };

    #[test]
    fn every_pixel_is_where_it_belongs() {
        let layout = Layout { columns: Some(2), scale: Some(2), margin: 1, background: 9 };
        let picture = draw(&[1, 2, 3, 4, 5, 6], GRAY, &layout).unwrap();
        let rows: Vec<String> = (0..picture.height())
            .map(|y| (0..picture.width()).map(|x| picture.pixel(x, y)[0].to_string()).collect())
            .collect();
        assert_eq!(
            rows,
            ["99999999999", "91122933449", "91122933449", "99999999999", "95566999999", "95566999999", "99999999999",]
        );
    }

    #[test]
    fn colors_are_gathered_from_their_planes() {
        let tile = Tile { channels: 3, ..GRAY };
        let layout = Layout { scale: Some(1), margin: 0, ..Layout::default() };
        let picture = draw(&[1, 2, 3, 4, 5, 6], tile, &layout).unwrap();
        assert_eq!((picture.rgb(0, 0), picture.rgb(1, 0)), ([1, 3, 5], [2, 4, 6]));
    }

    #[test]
    fn a_hundred_digits_make_a_readable_square() {
        let tile = Tile { channels: 1, height: 28, width: 28 };
        let picture = draw(&vec![0; 100 * 784], tile, &Layout::default()).unwrap();
        assert_eq!((picture.width(), picture.height()), (582, 582));
        assert_eq!([1, 2, 4, 5, 9, 10, 100].map(square_side), [1, 2, 2, 3, 3, 4, 10]);
    }

    #[test]
    fn floats_are_clamped() {
        let layout = Layout { scale: Some(1), margin: 0, ..Layout::default() };
        let picture = draw_unit(&[f32::NAN, 2.0], GRAY, &layout).unwrap();
        assert_eq!((picture.pixel(0, 0)[0], picture.pixel(1, 0)[0]), (0, 255));
    }

    #[test]
    fn what_makes_no_images_is_refused() {
        let layout = Layout::default();
        assert!(draw(&[], GRAY, &layout).is_err());
        assert!(draw(&[1, 2, 3], GRAY, &layout).is_err());
        for (channels, width) in [(2, 1), (0, 1), (1, 0), (3, usize::MAX)] {
            let tile = Tile { channels, height: 1, width };
            assert!(draw(&[1, 2, 3, 4, 5, 6], tile, &layout).is_err());
        }
        for huge in [usize::MAX, 1 << 40] {
            let scaled = Layout { scale: Some(huge), ..layout };
            let spaced = Layout { margin: huge, ..layout };
            assert!(draw(&[1, 2], GRAY, &scaled).is_err());
            assert!(draw(&[1, 2], GRAY, &spaced).is_err());
        }
        let zeros = Layout { columns: Some(0), scale: Some(0), ..layout };
        assert_eq!(draw(&[1, 2], GRAY, &zeros).unwrap().width(), 6);
    }
}
