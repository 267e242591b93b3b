//! The change of variables as figures for a text: densities under maps of one number, and the unit square
//! under a matrix.

use super::curve::number;
use super::{PALETTE, PictureError};
use plotters::coord::types::RangedCoordf64;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

/// A density of one number: bars of samples, the formula's line, and the line that forgets how far space is
/// stretched.
#[derive(Debug, Clone, PartialEq)]
pub struct Density {
    /// Above it.
    pub title: String,
    /// Where it lies.
    pub range: [f64; 2],
    /// The samples' density in equal bins of the range.
    pub bars: Vec<f64>,
    /// The formula's, at equally spaced numbers from one end of the range to the other.
    pub line: Vec<f64>,
    /// The same without the derivative, where that is another.
    pub naive: Option<Vec<f64>>,
}

/// A polygon in its own panel, with lines inside that are carried along.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Above it.
    pub title: String,
    /// Its corners.
    pub corners: [[f64; 2]; 4],
    /// Points inside.
    pub points: Vec<[f64; 2]>,
}

/// Pixels of a panel, both ways.
const SIDE: u32 = 380;
/// What a dash and the gap after it take, and a line in the legend.
const DASH: i32 = 5;
const KEY: i32 = 22;
/// The air around shapes and above bars, as a part of their size.
const AIR: f64 = 0.15;

fn color(i: usize) -> RGBColor {
    let [r, g, b] = PALETTE[i];
    RGBColor(r, g, b)
}

fn drawing(error: impl std::fmt::Display) -> PictureError {
    PictureError::Drawing(error.to_string())
}

