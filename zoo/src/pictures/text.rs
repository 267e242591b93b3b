//! Letters and digits in pictures of pixels: one size, one width, ASCII alone.

use super::Raster;
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

/// Pixels from the top of a line to its bottom.
pub(super) const HEIGHT: usize = 16;

/// Pixels from the left of a text to its right.
pub(super) fn width(text: &str) -> usize {
    text.chars().count() * get_raster_width(FontWeight::Regular, RasterHeight::Size16)
}

/// Writes a line whose upper left corner is at (`left`, `top`). What reaches beyond the picture is cut off.
pub(super) fn write(picture: &mut Raster, (left, top): (usize, usize), text: &str, color: [u8; 3]) {
    let mut left = left;
    for letter in text.chars() {
        let shape = |letter| get_raster(letter, FontWeight::Regular, RasterHeight::Size16);
        let Some(shape) = shape(letter).or_else(|| shape('?')) else { continue };
        for (y, row) in shape.rows().enumerate() {
            for (x, &share) in row.iter().enumerate() {
                let (x, y) = (left + x, top + y);
                if share > 0 && x < picture.width() && y < picture.height() {
                    picture.blend(x, y, color, f64::from(share) / 255.0);
                }
            }
        }
        left += shape.width();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_leave_their_marks_and_nothing_outside() {
        let mut picture = Raster::new(40, HEIGHT, [255; 3]).unwrap();
        write(&mut picture, (2, 0), "1.5", [0; 3]);
        let dark = |x: usize| (0..HEIGHT).any(|y| picture.rgb(x, y)[0] < 100);
        assert!((2..2 + width("1")).any(dark) && (2 + width("1.")..2 + width("1.5")).any(dark));
        assert!(!(2 + width("1.5")..40).any(dark));
        // Unknown letters are as wide as others, and long texts are cut off.
        assert_eq!(width("ü"), width("u"));
        write(&mut picture, (30, 10), "φ and more", [0; 3]);
        assert!((30..40).any(|x| (10..HEIGHT).any(|y| picture.rgb(x, y)[0] < 100)));
    }
}
