//! Pictures side by side, each below its title.

use super::Raster;
use super::canvas::{Anchor, Canvas, SIZE, Shape, length};
use anyhow::Result;

/// Pixels around the pictures, and between two.
const MARGIN: usize = 12;
/// The height of the titles and of the space below them.
const TOP: usize = MARGIN + 22;

/// Draws pictures from left to right, their titles above them.
pub fn draw(panels: Vec<(String, Raster)>) -> Result<Canvas> {
    let column = |(title, picture): &(String, Raster)| picture.width().max(length(title, SIZE) as usize);
    let width = MARGIN + panels.iter().map(|panel| column(panel) + MARGIN).sum::<usize>();
    let height = TOP + panels.iter().map(|(_, picture)| picture.height()).max().unwrap_or(0) + MARGIN;
    let mut canvas = Canvas::new(width, height)?;
    let mut left = MARGIN;
    for panel in panels {
        let next = left + column(&panel) + MARGIN;
        canvas.write([left as f64, MARGIN as f64 + 8.0], Anchor::Start, &panel.0);
        canvas.add(Shape::Image([left, TOP], panel.1));
        left = next;
    }
    Ok(canvas)
}