type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws panels side by side into SVG text.
fn panels<P>(
    all: &[P],
    title: impl Fn(&P) -> &str,
    window: impl Fn(&P) -> [[f64; 2]; 2],
    fill: impl Fn(&mut Chart<'_>, &P) -> Result<(), PictureError>,
) -> Result<String, PictureError> {
    let sound = |[low, high]: &[f64; 2]| low < high && (high - low).is_finite();
    if all.is_empty() || !all.iter().flat_map(&window).all(|range| sound(&range)) {
        return Err(PictureError::Nothing { what: "panels without a range".into() });
    }
    let mut text = String::new();
    {
        let size = (SIDE * all.len() as u32, SIDE);
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        root.fill(&WHITE).map_err(drawing)?;
        for (panel, area) in all.iter().zip(root.split_evenly((1, all.len()))) {
            let [x, y] = window(panel);
            let mut chart = ChartBuilder::on(&area)
                .caption(title(panel), ("sans-serif", 18))
                .margin(10)
                .x_label_area_size(28)
                .y_label_area_size(40)
                .build_cartesian_2d(x[0]..x[1], y[0]..y[1])
                .map_err(drawing)?;
            chart
                .configure_mesh()
                .x_labels(6)
                .y_labels(6)
                .x_label_formatter(&|at| number(*at))
                .y_label_formatter(&|at| number(*at))
                .label_style(("sans-serif", 13))
                .bold_line_style(RGBColor(232, 232, 232))
                .light_line_style(TRANSPARENT)
                .axis_style(RGBColor(150, 150, 150))
                .draw()
                .map_err(drawing)?;
            fill(&mut chart, panel)?;
        }
        root.present().map_err(drawing)?;
    }
    Ok(text)
}

/// Draws densities side by side into SVG text.
///
/// # Errors
/// If there are none, or a range is empty.
pub fn densities(all: &[Density]) -> Result<String, PictureError> {
    let window = |density: &Density| {
        let naive = density.naive.iter().flatten();
        let highest = density.bars.iter().chain(&density.line).chain(naive).copied().fold(0.0, f64::max);
        let [low, high] = density.range;
        let air = AIR / 3.0 * (high - low);
        // Room for the legend.
        [[low - air, high + air], [0.0, 1.4 * highest]]
    };
    panels(
        all,
        |density| &density.title,
        window,
        |chart, density| {
            let [low, high] = density.range;
            let at = |i: usize, of: usize| low + (high - low) * i as f64 / of as f64;
            let bars = density.bars.iter().enumerate().map(|(i, &height)| {
                let corners = [(at(i, density.bars.len()), 0.0), (at(i + 1, density.bars.len()), height)];
                Rectangle::new(corners, color(5).mix(0.55).filled())
            });
            let key = |(x, y)| Rectangle::new([(x, y - 5), (x + KEY, y + 5)], color(5).mix(0.55).filled());
            chart.draw_series(bars).map_err(drawing)?.label("samples").legend(key);
            let places = |heights: &[f64]| {
                let last = heights.len().saturating_sub(1).max(1);
                heights.iter().enumerate().map(|(i, &height)| (at(i, last), height)).collect::<Vec<_>>()
            };
            let style = ShapeStyle::from(color(0)).stroke_width(2);
            let line = LineSeries::new(places(&density.line), style);
            let key = move |(x, y)| PathElement::new([(x, y), (x + KEY, y)], style);
            chart.draw_series(line).map_err(drawing)?.label("p(z)·|dz/dx|").legend(key);
            if let Some(naive) = &density.naive {
                let style = ShapeStyle::from(color(1)).stroke_width(2);
                let dashes = DashedLineSeries::new(places(naive), DASH, DASH, style);
                let key = move |(x, y)| DashedPathElement::new([(x, y), (x + KEY, y)], DASH, DASH, style);
                chart.draw_series(dashes).map_err(drawing)?.label("p(z) alone").legend(key);
            }
            let legend = chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .legend_area_size(28)
                .background_style(WHITE.mix(0.85))
                .border_style(RGBColor(190, 190, 190))
                .label_font(("sans-serif", 13))
                .draw();
            legend.map_err(drawing)
        },
    )
}

/// Draws shapes side by side into SVG text, all in one window with one unit both ways.
///
/// # Errors
/// If there are none, or a corner is not finite.
pub fn shapes(all: &[Shape]) -> Result<String, PictureError> {
    let range = |axis: usize| {
        let corners = || all.iter().flat_map(|shape| shape.corners).map(move |corner| corner[axis]);
        [corners().fold(f64::INFINITY, f64::min), corners().fold(f64::NEG_INFINITY, f64::max)]
    };
    let ranges = [range(0), range(1)];
    let reach = ranges.iter().map(|[low, high]| high - low).fold(0.0, f64::max) * (0.5 + AIR);
    let window = ranges.map(|[low, high]| [f64::midpoint(low, high) - reach, f64::midpoint(low, high) + reach]);
    panels(
        all,
        |shape| &shape.title,
        |_| window,
        |chart, shape| {
            let pair = |[x, y]: [f64; 2]| (x, y);
            let corners = shape.corners.map(pair);
            chart.draw_series([Polygon::new(corners, color(5).mix(0.35).filled())]).map_err(drawing)?;
            let dots = shape.points.iter().map(|&point| Circle::new(pair(point), 1, color(0).mix(0.6).filled()));
            chart.draw_series(dots).map_err(drawing)?;
            // The images of the two axes' unit vectors.
            for (i, end) in [(1, corners[1]), (2, corners[3])] {
                let arrow = PathElement::new([corners[0], end], color(i).stroke_width(3));
                chart.draw_series([arrow]).map_err(drawing)?;
            }
            Ok(())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn density() -> Density {
        let naive = Some(vec![1.0, 1.0]);
        Density { title: "X = 2Z".into(), range: [0.0, 2.0], bars: vec![0.6, 0.4], line: vec![0.5, 0.5], naive }
    }

    fn square(side: f64) -> Shape {
        let corners = [[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]];
        Shape { title: format!("area {}", side * side), corners, points: vec![[0.5, 0.5], [0.2, 0.9]] }
    }

    #[test]
    fn bars_lines_and_names_are_there() {
        let text = densities(&[density(), Density { naive: None, ..density() }]).unwrap();
        for part in ["X = 2Z", "samples", "p(z)·|dz/dx|"] {
            assert_eq!(text.matches(&format!("\n{part}\n")).count(), 2, "{part}");
        }
        assert_eq!(text.matches("\np(z) alone\n").count(), 1);
        // Two bars and a key in each of two panels.
        assert_eq!(text.matches("<rect").count() - 1 - 2 * 2, 2 * 3);
    }

    #[test]
    fn a_shape_twice_as_wide_is_drawn_twice_as_wide() {
        let text = shapes(&[square(1.0), square(2.0)]).unwrap();
        assert!(text.contains("area 1") && text.contains("area 4"));
        assert_eq!(text.matches("<circle").count(), 4);
        let widths: Vec<f64> = text
            .split("<polygon ")
            .skip(1)
            .map(|polygon| {
                let points = polygon.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
                let xs: Vec<f64> =
                    points.split_whitespace().map(|point| point.split(',').next().unwrap().parse().unwrap()).collect();
                xs.iter().copied().fold(f64::MIN, f64::max) - xs.iter().copied().fold(f64::MAX, f64::min)
            })
            .collect();
        assert_eq!(widths.len(), 2);
        assert!((widths[1] / widths[0] - 2.0).abs() < 0.05, "{widths:?}");
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        assert!(densities(&[]).is_err() && shapes(&[]).is_err());
        assert!(densities(&[Density { range: [1.0, 1.0], ..density() }]).is_err());
        assert!(densities(&[Density { bars: vec![0.0], line: vec![], naive: None, ..density() }]).is_err());
        assert!(shapes(&[square(f64::INFINITY)]).is_err() && shapes(&[square(0.0)]).is_err());
    }
}
