//! Scatter plots of points in the plane, in panels.

use super::axes::panels;
use super::canvas::{Canvas, Paint};
use super::{PALETTE, Window, misshaped};
use anyhow::Result;

/// One square of points.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    pub title: &'a str,
    /// The points; x and y alternate. Points that are not finite or outside of the window are left out.
    pub points: &'a [f32],
    /// A group for each point, which chooses its color; empty for one color.
    pub groups: &'a [u8],
}

/// How square panels are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// The part of the plane that every panel shows.
    pub window: Window,
    /// The side of a panel's square in pixels.
    pub side: usize,
    /// Panels in a row.
    pub columns: usize,
}

/// Colors points by the quarter that their first coordinate falls into, when sorted.
pub fn quarters(points: &[f32]) -> Vec<u8> {
    let count = points.len() / 2;
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| points[2 * a].total_cmp(&points[2 * b]));
    let mut colors = vec![0; count];
    for (rank, point) in order.into_iter().enumerate() {
        colors[point] = (rank * 4 / count) as u8;
    }
    colors
}

/// The opacity of a point among this many: few points are drawn boldly, many lightly. They are drawn one over the
/// other, so crowded places are darker.
pub(super) fn opacity(points: usize) -> f64 {
    ((30_000.0 / (points as f64 + 1.0)).sqrt() * 0.12).clamp(0.05, 0.8)
}

/// Draws the panels.
pub fn draw(all: &[Panel<'_>], layout: &Layout) -> Result<Canvas> {
    for Panel { points, groups, .. } in all {
        let is_grouped = groups.is_empty() || groups.len() == points.len() / 2;
        if !points.len().is_multiple_of(2) || !is_grouped {
            return Err(misshaped(
                points.len(),
                format_args!("points of two coordinates with {} groups", groups.len()),
            ));
        }
    }
    panels(
        all,
        [layout.side, layout.columns],
        |panel| (panel.title, layout.window),
        |axes, Panel { points, groups, .. }| {
            let opacity = opacity(points.len() / 2);
            for (i, point) in points.chunks_exact(2).enumerate() {
                let group = groups.get(i).map_or(0, |&group| usize::from(group));
                let color = PALETTE[group % PALETTE.len()];
                axes.dot([point[0].into(), point[1].into()], Paint { color, opacity });
            }
            Ok(())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Raster, tests::blue};
    use super::*;

    const LAYOUT: Layout = Layout { window: Window::square(4.0), side: 320, columns: 4 };

    fn panel(points: &[f32]) -> Panel<'_> {
        Panel { title: "a panel", points, groups: &[] }
    }

    fn raster(panels: &[Panel<'_>], layout: &Layout) -> Result<Raster> {
        draw(panels, layout)?.raster()
    }

    fn svg(panels: &[Panel<'_>], layout: &Layout) -> Result<String> {
        Ok(draw(panels, layout)?.svg())
    }

    fn marked(picture: &Raster) -> Vec<(usize, usize)> {
        blue(picture, [0, 0], [picture.width(), picture.height()])
    }

    #[test]
    fn up_is_up_and_right_is_right() {
        let layout = Layout { side: 101, ..LAYOUT };
        let picture = raster(&[panel(&[2.0, 3.0])], &layout).unwrap();
        let marked = marked(&picture);
        assert!(!marked.is_empty());
        for (x, y) in marked {
            assert!(x.abs_diff(62 + 75) <= 2 && y.abs_diff(38 + 12) <= 2, "{x} {y}");
        }
    }

    #[test]
    fn points_that_are_not_finite_or_far_away_are_left_out() {
        let points = [f32::NAN, 0.0, 0.0, f32::INFINITY, 5.0, 0.0, 1e30, -1e30];
        let picture = raster(&[panel(&points)], &LAYOUT).unwrap();
        assert!(marked(&picture).is_empty());
        assert!(!svg(&[panel(&points)], &LAYOUT).unwrap().contains("<circle"));
        let edge = raster(&[panel(&[3.98, 3.98, 4.0, -4.0])], &LAYOUT).unwrap();
        assert!(!marked(&edge).is_empty());
    }

    #[test]
    fn groups_have_colors_and_panels_have_titles() {
        let points = [0.0, 0.0, 1.0, 1.0];
        let both = Panel { groups: &[0, 1], ..panel(&points) };
        let text = svg(&[both, panel(&points)], &LAYOUT).unwrap();
        assert!(text.contains("#0072B2") && text.contains("#D55E00"));
        assert_eq!(text.matches("a panel").count(), 2);
        assert_eq!(text.matches("<circle").count(), 4);
    }

    #[test]
    fn panels_fill_rows() {
        let layout = Layout { side: 20, columns: 2, ..LAYOUT };
        let picture = raster(&[panel(&[]); 3], &layout).unwrap();
        assert_eq!((picture.width(), picture.height()), (2 * 96, 2 * 96));
    }

    #[test]
    fn impossible_panels_are_refused() {
        let layout = LAYOUT;
        assert!(raster(&[], &layout).is_err());
        assert!(raster(&[panel(&[1.0])], &layout).is_err());
        assert!(raster(&[Panel { groups: &[1, 2], ..panel(&[1.0, 2.0]) }], &layout).is_err());
        for reach in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let layout = Layout { window: Window::square(reach), ..layout };
            assert!(svg(&[panel(&[])], &layout).is_err() && raster(&[panel(&[])], &layout).is_err());
        }
        for side in [0, 1, 20_000, usize::MAX] {
            assert!(raster(&[panel(&[])], &Layout { side, ..layout }).is_err());
            assert!(svg(&[panel(&[])], &Layout { side, ..layout }).is_err());
        }
    }
}
