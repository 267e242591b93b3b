//! Which color is which class.

use super::PALETTE;
use super::canvas::{Anchor, Canvas, INK, SIZE, Shape, length};
use anyhow::Result;

/// Pixels around the names, and the radius of a dot.
const MARGIN: f64 = 8.0;
const DOT: f64 = 5.0;
/// From one name to the next.
const ROW: f64 = 24.0;

/// Adds a legend on the right of a picture: the classes from 0 up, each with a dot of its color.
pub fn beside(mut canvas: Canvas, classes: usize) -> Result<Canvas> {
    let left = canvas.width() as f64 + MARGIN;
    let top = 0.5 * (canvas.height() as f64 - ROW * classes as f64);
    let name = classes.saturating_sub(1).to_string();
    canvas.widen((length(&name, SIZE) + 2.0 * DOT + 3.0 * MARGIN).ceil() as usize)?;
    for class in 0..classes {
        let y = top + ROW * (class as f64 + 0.5);
        canvas.add(Shape::Disc([left + DOT, y], DOT, PALETTE[class % PALETTE.len()].into()));
        canvas.write_as([left + 2.0 * DOT + MARGIN, y], Anchor::Start, &class.to_string(), SIZE, INK);
    }
    Ok(canvas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_stays_and_each_class_has_its_color() {
        let mut canvas = Canvas::new(30, 60).unwrap();
        canvas.add(Shape::Disc([4.0, 5.0], 2.0, [1, 2, 3].into()));
        let page = beside(canvas, 2).unwrap().raster().unwrap();
        assert_eq!(page.rgb(3, 4), [1, 2, 3]);
        assert!(page.width() > 30);
        let near = |color: [u8; 3], y: usize| {
            (30..page.width()).any(|x| page.rgb(x, y).iter().zip(color).all(|(a, b)| a.abs_diff(b) < 40))
        };
        let rows = |color| (0..page.height()).filter(|&y| near(color, y)).collect::<Vec<_>>();
        let (first, second) = (rows(PALETTE[0]), rows(PALETTE[1]));
        assert!(!first.is_empty() && first.last() < second.first(), "{first:?} {second:?}");
    }
}
