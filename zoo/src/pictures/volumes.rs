//! The change of variables as figures: densities under maps of one variable, and the unit square under a matrix.

use super::axes::{Key, panels};
use super::canvas::{Canvas, Paint, Shape};
use super::{PALETTE, Window};
use anyhow::Result;

/// A density of one variable: bars of samples, the formula's line, and the line that ignores how far space is
/// stretched.
#[derive(Debug, Clone, PartialEq)]
pub struct Density {
    pub title: String,
    /// The range of the variable.
    pub range: [f64; 2],
    /// The samples' density in equal bins of the range.
    pub bars: Vec<f64>,
    /// The formula's, at equally spaced places from one end of the range to the other.
    pub line: Vec<f64>,
    /// The same without the derivative, where that differs.
    pub naive: Option<Vec<f64>>,
}

/// A convex polygon in its own panel, with points inside.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    pub title: String,
    pub corners: [[f64; 2]; 4],
    pub points: Vec<[f64; 2]>,
}

/// The side of a panel's square in pixels.
const SIDE: usize = 320;
/// The margin around polygons and above bars, as a share of their size.
const MARGIN: f64 = 0.15;
/// The width of lines.
const LINE: f64 = 2.0;
const BARS: Paint = Paint { color: PALETTE[5], opacity: 0.55 };

/// Draws densities side by side.
pub fn densities(all: &[Density]) -> Result<Canvas> {
    let window = |density: &Density| {
        let naive = density.naive.iter().flatten();
        let highest = density.bars.iter().chain(&density.line).chain(naive).copied().fold(0.0, f64::max);
        let [low, high] = density.range;
        let margin = MARGIN / 3.0 * (high - low);
        // The legend is above the bars.
        Window { x: [low - margin, high + margin], y: [0.0, 1.4 * highest] }
    };
    panels(
        all,
        [SIDE, all.len()],
        |density| (density.title.as_str(), window(density)),
        |axes, Density { range: [low, high], bars, line, naive, .. }| {
            let points = |heights: &[f64]| {
                let last = heights.len().saturating_sub(1).max(1) as f64;
                let point = |(i, &height)| [low + (high - low) * f64::from(i) / last, height];
                (0u32..).zip(heights).map(point).collect::<Vec<_>>()
            };
            axes.bars(bars, [*low, *high], BARS);
            axes.line_of(points(line), LINE, PALETTE[0].into(), false);
            let mut entries = vec![("samples", Key::Area(BARS)), ("p(z)·|dz/dx|", Key::Line(PALETTE[0], false))];
            if let Some(naive) = naive {
                axes.line_of(points(naive), LINE, PALETTE[1].into(), true);
                entries.push(("p(z) alone", Key::Line(PALETTE[1], true)));
            }
            axes.legend(&entries, [true, true]);
            Ok(())
        },
    )
}

/// Draws polygons side by side, all in one window with the same unit on both axes.
pub fn polygons(all: &[Polygon]) -> Result<Canvas> {
    let range = |axis: usize| {
        let corners = || all.iter().flat_map(|polygon| polygon.corners).map(move |corner| corner[axis]);
        [corners().fold(f64::INFINITY, f64::min), corners().fold(f64::NEG_INFINITY, f64::max)]
    };
    let ranges = [range(0), range(1)];
    let reach = ranges.iter().map(|[low, high]| high - low).fold(0.0, f64::max) * (0.5 + MARGIN);
    let around = |[low, high]: [f64; 2]| [f64::midpoint(low, high) - reach, f64::midpoint(low, high) + reach];
    let window = Window { x: around(ranges[0]), y: around(ranges[1]) };
    panels(
        all,
        [SIDE, all.len()],
        |polygon| (polygon.title.as_str(), window),
        |axes, Polygon { corners, points, .. }| {
            let corners = corners.map(|corner| axes.at(corner));
            axes.inside([Shape::Polygon(corners.to_vec(), Paint { color: PALETTE[5], opacity: 0.35 })]);
            points.iter().for_each(|&point| axes.dot(point, Paint { color: PALETTE[0], opacity: 0.6 }));
            // The images of the two unit vectors.
            let side = |color, end| Shape::Path(vec![vec![corners[0], end]], 3.0, Paint::from(color));
            axes.inside([side(PALETTE[1], corners[1]), side(PALETTE[2], corners[3])]);
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

    fn square(side: f64) -> Polygon {
        let corners = [[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]];
        Polygon { title: format!("area {}", side * side), corners, points: vec![[0.5, 0.5], [0.2, 0.9]] }
    }

    #[test]
    fn bars_lines_and_names_are_drawn() {
        let text = densities(&[density(), Density { naive: None, ..density() }]).unwrap().svg();
        for part in ["X = 2Z", "samples", "p(z)·|dz/dx|"] {
            assert_eq!(text.matches(&format!(">{part}<")).count(), 2, "{part}");
        }
        assert_eq!(text.matches(">p(z) alone<").count(), 1);
        // Two bars and a key in each of two panels.
        assert_eq!(text.matches("fill=\"#56B4E9\" fill-opacity=\"0.55\"").count(), 2 * 3);
    }

    #[test]
    fn a_polygon_twice_as_wide_is_drawn_twice_as_wide() {
        let text = polygons(&[square(1.0), square(2.0)]).unwrap().svg();
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
    fn impossible_pictures_are_refused() {
        assert!(densities(&[]).is_err() && polygons(&[]).is_err());
        assert!(densities(&[Density { range: [1.0, 1.0], ..density() }]).is_err());
        assert!(densities(&[Density { bars: vec![0.0], line: vec![], naive: None, ..density() }]).is_err());
        assert!(polygons(&[square(f64::INFINITY)]).is_err() && polygons(&[square(0.0)]).is_err());
    }
}
