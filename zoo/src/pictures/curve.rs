//! Curves: one line a series, with axes that say what they count and in which unit. How a loss fell, or how
//! times grow.

use std::path::Path;

use plotters::coord::types::RangedCoordf64;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::{PALETTE, PictureError, save_svg};

/// One line of a curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What the legend calls it, as in "validation".
    pub name: String,
    /// Step and value. Points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// Whether it is drawn in dashes, so that a line below it can be seen.
    pub dashed: bool,
}

/// What is written around a curve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Above it.
    pub title: String,
    /// Below the title, in smaller letters; empty for none.
    pub note: String,
    /// Below it, with its unit: "step", "time (s)".
    pub x: String,
    /// Beside it, with its unit: "loss (bits/dim)".
    pub y: String,
    /// Whether every power of ten of the steps gets the same width. Points at or below zero have
    /// no place then and are left out.
    pub log_x: bool,
    /// The same of the values.
    pub log_y: bool,
}

/// An axis: from where to where it goes, as logarithms if it is logarithmic.
#[derive(Debug, Clone, Copy)]
struct Axis {
    log: bool,
    low: f64,
    high: f64,
}

impl Axis {
    /// An axis along which all of some places lie, with a part of their range as air on both sides. None
    /// without any.
    fn around(places: impl Iterator<Item = f64>, log: bool, air: f64) -> Option<Self> {
        let (low, high) = bounds(places)?;
        let (low, high) = if log {
            // Whole decades, so that there is always a power of ten to label.
            (low.floor(), high.ceil().max(low.floor() + 1.0))
        } else {
            widen(low, high, air)
        };
        Some(Self { log, low, high })
    }

    /// How many labels there may be.
    fn labels(&self, most: usize) -> usize {
        // One label a decade: between them there would be lines without numbers.
        if self.log { ((self.high - self.low) as usize + 1).min(most) } else { most }
    }

    fn label(&self, at: f64) -> String {
        match (self.log, at.fract() == 0.0) {
            (false, _) => number(at),
            (true, true) => number(10f64.powf(at)),
            (true, false) => String::new(),
        }
    }
}

/// Draws the series into SVG text. An error only where no series has a finite point.
pub fn svg(series: &[Series], labels: &Labels) -> Result<String, PictureError> {
    let place = |value: f64, log: bool| if log { value.log10() } else { value };
    let drawn: Vec<Vec<(f64, f64)>> = series
        .iter()
        .map(|s| {
            let placed = s.points.iter().map(|&(x, y)| (place(x, labels.log_x), place(y, labels.log_y)));
            // Comparisons with NaN are false, and the logarithm of 0 is far away.
            placed.filter(|(x, y)| x.abs() < FAR && y.abs() < FAR).collect()
        })
        .collect();
    let all = || drawn.iter().flatten();
    let nothing = || PictureError::Nothing { what: format!("{:?}", labels.title) };
    let x = Axis::around(all().map(|p| p.0), labels.log_x, 0.0).ok_or_else(nothing)?;
    let y = Axis::around(all().map(|p| p.1), labels.log_y, 0.05).ok_or_else(nothing)?;

    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (800, 480)).into_drawing_area();
        root.fill(&WHITE).map_err(drawing)?;
        let mut area = root.margin(12, 0, 0, 0).titled(&labels.title, ("sans-serif", 22)).map_err(drawing)?;
        if !labels.note.is_empty() {
            area = area.titled(&labels.note, ("sans-serif", 15)).map_err(drawing)?;
        }
        let chart = ChartBuilder::on(&area)
            .margin(14)
            .margin_right(28)
            .margin_top(4)
            .x_label_area_size(48)
            .y_label_area_size(72)
            .build_cartesian_2d(x.low..x.high, y.low..y.high)
            .map_err(drawing)?;
        fill(chart, series, &drawn, labels, [x, y])?;
        root.present().map_err(drawing)?;
    }
    Ok(text)
}

/// Draws the series and writes them as SVG, whole or not at all.
pub fn save(path: &Path, series: &[Series], labels: &Labels) -> Result<(), PictureError> {
    save_svg(path, &svg(series, labels)?)
}

