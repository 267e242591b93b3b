//! The inverse-CDF trick in one dimension: a histogram, its distribution function, uniform values, normal values.

use super::axes::panels;
use super::canvas::{Canvas, Paint};
use super::change_of_variables::histogram;
use super::{PALETTE, Window, nothing};
use anyhow::Result;

/// The side of a panel's square in pixels.
const SIDE: usize = 300;
/// Bars of a histogram.
const BARS: usize = 40;

/// A sample before, during, and after the trick, and the functions it uses.
#[derive(Debug, Clone, Copy)]
pub struct Trick<'a> {
    /// The sample.
    pub x: &'a [f32],
    /// `u = F(x)` of each value.
    pub u: &'a [f32],
    /// `z = Φ⁻¹(u)` of each value.
    pub z: &'a [f32],
    /// Points of F, from left to right; x and F(x) alternate.
    pub cdf: &'a [f32],
    /// Points of the density F′, from left to right; x and F′(x) alternate.
    pub density: &'a [f32],
}

/// Draws the four steps side by side.
pub fn draw(trick: &Trick<'_>) -> Result<Canvas> {
    let x = range(trick.x).ok_or_else(|| nothing("values that are all the same"))?;
    let bars =
        |values: &[f32], range| histogram(&values.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), range, BARS);
    let points = |values: &[f32]| values.chunks_exact(2).map(|point| [point[0].into(), point[1].into()]).collect();

    let (heights, density): (_, Vec<[f64; 2]>) = (bars(trick.x, x), points(trick.density));
    let peaks = density.iter().map(|point| point[1]).filter(|y| y.is_finite());
    // A narrow peak of the density may be many times as high as any bar.
    let tallest = heights.iter().copied().fold(0.0, f64::max);
    let top = peaks.fold(tallest, f64::max).min(1.6 * tallest) * 1.08;
    let (unit, around) = ([0.0, 1.0], [-4.0, 4.0]);
    let bell = (0..=200).map(|i| -4.0 + 0.04 * f64::from(i));
    let bell = bell.map(|z| [z, (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()]).collect();
    // Title, ranges, histogram, and line of each step.
    let steps = [
        ("x in data units: histogram", Window { x, y: [0.0, top] }, heights, density),
        ("u = F(x), x in data units", Window { x, y: unit }, vec![], points(trick.cdf)),
        ("u: uniform", Window { x: unit, y: [0.0, 2.0] }, bars(trick.u, unit), vec![[0.0, 1.0], [1.0, 1.0]]),
        ("z: normal", Window { x: around, y: [0.0, 0.6] }, bars(trick.z, around), bell),
    ];
    panels(
        &steps,
        [SIDE, 4],
        |step| (step.0, step.1),
        |axes, (_, window, heights, line)| {
            axes.bars(heights, window.x, Paint { color: PALETTE[0], opacity: 0.35 });
            axes.line(line.iter().copied(), PALETTE[1].into());
            Ok(())
        },
    )
}

/// From the least finite value to the greatest, with a margin. None where all are the same.
fn range(values: &[f32]) -> Option<[f64; 2]> {
    let finite = || values.iter().copied().filter(|x| x.is_finite()).map(f64::from);
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let margin = 0.03 * (high - low);
    (high > low).then_some([low - margin, high + margin])
}

#[cfg(test)]
mod tests {
    use super::super::tests::blue;
    use super::*;

    #[test]
    fn bars_are_densities() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i) / 1000.0).collect();
        let bars = histogram(&values, [0.0, 1.0], BARS);
        assert!(bars.iter().all(|bar| (bar - 1.0).abs() < 0.05), "{bars:?}");
        let bars = histogram(&values, [-1.0, 3.0], BARS);
        assert!((bars.iter().sum::<f64>() * 0.1 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn four_panels_are_drawn_and_equal_numbers_refused() {
        let trick = Trick { x: &[1.0, 2.0, 4.0], u: &[0.2, 0.5, 0.9], z: &[-1.0, 0.0, 1.0], cdf: &[], density: &[] };
        let picture = draw(&trick).unwrap().raster().unwrap();
        assert_eq!((picture.width(), picture.height()), (4 * 376, 376));
        let has_blue = |panel: usize| !blue(&picture, [panel * 376 + 62, 38], [300; 2]).is_empty();
        assert_eq!([0, 1, 2, 3].map(has_blue), [true, false, true, true]);
        assert!(draw(&Trick { x: &[3.0; 5], ..trick }).is_err());
        assert!(draw(&Trick { x: &[f32::NAN, 1.0], ..trick }).is_err());
    }
}
