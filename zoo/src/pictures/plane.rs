//! A part of the plane: which numbers are at its edges, and at which of them it is marked.

/// A rectangle of the plane, each side from the lesser number to the greater.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// From left to right.
    pub x: [f64; 2],
    /// From bottom to top.
    pub y: [f64; 2],
}

/// The part of the points, at either end of an axis, that may lie outside of a window around them: a few stray
/// ones must not shrink all others to a dot.
const STRAY: f64 = 0.003;
/// The air around points, as a part of their range.
const AIR: f64 = 0.18;

impl Window {
    /// From −`reach` to `reach`, both ways.
    #[must_use]
    pub const fn square(reach: f64) -> Self {
        Self { x: [-reach, reach], y: [-reach, reach] }
    }

    /// Where points, x and y in turn, mostly lie, with air around. Both axes have the same unit, so that
    /// circles look like circles, unless the points are more than twice as wide as high or the reverse. None
    /// without any finite point.
    #[must_use]
    pub fn around(points: &[f32]) -> Option<Self> {
        let [x, y] = [range(points, 0)?, range(points, 1)?];
        let [width, height] = [x[1] - x[0], y[1] - y[0]];
        let side = width.max(height);
        let similar = width.min(height) * 2.0 > side;
        let around = |[low, high]: [f64; 2]| {
            let reach = if similar { side } else { high - low } * (0.5 + AIR);
            let middle = f64::midpoint(low, high);
            [middle - reach, middle + reach]
        };
        Some(Self { x: around(x), y: around(y) })
    }

    /// Whether it has an inside, and numbers that can be written at its edges.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        [self.x, self.y].iter().all(|[low, high]| low < high && (high - low).is_finite())
    }

    /// How far from 0 its edges are, at most.
    #[must_use]
    pub fn reach(&self) -> f64 {
        [self.x, self.y].as_flattened().iter().fold(0.0, |reach, edge| edge.abs().max(reach))
    }

    /// Width times height.
    #[must_use]
    pub fn area(&self) -> f64 {
        (self.x[1] - self.x[0]) * (self.y[1] - self.y[0])
    }

    /// The middles of `side × side` equal cells, x and y in turn, row after row from the top.
    #[must_use]
    pub fn cells(&self, side: usize) -> Vec<f32> {
        let at = |[low, high]: [f64; 2], place: usize| low + (high - low) * (place as f64 + 0.5) / side as f64;
        let cell = |i: usize| [at(self.x, i % side) as f32, at(self.y, side - 1 - i / side) as f32];
        (0..side * side).flat_map(cell).collect()
    }
}

/// The range of one axis without its strays; never empty.
fn range(points: &[f32], axis: usize) -> Option<[f64; 2]> {
    let mut along: Vec<f32> = points.iter().skip(axis).step_by(2).copied().filter(|x| x.is_finite()).collect();
    along.sort_unstable_by(f32::total_cmp);
    let last = along.len().checked_sub(1)?;
    let strays = (STRAY * along.len() as f64) as usize;
    let [low, high] = [along[strays], along[last - strays]].map(f64::from);
    // Next to each other, the numbers at the edges would be one and the same.
    let least = 1e-5 * low.abs().max(high.abs());
    if high - low > least {
        return Some([low, high]);
    }
    let reach = least.max(0.5);
    Some([low - reach, high + reach])
}

/// Where to mark an axis, with what to write there: multiples of 1, 2 or 5 times a power of ten, at most
/// `most` of them, with as many decimals as tell them apart.
pub(super) fn ticks([low, high]: [f64; 2], most: usize) -> Vec<(f64, String)> {
    let rough = (high - low) / most.max(1) as f64;
    let power = rough.log10().floor();
    let unit = 10f64.powf(power);
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * unit >= rough).unwrap_or(10.0);
    let step = factor * unit;
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    let decimals = (if factor == 10.0 { -power - 1.0 } else { -power }).max(0.0) as usize;
    let large = low.abs().max(high.abs()) >= 1e6;
    let label = |value: f64| match (large, decimals) {
        (false, 0..=4) => format!("{value:.decimals$}"),
        _ => format!("{value:.1e}"),
    };
    // Too near to each other for their numbers, marks would not be where they say.
    let count = last.saturating_sub(first);
    (first..=last).filter(|_| count < 100).map(|k| (k as f64 * step, label(k as f64 * step))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(range: [f64; 2]) -> Vec<String> {
        ticks(range, 6).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn marks_are_round_numbers() {
        assert_eq!(labels([-4.0, 4.0]), ["-4", "-2", "0", "2", "4"]);
        assert_eq!(labels([0.0, 1.0]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels([-0.03, 0.021]), ["-0.03", "-0.02", "-0.01", "0.00", "0.01", "0.02"]);
        assert_eq!(labels([4810.0, 5190.0]), ["4900", "5000", "5100"]);
        assert_eq!(labels([0.0, 4e6]), ["0.0e0", "1.0e6", "2.0e6", "3.0e6", "4.0e6"]);
    }

    #[test]
    fn a_window_is_around_most_points_with_one_unit_both_ways() {
        let square = Window::around(&[0.0, 0.0, 1.0, 0.8]).unwrap();
        assert!((square.x[1] - 1.18).abs() < 1e-6 && (square.area() - 1.36f64.powi(2)).abs() < 1e-5);
        assert!((f64::midpoint(square.y[0], square.y[1]) - 0.4).abs() < 1e-6);
        let flat = Window::around(&[0.0, 0.0, 100.0, 1.0]).unwrap();
        assert!((flat.x[1] - 118.0).abs() < 1e-3 && (flat.y[1] - 1.18).abs() < 1e-3);
        // One of two thousand points is no reason to make all others small.
        let mut points: Vec<f32> = (0..2000).flat_map(|i| [i as f32 / 2000.0, i as f32 / 2000.0]).collect();
        points.extend([1e9, f32::NAN]);
        assert!(Window::around(&points).unwrap().x[1] < 1.2);
        assert_eq!(Window::around(&[]), None);
        assert_eq!(Window::around(&[f32::NAN, 1.0]), None);
    }

    #[test]
    fn cells_go_through_the_window_from_its_upper_left() {
        let cells = Window { x: [0.0, 4.0], y: [10.0, 12.0] }.cells(2);
        assert_eq!(cells, [1.0, 11.5, 3.0, 11.5, 1.0, 10.5, 3.0, 10.5]);
    }

    proptest! {
        #[test]
        fn any_points_have_a_window_with_marks_inside(
            points in prop::collection::vec(prop_oneof![any::<f32>(), -1e3f32..1e3, Just(7.0)], 0..12),
        ) {
            let points = &points[..points.len() / 2 * 2];
            if let Some(window) = Window::around(points) {
                prop_assert!(window.is_sound(), "{window:?}");
                for [low, high] in [window.x, window.y] {
                    let marks = ticks([low, high], 6);
                    prop_assert!(marks.len() <= 8, "{low} {high}: {marks:?}");
                    let air = (high - low) * 1e-9;
                    prop_assert!(marks.iter().all(|(at, _)| (low - air..=high + air).contains(at)), "{marks:?}");
                }
            }
        }
    }
}
