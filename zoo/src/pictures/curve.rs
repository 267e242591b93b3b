//! Curves: one line per series, on axes with units.

use super::axes::{Axes, Key};
use super::canvas::{Anchor, Area, Canvas, INK, Paint, Point, Shape, Text};
use super::scale::Scale;
use super::{PALETTE, nothing};
use anyhow::Result;

/// One line of a curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend, such as "validation".
    pub name: String,
    /// Step and value. Points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// Whether it is dashed, so a line below it can be seen.
    pub dashed: bool,
}

/// What is written around a curve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    pub title: String,
    /// Below the title, in smaller letters; empty for none.
    pub note: String,
    /// Below the horizontal axis, with its unit: "step", "time (s)".
    pub x: String,
    /// Beside the vertical axis, with its unit: "loss (bits/dim)".
    pub y: String,
    /// Whether the horizontal axis is logarithmic. Points at or below zero are left out then.
    pub log_x: bool,
    /// Whether the vertical axis is logarithmic.
    pub log_y: bool,
}

/// The size of one plot in pixels, and that of the rectangle inside of the axes.
const SIZE: [usize; 2] = [800, 480];
const AREA: Area = Area { left: 86.0, top: 66.0, width: 686.0, height: 352.0 };
/// No loss beyond this is worth drawing: one such point would flatten all others.
const FAR: f64 = 1e30;
/// Curves of so few points have a dot at each: a line of one point could not be seen.
const FEW: usize = 30;

/// Draws the series.
pub fn draw(series: &[Series], labels: &Labels) -> Result<Canvas> {
    draw_all(&[(series, labels)])
}

/// Draws several plots from left to right.
pub fn draw_all(plots: &[(&[Series], &Labels)]) -> Result<Canvas> {
    let mut canvas = Canvas::new(SIZE[0] * plots.len(), SIZE[1])?;
    for (i, (series, labels)) in plots.iter().enumerate() {
        draw_into(&mut canvas, (i * SIZE[0]) as f64, series, labels)?;
    }
    Ok(canvas)
}

fn draw_into(canvas: &mut Canvas, left: f64, series: &[Series], labels: &Labels) -> Result<()> {
    let area = Area { left: left + AREA.left, ..AREA };
    let has_place = |value: f64, log: bool| value.abs() < FAR && (!log || value > 0.0);
    let drawn = series.iter().map(|one| {
        let points = one.points.iter().filter(|&&(x, y)| has_place(x, labels.log_x) && has_place(y, labels.log_y));
        points.map(|&(x, y)| [x, y]).collect::<Vec<Point>>()
    });
    let drawn: Vec<_> = drawn.collect();
    let scale = |i: usize, log, air| {
        Scale::around(drawn.iter().flatten().map(|point| point[i]), log, air)
            .ok_or_else(|| nothing(format_args!("{:?}", labels.title)))
    };
    let scales = [scale(0, labels.log_x, 0.0)?, scale(1, labels.log_y, 0.05)?];

    let middle = left + SIZE[0] as f64 / 2.0;
    canvas.write_as(
        [middle, if labels.note.is_empty() { 34.0 } else { 25.0 }],
        Anchor::Middle,
        &labels.title,
        21.0,
        INK,
    );
    canvas.write_as([middle, 49.0], Anchor::Middle, &labels.note, 14.0, INK);
    canvas.write_as([area.left + 0.5 * area.width, 458.0], Anchor::Middle, &labels.x, 15.0, INK);
    let (at, anchor) = ([left + 22.0, area.top + 0.5 * area.height], Anchor::Middle);
    canvas.add(Shape::Text(Text { text: labels.y.clone(), at, anchor, size: 15.0, color: INK, upward: true }));
    let mut axes = Axes { canvas, area, scales };
    axes.y_ticks(8);
    axes.x_ticks(9, true);
    axes.edge();
    for (i, (one, points)) in series.iter().zip(&drawn).enumerate() {
        let paint = Paint::from(PALETTE[i % PALETTE.len()]);
        axes.line_of(points.iter().copied(), 2.0, paint, one.dashed);
        for &point in points.iter().filter(|_| points.len() <= FEW) {
            let at = axes.at(point);
            axes.canvas.add(Shape::Disc(at, 3.0, paint));
        }
    }
    let named = series.iter().zip(&drawn).enumerate().filter(|(_, (_, points))| !points.is_empty());
    let key = |i: usize, dashed| Key::Line(PALETTE[i % PALETTE.len()], dashed);
    let entries: Vec<_> = named.map(|(i, (one, _))| (one.name.as_str(), key(i, one.dashed))).collect();
    let corner = emptiest_corner(&drawn, scales);
    axes.legend(&entries, corner);
    Ok(())
}

