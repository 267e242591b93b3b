//! Points in the plane, in panels side by side: data beside samples, one layer beside the next.
//!
//! As PNG the points of a crowded spot add up to a darker one, and any number of them gives a file
//! of the same size. As SVG every point stays one, for figures in a text.

use std::path::Path;

use plotters::prelude::*;

use super::curve::number;
use super::frame::{AROUND, Frame};
use super::{PALETTE, PictureError, Raster, Window, save_svg, wants_svg};

/// One square of points.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    /// Above the square.
    pub title: &'a str,
    /// The points, x and y in turn. Those that are not finite or out of range are left out.
    pub points: &'a [f32],
    /// A number for each point which decides its color, so that one can see what became of whom;
    /// empty for one color.
    pub groups: &'a [u8],
}

/// How the panels are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// What every panel shows of the plane.
    pub window: Window,
    /// Pixels from one side of a panel to the other.
    pub side: usize,
    /// Panels in a row, before the next row begins.
    pub columns: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { window: Window::square(4.0), side: 320, columns: 4 }
    }
}

/// Draws the panels and writes them as PNG or SVG, whichever the path's ending says.
pub fn save(path: &Path, panels: &[Panel<'_>], layout: &Layout) -> Result<(), PictureError> {
    if wants_svg(path)? { save_svg(path, &svg(panels, layout)?) } else { raster(panels, layout)?.save_png(path) }
}

/// Colors points by the quarter that their first coordinate falls into, when sorted.
#[must_use]
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

fn check(panels: &[Panel<'_>], layout: &Layout) -> Result<(usize, usize), PictureError> {
    for panel in panels {
        let pairs = panel.points.len() / 2;
        let grouped = panel.groups.is_empty() || panel.groups.len() == pairs;
        if !panel.points.len().is_multiple_of(2) || !grouped {
            return Err(PictureError::Shape {
                values: panel.points.len(),
                what: format!("points of two coordinates with {} groups", panel.groups.len()),
            });
        }
    }
    if panels.is_empty() || !layout.window.is_sound() {
        return Err(PictureError::Nothing { what: "a scatter without panels or range".into() });
    }
    let columns = layout.columns.clamp(1, panels.len());
    let (wide, tall) = (columns, panels.len().div_ceil(columns));
    let [width, height] = [wide, tall].map(|n| n.saturating_mul(layout.side));
    // The same limit for both formats, and everything below it is safe to multiply.
    if layout.side < 16 || width > 16_384 || height > 16_384 {
        return Err(PictureError::TooLarge { width, height });
    }
    Ok((columns, tall))
}

/// The points of a panel, with their colors.
fn colored<'a>(panel: &Panel<'a>) -> impl Iterator<Item = ([f32; 2], [u8; 3])> + 'a {
    let Panel { points, groups, .. } = *panel;
    points.chunks_exact(2).enumerate().map(move |(i, point)| {
        let group = groups.get(i).map_or(0, |&group| usize::from(group));
        ([point[0], point[1]], PALETTE[group % PALETTE.len()])
    })
}

/// How much a point among so many covers what is below it: few points are drawn boldly, many thinly. What
/// covers what would otherwise be chance.
pub(super) fn share(points: usize) -> f64 {
    ((30_000.0 / (points as f64 + 1.0)).sqrt() * 0.12).clamp(0.05, 0.8)
}