type Area = Cartesian2d<RangedCoordf64, RangedCoordf64>;

fn fill<'a, 'b: 'a>(
    mut chart: ChartContext<'a, SVGBackend<'b>, Area>,
    series: &[Series],
    drawn: &[Vec<(f64, f64)>],
    labels: &Labels,
    [x, y]: [Axis; 2],
) -> Result<(), PictureError> {
    chart
        .configure_mesh()
        .x_desc(&labels.x)
        .y_desc(&labels.y)
        .x_label_formatter(&|at| x.label(*at))
        .y_label_formatter(&|at| y.label(*at))
        .x_labels(x.labels(9))
        .y_labels(y.labels(8))
        .axis_desc_style(("sans-serif", 16))
        .label_style(("sans-serif", 14))
        .bold_line_style(RGBColor(222, 222, 222))
        .light_line_style(TRANSPARENT)
        .axis_style(RGBColor(110, 110, 110))
        .draw()
        .map_err(drawing)?;
    for (i, (one, points)) in series.iter().zip(drawn).enumerate() {
        if points.is_empty() {
            continue;
        }
        let [r, g, b] = PALETTE[i % PALETTE.len()];
        let style = ShapeStyle::from(RGBColor(r, g, b)).stroke_width(2);
        let places = points.iter().copied();
        if one.dashed {
            let dashes = DashedLineSeries::new(places, DASH, DASH, style);
            let key = move |(x, y)| DashedPathElement::new([(x, y), (x + KEY, y)], DASH, DASH, style);
            chart.draw_series(dashes).map_err(drawing)?.label(&one.name).legend(key);
        } else {
            let key = move |(x, y)| PathElement::new([(x, y), (x + KEY, y)], style);
            chart.draw_series(LineSeries::new(places, style)).map_err(drawing)?.label(&one.name).legend(key);
        }
        // A line of one point cannot be seen, nor can one of few points be trusted.
        if points.len() <= 30 {
            let dots = points.iter().map(|&at| Circle::new(at, 3, style.filled()));
            chart.draw_series(dots).map_err(drawing)?;
        }
    }
    chart
        .configure_series_labels()
        .position(room(drawn, [x, y]))
        .margin(12)
        .legend_area_size(30)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(190, 190, 190))
        .label_font(("sans-serif", 15))
        .draw()
        .map_err(drawing)
}

/// The corner for the legend: where the least of the curves is, and the upper right one of equals.
fn room(drawn: &[Vec<(f64, f64)>], [x, y]: [Axis; 2]) -> SeriesLabelPosition {
    /// What a legend takes of the width and of the height.
    const PART: f64 = 0.35;
    /// Places looked at from one point of a curve to the next.
    const PLACES: u32 = 20;
    let along = |axis: Axis, at: f64| (at - axis.low) / (axis.high - axis.low);
    let between = |pair: &[(f64, f64)], place: u32| {
        let share = f64::from(place) / f64::from(PLACES);
        let mix = |a: f64, b: f64| a + share * (b - a);
        [along(x, mix(pair[0].0, pair[1].0)), along(y, mix(pair[0].1, pair[1].1))]
    };
    let mut taken = [0; 4];
    for points in drawn {
        // A lone point is the whole of its curve.
        let lone = points.iter().take(1).map(|&point| [point, point]);
        let pairs = points.windows(2).map(|pair| [pair[0], pair[1]]);
        for [across, up] in lone.chain(pairs).flat_map(|pair| (0..=PLACES).map(move |place| between(&pair, place))) {
            let ends = [across > 1.0 - PART, across < PART].map(|side| [side && up > 1.0 - PART, side && up < PART]);
            for (count, inside) in taken.iter_mut().zip(ends.into_iter().flatten()) {
                *count += u32::from(inside);
            }
        }
    }
    let [upper_right, lower_right, upper_left, lower_left] = taken;
    let corners = [
        (upper_right, SeriesLabelPosition::UpperRight),
        (upper_left, SeriesLabelPosition::UpperLeft),
        (lower_right, SeriesLabelPosition::LowerRight),
        (lower_left, SeriesLabelPosition::LowerLeft),
    ];
    corners.into_iter().min_by_key(|corner| corner.0).map_or(SeriesLabelPosition::UpperRight, |corner| corner.1)
}

