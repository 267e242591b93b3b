//! Which color is which class.

use super::{PALETTE, PictureError, Raster, text};

/// Pixels between two names, and around them.
const MARGIN: usize = 8;

/// A picture with the names of its groups to the right, from 0 to one below their number, each in its color.
///
/// # Errors
/// If the whole would be larger than a picture may be.
pub fn beside(picture: &Raster, groups: usize) -> Result<Raster, PictureError> {
    let names: Vec<String> = (0..groups).map(|group| group.to_string()).collect();
    let wide = names.iter().map(|name| text::width(name)).max().unwrap_or(0) + 2 * MARGIN;
    let step = text::HEIGHT + MARGIN;
    let height = picture.height().max(step * groups + 2 * MARGIN);
    let mut page = Raster::new(picture.width() + wide, height, [255; 3])?;
    for y in 0..picture.height() {
        for x in 0..picture.width() {
            page.pixel_mut(x, y).copy_from_slice(&picture.rgb(x, y));
        }
    }
    // In the middle of the height, as the picture is.
    let top = (height - step * groups) / 2;
    for (group, name) in names.iter().enumerate() {
        let corner = (picture.width() + MARGIN, top + group * step);
        // Twice, a pixel apart: thin letters have little color.
        for shift in [0, 1] {
            text::write(&mut page, (corner.0 + shift, corner.1), name, PALETTE[group % PALETTE.len()]);
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_stays_and_each_name_has_its_color() {
        let mut picture = Raster::new(30, 20, [255; 3]).unwrap();
        picture.pixel_mut(3, 4).copy_from_slice(&[1, 2, 3]);
        let page = beside(&picture, 2).unwrap();
        assert_eq!(page.rgb(3, 4), [1, 2, 3]);
        assert!(page.height() > picture.height());
        let near = |color: [u8; 3], y: usize| {
            (30..page.width()).any(|x| page.rgb(x, y).iter().zip(color).all(|(a, b)| a.abs_diff(b) < 40))
        };
        let rows = |color| (0..page.height()).filter(|&y| near(color, y)).collect::<Vec<_>>();
        let (first, second) = (rows(PALETTE[0]), rows(PALETTE[1]));
        assert!(!first.is_empty() && first.last() < second.first(), "{first:?} {second:?}");
    }
}