/// Draws the panels into pixels: a frame, numbers at its axes, and points that add up where they crowd.
pub fn raster(panels: &[Panel<'_>], layout: &Layout) -> Result<Raster, PictureError> {
    let (columns, rows) = check(panels, layout)?;
    let step = layout.side + AROUND;
    let mut picture = Raster::new(columns * step, rows * step, [255; 3])?;
    for (i, panel) in panels.iter().enumerate() {
        let corner = (i % columns * step, i / columns * step);
        let mut frame = Frame::new(&mut picture, corner, layout.side, layout.window, panel.title);
        let share = share(panel.points.len() / 2);
        for (point, color) in colored(panel) {
            frame.dot(point, color, share);
        }
        frame.close();
    }
    Ok(picture)
}

/// Draws the panels into SVG text, with titles and numbered axes.
pub fn svg(panels: &[Panel<'_>], layout: &Layout) -> Result<String, PictureError> {
    let (columns, rows) = check(panels, layout)?;
    let drawing = |error: DrawingAreaErrorKind<_>| PictureError::Drawing(error.to_string());
    // Room for the title above and for the numbers below and to the left.
    let (across, down) = (layout.side + 44, layout.side + 60);
    let size = ((columns * across) as u32, (rows * down) as u32);
    let Window { x: [left, right], y: [low, high] } = layout.window;
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        root.fill(&WHITE).map_err(drawing)?;
        for (panel, area) in panels.iter().zip(root.split_evenly((rows, columns))) {
            let mut chart = ChartBuilder::on(&area)
                .caption(panel.title, ("sans-serif", 17))
                .margin(6)
                .x_label_area_size(24)
                .y_label_area_size(30)
                .build_cartesian_2d(left..right, low..high)
                .map_err(drawing)?;
            chart
                .configure_mesh()
                .x_labels(5)
                .y_labels(5)
                .x_label_formatter(&|x| number(*x))
                .y_label_formatter(&|y| number(*y))
                .label_style(("sans-serif", 12))
                .bold_line_style(RGBColor(232, 232, 232))
                .light_line_style(TRANSPARENT)
                .axis_style(RGBColor(150, 150, 150))
                .draw()
                .map_err(drawing)?;
            let places = colored(panel).map(|([x, y], color)| ((f64::from(x), f64::from(y)), color));
            let inside =
                |&((x, y), _): &((f64, f64), [u8; 3])| (left..=right).contains(&x) && (low..=high).contains(&y);
            let dots = places.filter(inside).map(|(at, [r, g, b])| {
                let color = RGBColor(r, g, b).mix(0.5).filled();
                Circle::new(at, 1, color)
            });
            chart.draw_series(dots).map_err(drawing)?;
        }
        root.present().map_err(drawing)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: &[f32]) -> Panel<'_> {
        Panel { title: "a panel", points, groups: &[] }
    }

    /// Where the picture is bluer than it is red: where the first color was drawn.
    fn marked(picture: &Raster) -> Vec<(usize, usize)> {
        let all = (0..picture.height()).flat_map(|y| (0..picture.width()).map(move |x| (x, y)));
        all.filter(|&(x, y)| {
            let [red, _, blue] = picture.rgb(x, y);
            blue > red.saturating_add(40)
        })
        .collect()
    }

    #[test]
    fn up_is_up_and_right_is_right() {
        let layout = Layout { side: 101, ..Layout::default() };
        let picture = raster(&[panel(&[2.0, 3.0])], &layout).unwrap();
        let marked = marked(&picture);
        assert!(!marked.is_empty());
        for (x, y) in marked {
            assert!(x.abs_diff(62 + 75) <= 2 && y.abs_diff(38 + 12) <= 2, "{x} {y}");
        }
    }

    #[test]
    fn what_is_not_finite_or_far_away_is_left_out() {
        let points = [f32::NAN, 0.0, 0.0, f32::INFINITY, 5.0, 0.0, 1e30, -1e30];
        let picture = raster(&[panel(&points)], &Layout::default()).unwrap();
        assert!(marked(&picture).is_empty());
        assert!(!svg(&[panel(&points)], &Layout::default()).unwrap().contains("<circle"));
        let edge = raster(&[panel(&[3.98, 3.98, 4.0, -4.0])], &Layout::default()).unwrap();
        assert!(!marked(&edge).is_empty());
    }

    #[test]
    fn groups_have_colors_and_panels_have_titles() {
        let points = [0.0, 0.0, 1.0, 1.0];
        let both = Panel { groups: &[0, 1], ..panel(&points) };
        let text = svg(&[both, panel(&points)], &Layout::default()).unwrap();
        assert!(text.contains("#0072B2") && text.contains("#D55E00"));
        assert_eq!(text.matches("a panel").count(), 2);
        assert_eq!(text.matches("<circle").count(), 4);
    }

    #[test]
    fn panels_fill_rows() {
        let layout = Layout { side: 20, columns: 2, ..Layout::default() };
        let picture = raster(&[panel(&[]); 3], &layout).unwrap();
        assert_eq!((picture.width(), picture.height()), (2 * 96, 2 * 96));
    }

    #[test]
    fn the_ending_chooses_the_format() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x.png", "x.svg"] {
            let path = folder.path().join(name);
            save(&path, &[panel(&[0.0, 0.0])], &Layout::default()).unwrap();
            assert!(std::fs::metadata(path).unwrap().len() > 100);
        }
        assert!(save(Path::new("x.gif"), &[panel(&[])], &Layout::default()).is_err());
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let layout = Layout::default();
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
