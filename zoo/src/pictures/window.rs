//! The part of the plane that a picture shows.

/// A rectangle of the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// From left to right.
    pub x: [f64; 2],
    /// From bottom to top.
    pub y: [f64; 2],
}

/// The share of points that may be outside of a window around them, at either end of an axis: a few outliers must not
/// shrink all others to a dot.
const OUTLIERS: f64 = 0.003;
/// The margin around points, as a share of their range.
const MARGIN: f64 = 0.18;

impl Window {
    /// From −`reach` to `reach`, both ways.
    pub const fn square(reach: f64) -> Self {
        Self { x: [-reach, reach], y: [-reach, reach] }
    }

    /// Around almost all of some points (x and y alternate), with a margin. Both axes have the same unit, so circles
    /// look like circles, unless the points spread more than twice as far along one axis as along the other. None
    /// without any finite point.
    pub fn around(points: &[f32]) -> Option<Self> {
        let [x, y] = [range(points, 0)?, range(points, 1)?];
        let [width, height] = [x[1] - x[0], y[1] - y[0]];
        let side = width.max(height);
        let similar = width.min(height) * 2.0 > side;
        let around = |[low, high]: [f64; 2]| {
            let reach = if similar { side } else { high - low } * (0.5 + MARGIN);
            let middle = f64::midpoint(low, high);
            [middle - reach, middle + reach]
        };
        Some(Self { x: around(x), y: around(y) })
    }

    /// Whether it has an area, and finite edges.
    pub fn is_sound(&self) -> bool {
        [self.x, self.y].iter().all(|[low, high]| low < high && (high - low).is_finite())
    }

    /// The distance from 0 to the farthest edge.
    pub fn reach(&self) -> f64 {
        [self.x, self.y].as_flattened().iter().fold(0.0, |reach, edge| edge.abs().max(reach))
    }

    /// Width times height.
    pub fn area(&self) -> f64 {
        (self.x[1] - self.x[0]) * (self.y[1] - self.y[0])
    }

    /// The centers of `side × side` equal cells, row by row from the top; x and y alternate.
    pub fn cells(&self, side: usize) -> Vec<f32> {
        let at = |[low, high]: [f64; 2], place: usize| low + (high - low) * (place as f64 + 0.5) / side as f64;
        let cell = |i: usize| [at(self.x, i % side) as f32, at(self.y, side - 1 - i / side) as f32];
        (0..side * side).flat_map(cell).collect()
    }
}

/// The range of the points along one axis, without outliers; never empty.
fn range(points: &[f32], axis: usize) -> Option<[f64; 2]> {
    let mut along: Vec<f32> = points.iter().skip(axis).step_by(2).copied().filter(|x| x.is_finite()).collect();
    along.sort_unstable_by(f32::total_cmp);
    let last = along.len().checked_sub(1)?;
    let outliers = (OUTLIERS * along.len() as f64) as usize;
    let [low, high] = [along[outliers], along[last - outliers]].map(f64::from);
    // Narrower than this, all tick labels would be the same.
    let least = 1e-5 * low.abs().max(high.abs());
    if high - low > least {
        return Some([low, high]);
    }
    let reach = least.max(0.5);
    Some([low - reach, high + reach])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_most_points_and_has_one_unit_on_both_axes() {
        let square = Window::around(&[0.0, 0.0, 1.0, 0.8]).unwrap();
        assert!((square.x[1] - 1.18).abs() < 1e-6 && (square.area() - 1.36f64.powi(2)).abs() < 1e-5);
        assert!((f64::midpoint(square.y[0], square.y[1]) - 0.4).abs() < 1e-6);
        let flat = Window::around(&[0.0, 0.0, 100.0, 1.0]).unwrap();
        assert!((flat.x[1] - 118.0).abs() < 1e-3 && (flat.y[1] - 1.18).abs() < 1e-3);
        // One outlier among two thousand points does not make the others small.
        let mut points: Vec<f32> = (0..2000).flat_map(|i| [i as f32 / 2000.0, i as f32 / 2000.0]).collect();
        points.extend([1e9, f32::NAN]);
        assert!(Window::around(&points).unwrap().x[1] < 1.2);
        assert_eq!(Window::around(&[]), None);
        assert_eq!(Window::around(&[f32::NAN, 1.0]), None);
    }

    #[test]
    fn cells_start_in_the_upper_left_corner() {
        let cells = Window { x: [0.0, 4.0], y: [10.0, 12.0] }.cells(2);
        assert_eq!(cells, [1.0, 11.5, 3.0, 11.5, 1.0, 10.5, 3.0, 10.5]);
    }
}
