//! The inverse-CDF trick in one dimension, drawn: a histogram, its distribution function, uniform numbers, normal ones.

use super::frame::{AROUND, Frame};
use super::{PALETTE, PictureError, Raster, Window};

/// Pixels from one side of a panel to the other.
const SIDE: usize = 300;
/// Bars of a histogram.
const BARS: usize = 40;
/// How much the bars cover.
const SHADE: f64 = 0.35;

/// Numbers before, in the middle and after, and the functions between them.
#[derive(Debug, Clone, Copy)]
pub struct Trick<'a> {
    /// The numbers as they come.
    pub x: &'a [f32],
    /// `u = F(x)` of each.
    pub u: &'a [f32],
    /// `z = Φ⁻¹(u)` of each.
    pub z: &'a [f32],
    /// Places and F at them, in turn, from left to right.
    pub cdf: &'a [f32],
    /// Places and the density F′ at them, in turn, from left to right.
    pub density: &'a [f32],
}

/// Draws the four steps side by side.
///
/// # Errors
/// If there are no finite numbers that differ.
pub fn draw(trick: &Trick<'_>) -> Result<Raster, PictureError> {
    let nothing = || PictureError::Nothing { what: "numbers that are all the same".to_owned() };
    let [low, high] = range(trick.x).ok_or_else(nothing)?;
    let mut picture = Raster::new(4 * (SIDE + AROUND), SIDE + AROUND, [255; 3])?;
    let corner = |nth: usize| (nth * (SIDE + AROUND), 0);

    let bars = histogram(trick.x, [low, high]);
    let peaks = trick.density.chunks_exact(2).map(|point| f64::from(point[1])).filter(|y| y.is_finite());
    // A narrow peak of the density may be many times as high as any bar.
    let tallest = bars.iter().copied().fold(0.0, f64::max);
    let top = peaks.fold(tallest, f64::max).min(1.6 * tallest) * 1.08;
    let mut frame = Frame::new(
        &mut picture,
        corner(0),
        SIDE,
        Window { x: [low, high], y: [0.0, top] },
        "x in data units: histogram",
    );
    frame.bars(&bars, [low, high], PALETTE[0], SHADE);
    frame.line(trick.density, PALETTE[1], 1.0);
    frame.close();

    let mut frame = Frame::new(
        &mut picture,
        corner(1),
        SIDE,
        Window { x: [low, high], y: [0.0, 1.0] },
        "u = F(x), x in data units",
    );
    frame.line(trick.cdf, PALETTE[1], 1.0);
    frame.close();

    let window = Window { x: [0.0, 1.0], y: [0.0, 2.0] };
    let mut frame = Frame::new(&mut picture, corner(2), SIDE, window, "u: uniform");
    frame.bars(&histogram(trick.u, window.x), window.x, PALETTE[0], SHADE);
    frame.line(&[0.0, 1.0, 1.0, 1.0], PALETTE[1], 1.0);
    frame.close();

    let window = Window { x: [-4.0, 4.0], y: [0.0, 0.6] };
    let mut frame = Frame::new(&mut picture, corner(3), SIDE, window, "z: normal");
    frame.bars(&histogram(trick.z, window.x), window.x, PALETTE[0], SHADE);
    let bell: Vec<f32> = (0..=200)
        .flat_map(|i| {
            let z = -4.0 + 0.04 * i as f32;
            [z, (-0.5 * z * z).exp() / std::f32::consts::TAU.sqrt()]
        })
        .collect();
    frame.line(&bell, PALETTE[1], 1.0);
    frame.close();
    Ok(picture)
}

/// From the least finite number to the greatest, with a little air. None where they do not differ.
fn range(numbers: &[f32]) -> Option<[f64; 2]> {
    let finite = || numbers.iter().copied().filter(|x| x.is_finite()).map(f64::from);
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let air = 0.03 * (high - low);
    (high > low).then_some([low - air, high + air])
}

/// The density that each of equally wide bars stands for.
fn histogram(numbers: &[f32], [low, high]: [f64; 2]) -> Vec<f64> {
    let width = (high - low) / BARS as f64;
    let mut counts = vec![0.0; BARS];
    for place in numbers.iter().map(|&x| (f64::from(x) - low) / width) {
        if (0.0..BARS as f64).contains(&place) {
            counts[place as usize] += 1.0;
        }
    }
    counts.iter().map(|count| count / (numbers.len() as f64 * width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_densities() {
        let numbers: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
        let bars = histogram(&numbers, [0.0, 1.0]);
        assert!(bars.iter().all(|bar| (bar - 1.0).abs() < 0.05), "{bars:?}");
        let bars = histogram(&numbers, [-1.0, 3.0]);
        assert!((bars.iter().sum::<f64>() * 0.1 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn four_panels_are_drawn_and_equal_numbers_refused() {
        let trick = Trick { x: &[1.0, 2.0, 4.0], u: &[0.2, 0.5, 0.9], z: &[-1.0, 0.0, 1.0], cdf: &[], density: &[] };
        let picture = draw(&trick).unwrap();
        assert_eq!((picture.width(), picture.height()), (4 * 376, 376));
        let blue = |panel: usize| {
            let across = panel * 376 + 62..panel * 376 + 362;
            across.flat_map(|x| (38..338).map(move |y| (x, y))).any(|(x, y)| {
                let [red, _, blue] = picture.rgb(x, y);
                blue > red.saturating_add(40)
            })
        };
        assert_eq!([0, 1, 2, 3].map(blue), [true, false, true, true]);
        assert!(draw(&Trick { x: &[3.0; 5], ..trick }).is_err());
        assert!(draw(&Trick { x: &[f32::NAN, 1.0], ..trick }).is_err());
    }
}
