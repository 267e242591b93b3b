//! Pictures beside each other, each under its title.

use super::{PictureError, Raster, text};

/// Pixels around the pictures, and between two.
const MARGIN: usize = 12;
/// The page and the titles.
const PAPER: [u8; 3] = [255, 255, 255];
const INK: [u8; 3] = [30, 30, 30];

/// Draws pictures from left to right, their titles above them.
///
/// # Errors
/// If the whole would be larger than a picture may be.
pub fn draw(panels: &[(&str, Raster)]) -> Result<Raster, PictureError> {
    let top = MARGIN + text::HEIGHT + MARGIN / 2;
    let column = |(title, picture): &(&str, Raster)| picture.width().max(text::width(title));
    let width = MARGIN + panels.iter().map(|panel| column(panel) + MARGIN).sum::<usize>();
    let height = top + panels.iter().map(|(_, picture)| picture.height()).max().unwrap_or(0) + MARGIN;
    let mut page = Raster::new(width, height, PAPER)?;
    let mut left = MARGIN;
    for (title, picture) in panels {
        text::write(&mut page, (left, MARGIN), title, INK);
        for y in 0..picture.height() {
            for x in 0..picture.width() {
                page.pixel_mut(left + x, top + y).copy_from_slice(&picture.rgb(x, y));
            }
        }
        left += column(&(title, picture.clone())) + MARGIN;
    }
    Ok(page)
}