/// The length of a dash and of the gap after it, in pixels.
const DASH: i32 = 5;
/// The length of the lines in the legend.
const KEY: i32 = 25;
/// Beyond this lies no loss worth drawing: one such point would flatten all the others.
const FAR: f64 = 1e30;

/// The least and the greatest value, if there is any.
fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |bounds, value| {
        let (low, high) = bounds.unwrap_or((value, value));
        Some((value.min(low), value.max(high)))
    })
}

/// A range with some air on both sides. Never so narrow that neighboring labels would be one and
/// the same number: the search for labels does not end on an axis like that.
fn widen(low: f64, high: f64, share: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs()).max(1.0);
    if high - low < size * 1e-6 {
        // A lone value stands in the middle.
        let air = if high > low { 1e-6 } else { 0.5 };
        return (low - size * air, high + size * air);
    }
    let air = (high - low) * share;
    (low - air, high + air)
}

/// A number as an axis shows it: as short as it goes, with "k" and "M" for the large.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    let (scaled, unit) = match size {
        1e9.. => return format!("{value:.0e}"),
        1e6.. => (value / 1e6, "M"),
        1e4.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    if size != 0.0 && size < 1e-3 {
        return format!("{value:.1e}");
    }
    let text = format!("{scaled:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let text = if text == "-0" { "0" } else { text };
    format!("{text}{unit}")
}

fn drawing(error: impl std::fmt::Display) -> PictureError {
    PictureError::Drawing(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(log_x: bool) -> Labels {
        let [title, x, y] = ["NICE on MNIST", "step", "loss (bits/dim)"].map(Into::into);
        Labels { title, x, y, log_x, ..Labels::default() }
    }

    fn series(name: &str, points: &[(f64, f64)]) -> Series {
        Series { name: name.into(), points: points.to_vec(), dashed: false }
    }

    #[test]
    fn labels_names_and_both_lines_are_there() {
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
        // Words stand on lines of their own, below the element they belong to.
        let element = picture.split("<text ").find(|element| element.contains(&format!("\n{text}\n"))).unwrap();
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
    fn the_legend_stands_where_no_curve_is() {
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
    fn dashes_are_many_pieces_and_a_line_is_one() {
        let pieces = |dashed| {
            let one = Series { dashed, ..series("a", &[(1.0, 1.0), (2.0, 5.0)]) };
            svg(&[one], &labels(false)).unwrap().matches("stroke=\"#0072B2\"").count()
        };
        // The dots at both ends, the line, and its key.
        assert!(pieces(false) <= 4 && pieces(true) > 40, "{} and {}", pieces(false), pieces(true));
    }

    #[test]
    fn markup_in_a_name_stays_text() {
        let text = svg(&[series("<script>&", &[(0.0, 1.0)])], &labels(false)).unwrap();
        assert!(!text.contains("<script>"));
    }

    #[test]
    fn nothing_finite_is_an_error_and_one_point_is_a_dot() {
        let nan = series("a", &[(1.0, f64::NAN), (f64::INFINITY, 1.0)]);
        for none in [&[][..], &[series("a", &[])], &[nan]] {
            assert!(matches!(svg(none, &labels(false)), Err(PictureError::Nothing { .. })));
        }
        let zero = series("a", &[(0.0, 1.0)]);
        assert!(svg(std::slice::from_ref(&zero), &labels(true)).is_err());
        assert!(svg(&[zero], &labels(false)).unwrap().contains("<circle"));
        assert!(svg(&[series("a", &[(7.0, 1.0)])], &labels(true)).unwrap().contains("<circle"));
    }

    #[test]
    fn axes_show_short_numbers() {
        let numbers = [0.0, -0.0, 1.5, 1_980.5, 60_000.0, 2.5e6, 3e12, 0.25, 1e-4, -12.24];
        let shown = ["0", "0", "1.5", "1980.5", "60k", "2.5M", "3e12", "0.25", "1.0e-4", "-12.24"];
        assert_eq!(numbers.map(number), shown);
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