/// The corner with the least of the curves: whether it is on the right, and at the top. Of equals the upper right one.
fn emptiest_corner(drawn: &[Vec<Point>], scales: [Scale; 2]) -> [bool; 2] {
    /// The share of the width and of the height that a legend takes.
    const PART: f64 = 0.35;
    /// Places looked at from one point of a curve to the next.
    const PLACES: u32 = 20;
    let taken = |[right, high]: [bool; 2]| {
        let inside = |share: f64, far: bool| if far { share > 1.0 - PART } else { share < PART };
        let share = |i: usize, pair: [Point; 2], place: u32| {
            let [a, b] = pair.map(|point| scales[i].share(point[i]));
            a + f64::from(place) / f64::from(PLACES) * (b - a)
        };
        let pairs = drawn.iter().flat_map(|points| {
            // A single point is the whole of its curve.
            points.iter().take(1).map(|&point| [point, point]).chain(points.windows(2).map(|pair| [pair[0], pair[1]]))
        });
        let places = pairs.flat_map(|pair| (0..=PLACES).map(move |place| (pair, place)));
        places.filter(|&(pair, at)| inside(share(0, pair, at), right) && inside(share(1, pair, at), high)).count()
    };
    let corners = [[true, true], [false, true], [true, false], [false, false]];
    corners.into_iter().min_by_key(|&corner| taken(corner)).unwrap_or([true, true])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(log_x: bool) -> Labels {
        let [title, x, y] = ["NICE on MNIST", "step", "loss (bits/dim)"].map(Into::into);
        Labels { title, x, y, log_x, ..Labels::default() }
    }

    fn svg(series: &[Series], labels: &Labels) -> Result<String> {
        Ok(draw(series, labels)?.svg())
    }

    fn series(name: &str, points: &[(f64, f64)]) -> Series {
        Series { name: name.into(), points: points.to_vec(), dashed: false }
    }

    #[test]
    fn labels_names_and_both_lines_are_drawn() {
        let train = series("train", &[(1.0, 5.0), (10.0, 4.0), (100.0, 3.0)]);
        let validation = series("validation", &[(1.0, 5.5), (100.0, 3.5)]);
        for log_x in [false, true] {
            let text = svg(&[train.clone(), validation.clone()], &labels(log_x)).unwrap();
            for part in ["NICE on MNIST", "step", "loss (bits/dim)", "train", "validation"] {
                assert!(text.contains(part), "{part}");
            }
            assert!(text.contains("#0072B2") && text.contains("#D55E00"));
        }
    }

    /// Where the texts of a picture stand, from the left and from the top.
    fn place_of(text: &str, picture: &str) -> (f64, f64) {
        let element = picture.split("<text ").find(|element| element.contains(&format!(">{text}</text>"))).unwrap();
        let [x, y] = ["x=\"", "y=\""].map(|key| element.split_once(key).unwrap().1.split_once('"').unwrap().0);
        (x.parse().unwrap(), y.parse().unwrap())
    }

    #[test]
    fn powers_of_ten_are_equally_far_apart_on_both_axes() {
        let grows = series("times", &[(1.0, 0.02), (10.0, 2.0), (100.0, 30.0)]);
        let text = svg(&[grows], &Labels { log_y: true, note: "batches of 100".into(), ..labels(true) }).unwrap();
        let heights = ["0.01", "0.1", "1", "10", "100"].map(|label| place_of(label, &text).1);
        let steps: Vec<f64> = heights.windows(2).map(|pair| pair[0] - pair[1]).collect();
        assert!(steps.iter().all(|step| *step > 20.0 && (step - steps[0]).abs() < 3.0), "{heights:?}");
        assert!(place_of("NICE on MNIST", &text).1 < place_of("batches of 100", &text).1);
    }

    #[test]
    fn the_legend_is_where_no_curve_is() {
        let place = |points: &[(f64, f64)]| {
            let (x, y) = place_of("a", &svg(&[series("a", points)], &labels(false)).unwrap());
            (x > 400.0, y < 240.0)
        };
        assert_eq!(place(&[(1.0, 5.0), (2.0, 1.5), (3.0, 1.0)]), (true, true));
        assert_eq!(place(&[(1.0, 1.0), (2.0, 1.5), (3.0, 5.0)]), (false, true));
        // The line between two points counts, not only its ends; here through all corners but the lower right one.
        assert_eq!(place(&[(1.0, 1.0), (1.0, 5.0), (3.0, 5.0)]), (true, false));
    }

    #[test]
    fn a_dashed_line_has_many_pieces_and_a_solid_one_has_one() {
        let pieces = |dashed| {
            let one = Series { dashed, ..series("a", &[(1.0, 1.0), (2.0, 5.0)]) };
            let svg = svg(&[one], &labels(false)).unwrap();
            let paths = svg.split("<path ").filter(|path| path.contains("stroke=\"#0072B2\""));
            paths.map(|path| path.matches('M').count()).sum::<usize>()
        };
        // The line and its key.
        assert!(pieces(false) == 2 && pieces(true) > 40, "{} and {}", pieces(false), pieces(true));
    }

    #[test]
    fn nothing_finite_is_an_error_and_one_point_is_a_dot() {
        let nan = series("a", &[(1.0, f64::NAN), (f64::INFINITY, 1.0)]);
        for none in [&[][..], &[series("a", &[])], &[nan]] {
            assert!(svg(none, &labels(false)).unwrap_err().to_string().starts_with("there is nothing to draw"));
        }
        let zero = series("a", &[(0.0, 1.0)]);
        assert!(svg(std::slice::from_ref(&zero), &labels(true)).is_err());
        assert!(svg(&[zero], &labels(false)).unwrap().contains("<circle"));
        assert!(svg(&[series("a", &[(7.0, 1.0)])], &labels(true)).unwrap().contains("<circle"));
    }

    /// Any float at all, and often enough one that is drawn.
    fn coordinate() -> impl Strategy<Value = f64> {
        prop_oneof![any::<f64>(), -1e3..1e3, -1e31..1e31, 0.0..1e-12]
    }

    proptest! {
        #[test]
        fn any_points_are_drawn_or_refused(
            points in prop::collection::vec((coordinate(), coordinate()), 0..20),
            log_x in any::<bool>(),
        ) {
            for log_y in [false, true] {
                let dashed = Series { dashed: log_y, ..series("a", &points) };
                let _ = svg(&[dashed], &Labels { log_y, ..labels(log_x) });
            }
        }

        #[test]
        fn small_ranges_at_any_height_are_drawn(at in -1e12f64..1e12, step in 0.0f64..1e-6) {
            let points = [(1.0, at), (2.0, at + step), (2.0 + step, at)];
            prop_assert!(svg(&[series("a", &points)], &labels(false)).is_ok());
        }
    }
}
