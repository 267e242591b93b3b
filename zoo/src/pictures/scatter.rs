//! Points in the plane, in panels side by side: data beside samples, one layer beside the next.
//!
//! As PNG the points of a crowded spot add up to a darker one, and any number of them gives a file
//! of the same size. As SVG there are titles and numbers at the axes, for figures in a text.

use std::path::Path;

use plotters::prelude::*;

use super::{PALETTE, PictureError, Raster, save_svg, wants_svg};

/// One square of points.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    /// Above the square, in SVG only.
    pub title: &'a str,
    /// The points, x and y in turn. Those that are not finite or out of range are left out.
    pub points: &'a [f32],
    /// A number for each point which decides its colour, so that one can see what became of whom;
    /// empty for one colour.
    pub groups: &'a [u8],
}

/// How the panels are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// Every panel shows the square from −`reach` to `reach`.
    pub reach: f32,
    /// Pixels from one side of a panel to the other.
    pub side: usize,
    /// Panels in a row, before the next row begins.
    pub columns: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { reach: 4.0, side: 320, columns: 4 }
    }
}

/// Draws the panels and writes them as PNG or SVG, whichever the path's ending says.
pub fn save(path: &Path, panels: &[Panel<'_>], layout: &Layout) -> Result<(), PictureError> {
    if wants_svg(path)? { save_svg(path, &svg(panels, layout)?) } else { raster(panels, layout)?.save_png(path) }
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
    if panels.is_empty() || !layout.reach.is_finite() || layout.reach <= 0.0 {
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

/// The points to draw: inside the panel, with their colours.
fn visible<'a>(panel: &Panel<'a>, reach: f32) -> impl Iterator<Item = ([f32; 2], [u8; 3])> + 'a {
    let Panel { points, groups, .. } = *panel;
    points.chunks_exact(2).enumerate().filter_map(move |(i, point)| {
        let group = groups.get(i).map_or(0, |&group| usize::from(group));
        // Comparisons with NaN are false.
        let inside = point.iter().all(|x| x.abs() <= reach);
        inside.then(|| ([point[0], point[1]], PALETTE[group % PALETTE.len()]))
    })
}

/// Draws the panels into pixels: a frame, both axes, and points that add up where they crowd.
pub fn raster(panels: &[Panel<'_>], layout: &Layout) -> Result<Raster, PictureError> {
    const MARGIN: usize = 8;
    let (columns, rows) = check(panels, layout)?;
    let side = layout.side;
    let step = side + MARGIN;
    let mut picture = Raster::new(columns * step + MARGIN, rows * step + MARGIN, [255; 3])?;
    for (i, panel) in panels.iter().enumerate() {
        let (left, top) = (MARGIN + i % columns * step, MARGIN + i / columns * step);
        for k in 0..side {
            for (x, y, grey) in [(k, side / 2, 225), (side / 2, k, 225)] {
                picture.pixel_mut(left + x, top + y).fill(grey);
            }
        }
        // Few points are drawn boldly, many thinly: what covers what would otherwise be chance.
        let share = (30_000.0 / (panel.points.len() as f32 / 2.0 + 1.0)).sqrt() * 0.12;
        let share = share.clamp(0.05, 0.8);
        for ([x, y], colour) in visible(panel, layout.reach) {
            let at = |v: f32| (v / layout.reach + 1.0) / 2.0 * (side - 1) as f32;
            dot(&mut picture, (left, top), side, [at(x), at(-y)], colour, share);
        }
        for k in 0..side {
            for (x, y) in [(k, 0), (k, side - 1), (0, k), (side - 1, k)] {
                picture.pixel_mut(left + x, top + y).fill(150);
            }
        }
    }
    Ok(picture)
}

/// Lays `share` of a colour over the pixels of a small disc, softened at its edge.
fn dot(picture: &mut Raster, (left, top): (usize, usize), side: usize, [x, y]: [f32; 2], colour: [u8; 3], share: f32) {
    const RADIUS: f32 = 1.3;
    let span = |centre: f32| {
        let first = (centre - RADIUS).floor().max(0.0) as usize;
        let last = ((centre + RADIUS).ceil() as usize).min(side - 1);
        first..=last
    };
    for py in span(y) {
        for px in span(x) {
            let distance = (px as f32 - x).hypot(py as f32 - y);
            let share = share * (RADIUS + 0.5 - distance).clamp(0.0, 1.0);
            for (old, new) in picture.pixel_mut(left + px, top + py).iter_mut().zip(colour) {
                *old = (f32::from(*old) * (1.0 - share) + f32::from(new) * share).round() as u8;
            }
        }
    }
}

/// Draws the panels into SVG text, with titles and numbered axes.
pub fn svg(panels: &[Panel<'_>], layout: &Layout) -> Result<String, PictureError> {
    let (columns, rows) = check(panels, layout)?;
    let drawing = |error: DrawingAreaErrorKind<_>| PictureError::Drawing(error.to_string());
    // Room for the title above and for the numbers below and to the left.
    let (across, down) = (layout.side + 44, layout.side + 60);
    let size = ((columns * across) as u32, (rows * down) as u32);
    let reach = f64::from(layout.reach);
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
                .build_cartesian_2d(-reach..reach, -reach..reach)
                .map_err(drawing)?;
            chart
                .configure_mesh()
                .x_labels(5)
                .y_labels(5)
                .x_label_formatter(&|x| format!("{}", (x * 1e3).round() / 1e3))
                .y_label_formatter(&|y| format!("{}", (y * 1e3).round() / 1e3))
                .label_style(("sans-serif", 12))
                .bold_line_style(RGBColor(232, 232, 232))
                .light_line_style(TRANSPARENT)
                .axis_style(RGBColor(150, 150, 150))
                .draw()
                .map_err(drawing)?;
            let dots = visible(panel, layout.reach).map(|([x, y], [r, g, b])| {
                let colour = RGBColor(r, g, b).mix(0.5).filled();
                Circle::new((f64::from(x), f64::from(y)), 1, colour)
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

    /// Where the picture is bluer than it is red: where the first colour was drawn.
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
            assert!(x.abs_diff(8 + 75) <= 2 && y.abs_diff(8 + 12) <= 2, "{x} {y}");
        }
    }

    #[test]
    fn what_is_not_finite_or_far_away_is_left_out() {
        let points = [f32::NAN, 0.0, 0.0, f32::INFINITY, 5.0, 0.0, 1e30, -1e30];
        let picture = raster(&[panel(&points)], &Layout::default()).unwrap();
        assert!(marked(&picture).is_empty());
        assert!(!svg(&[panel(&points)], &Layout::default()).unwrap().contains("<circle"));
        let edge = raster(&[panel(&[4.0, 4.0, -4.0, -4.0])], &Layout::default()).unwrap();
        assert!(!marked(&edge).is_empty());
    }

    #[test]
    fn groups_have_colours_and_panels_have_titles() {
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
        assert_eq!((picture.width(), picture.height()), (64, 64));
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
        for reach in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(svg(&[panel(&[])], &Layout { reach, ..layout }).is_err());
        }
        for side in [0, 1, 20_000, usize::MAX] {
            assert!(raster(&[panel(&[])], &Layout { side, ..layout }).is_err());
            assert!(svg(&[panel(&[])], &Layout { side, ..layout }).is_err());
        }
    }
}
