//! A grid of small images.

use super::raster::check_size;
use super::{Raster, byte, misshaped};
use anyhow::Result;

/// Pixels between two images and around the whole.
const MARGIN: usize = 2;
/// The color of the margin: neither black nor white, as images are either.
const BACKGROUND: [u8; 3] = [96; 3];
/// Small images are enlarged to about this many pixels.
const SIDE: usize = 64;

/// Draws images of `[channels, height, width]` in rows of `columns`. Their values, one image after another, are from 0
/// to 1; others are clamped, and NaN is black. There are 1 or 3 channels.
pub fn draw(values: &[f32], [channels, height, width]: [usize; 3], columns: usize) -> Result<Raster> {
    let shape = format_args!("images of {channels}x{height}x{width} with 1 or 3 channels");
    let size = channels.checked_mul(height).and_then(|n| n.checked_mul(width));
    let fits = |&size: &usize| size > 0 && matches!(channels, 1 | 3) && values.len().is_multiple_of(size);
    let Some(size) = size.filter(fits).filter(|_| !values.is_empty()) else {
        return Err(misshaped(values.len(), shape));
    };
    let columns = columns.clamp(1, values.len() / size);
    let (scale, [across, down]) = layout(values.len() / size, [height, width], columns);
    let step = |side: usize| side * scale + MARGIN;
    let mut picture = Raster::new(across, down, BACKGROUND)?;
    for (i, image) in values.chunks_exact(size).enumerate() {
        let left = MARGIN + i % columns * step(width);
        let top = MARGIN + i / columns * step(height);
        for y in 0..height * scale {
            for x in 0..width * scale {
                let from = y / scale * width + x / scale;
                // A gray image has the same channel three times.
                let channel = |i: usize| byte(image[i % channels * height * width + from]);
                *picture.pixel_mut(left + x, top + y) = [0, 1, 2].map(channel);
            }
        }
    }
    Ok(picture)
}

/// Refuses more images than fit in a picture, before they are computed.
pub fn check(count: usize, [height, width]: [usize; 2], columns: usize) -> Result<()> {
    let (_, [across, down]) = layout(count, [height, width], columns.clamp(1, count.max(1)));
    check_size(across, down)
}

/// How many pixels wide each pixel is drawn, and the width and height of the picture.
fn layout(count: usize, [height, width]: [usize; 2], columns: usize) -> (usize, [usize; 2]) {
    let scale = (SIDE / width.max(height).max(1)).max(1);
    let step = |side: usize| side.saturating_mul(scale).saturating_add(MARGIN);
    let sides = [(columns, width), (count.div_ceil(columns), height)];
    (scale, sides.map(|(images, side)| images.saturating_mul(step(side)).saturating_add(MARGIN)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels of one byte as values from 0 to 1.
    fn values(levels: &[u8]) -> Vec<f32> {
        levels.iter().map(|&level| f32::from(level) / 255.0).collect()
    }

    #[test]
    fn every_pixel_is_where_it_belongs() {
        // Each pixel of an image is 16 pixels wide and high.
        let picture = draw(&values(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), [1, 1, 4], 2).unwrap();
        assert_eq!((picture.width(), picture.height()), (2 + 2 * 66, 2 + 2 * 18));
        for y in 0..picture.height() {
            for x in 0..picture.width() {
                let (column, row) = (x / 66, y / 18);
                let inside = x % 66 >= 2 && y % 18 >= 2 && column + 2 * row < 3;
                let level = 4 * (column + 2 * row) + (x % 66).saturating_sub(2) / 16 + 1;
                let expected = if inside { [level as u8; 3] } else { BACKGROUND };
                assert_eq!(picture.rgb(x, y), expected, "{x} {y}");
            }
        }
    }

    #[test]
    fn colors_are_gathered_from_their_planes() {
        let picture = draw(&values(&[1, 2, 3, 4, 5, 6]), [3, 1, 2], 1).unwrap();
        assert_eq!((picture.rgb(2, 2), picture.rgb(2 + 32, 2)), ([1, 3, 5], [2, 4, 6]));
    }

    #[test]
    fn values_that_make_no_images_are_refused() {
        assert!(draw(&[], [1, 1, 2], 1).is_err());
        assert!(draw(&[0.1, 0.2, 0.3], [1, 1, 2], 1).is_err());
        for (channels, width) in [(2, 1), (0, 1), (1, 0), (3, usize::MAX)] {
            assert!(draw(&[0.5; 6], [channels, 1, width], 1).is_err());
        }
        assert_eq!(draw(&[0.5; 2], [1, 1, 2], 0).unwrap().width(), 2 + 66);
    }
}
