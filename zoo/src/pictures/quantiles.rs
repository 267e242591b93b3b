//! Quantiles of some numbers against those that they should have.

use super::frame::{AROUND, Frame};
use super::{PALETTE, PictureError, Raster, Window};
use autograd::special;

/// Pixels from one side of a panel to the other.
const SIDE: usize = 360;

/// One panel: numbers of several groups, each in its color.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Above it.
    pub title: String,
    /// The numbers of each group, in any order. Those that are not finite are left out.
    pub groups: Vec<Vec<f64>>,
    /// What they should be.
    pub reference: Reference,
    /// What both axes show.
    pub range: [f64; 2],
}

/// What numbers are held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reference {
    /// A standard normal distribution.
    Normal,
    /// A χ² distribution with so many degrees of freedom: of the sum of as many squares of normal numbers.
    ChiSquare(f64),
}

impl Reference {
    /// The number that a share of all, between 0 and 1, is below. Of χ² in closed form for 1 and 2 degrees, else by
    /// the cube of a normal number (Wilson & Hilferty 1931), which is within a hundredth of it.
    #[must_use]
    pub fn quantile(self, share: f64) -> f64 {
        match self {
            Self::Normal if share < 0.5 => special::log_normal_quantile(share.ln()),
            Self::Normal => -special::log_normal_quantile((1.0 - share).ln()),
            Self::ChiSquare(1.0) => Self::Normal.quantile(f64::midpoint(1.0, share)).powi(2),
            Self::ChiSquare(2.0) => -2.0 * (-share).ln_1p(),
            Self::ChiSquare(degrees) => {
                let part = 2.0 / (9.0 * degrees);
                degrees * (1.0 - part + Self::Normal.quantile(share) * part.sqrt()).max(0.0).powi(3)
            }
        }
    }
}

/// Draws the panels side by side: across what the numbers should be, upwards what they are. Those that are as they
/// should be lie on the diagonal.
///
/// # Errors
/// If there are no panels, or too many.
pub fn draw(panels: &[Panel]) -> Result<Raster, PictureError> {
    let step = SIDE + AROUND;
    let mut picture = Raster::new(panels.len() * step, step, [255; 3])?;
    for (i, panel) in panels.iter().enumerate() {
        let window = Window { x: panel.range, y: panel.range };
        if !window.is_sound() {
            return Err(PictureError::Nothing { what: panel.title.clone() });
        }
        let mut frame = Frame::new(&mut picture, (i * step, 0), SIDE, window, &panel.title);
        let [low, high] = panel.range.map(|end| end as f32);
        frame.line(&[low, low, high, high], [120; 3], 1.0);
        for (group, numbers) in panel.groups.iter().enumerate() {
            let mut sorted: Vec<f64> = numbers.iter().copied().filter(|x| x.is_finite()).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            let count = sorted.len() as f64;
            for (rank, number) in sorted.into_iter().enumerate() {
                let expected = panel.reference.quantile((rank as f64 + 0.5) / count);
                frame.dot([expected as f32, number as f32], PALETTE[group % PALETTE.len()], 0.6);
            }
        }
        frame.close();
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_numbers_lie_on_the_diagonal() {
        let reference = Reference::ChiSquare(2.0);
        let panel = |scale: f64| Panel {
            title: "squares".to_owned(),
            groups: vec![(0..100).rev().map(|i| scale * reference.quantile((f64::from(i) + 0.5) / 100.0)).collect()],
            reference,
            range: [0.0, 12.0],
        };
        let off_the_diagonal = |panel: Panel| {
            let picture = draw(&[panel]).unwrap();
            let places = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
            let blue = places.filter(|&(x, y)| {
                let [red, _, blue] = picture.rgb(62 + x, 38 + y);
                blue > red.saturating_add(40) && (x + y).abs_diff(SIDE) > 4
            });
            blue.count()
        };
        assert_eq!(off_the_diagonal(panel(1.0)), 0);
        assert!(off_the_diagonal(panel(0.5)) > 100);
    }

    #[test]
    fn quantiles_of_chi_square_are_those_of_tables() {
        for (degrees, share, expected) in
            [(1.0, 0.95, 3.841), (2.0, 0.95, 5.991), (3.0, 0.95, 7.815), (10.0, 0.5, 9.342), (10.0, 0.99, 23.209)]
        {
            let found = Reference::ChiSquare(degrees).quantile(share);
            assert!((found / expected - 1.0).abs() < 0.01, "{degrees} {share}: {found}");
        }
    }
}
