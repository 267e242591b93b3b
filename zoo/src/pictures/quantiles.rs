//! Quantile–quantile plots: a sample against the distribution it should have.

use super::axes::panels;
use super::canvas::{Canvas, Paint};
use super::{PALETTE, Window};
use anyhow::Result;
use autograd::special;

/// The side of a panel's square in pixels.
const SIDE: usize = 360;

/// One panel: values of several groups, each in its color.
#[derive(Debug, Clone)]
pub struct Panel {
    pub title: String,
    /// The values of each group, in any order. Those that are not finite are left out.
    pub groups: Vec<Vec<f64>>,
    /// The distribution they should have.
    pub reference: Reference,
    /// The range of both axes.
    pub range: [f64; 2],
}

/// The distribution that values are compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reference {
    /// A standard normal distribution.
    Normal,
    /// A χ² distribution with this many degrees of freedom: the sum of the squares of as many normal variables.
    ChiSquare(f64),
}

impl Reference {
    /// The quantile function: `P(X ≤ quantile(p)) = p` for 0 < p < 1. For χ², in closed form with 1 and 2 degrees of
    /// freedom, else by the cube of a normal quantile (Wilson & Hilferty 1931), with an error below 1%.
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

/// Draws the panels side by side: the expected quantiles across, the sample's upward. Points on the diagonal are as
/// expected.
pub fn draw(all: &[Panel]) -> Result<Canvas> {
    panels(
        all,
        [SIDE, all.len()],
        |panel| (panel.title.as_str(), Window { x: panel.range, y: panel.range }),
        |axes, panel| {
            axes.line(panel.range.map(|end| [end, end]), [120; 3].into());
            for (group, values) in panel.groups.iter().enumerate() {
                let mut sorted: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
                sorted.sort_unstable_by(f64::total_cmp);
                let count = sorted.len() as f64;
                for (rank, value) in sorted.into_iter().enumerate() {
                    let expected = panel.reference.quantile((rank as f64 + 0.5) / count);
                    axes.dot([expected, value], Paint { color: PALETTE[group % PALETTE.len()], opacity: 0.6 });
                }
            }
            Ok(())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::blue;
    use super::*;

    #[test]
    fn a_sample_of_the_reference_is_on_the_diagonal() {
        let reference = Reference::ChiSquare(2.0);
        let panel = |scale: f64| Panel {
            title: "squares".to_owned(),
            groups: vec![(0..100).rev().map(|i| scale * reference.quantile((f64::from(i) + 0.5) / 100.0)).collect()],
            reference,
            range: [0.0, 12.0],
        };
        let off_the_diagonal = |panel: Panel| {
            let picture = draw(&[panel]).unwrap().raster().unwrap();
            blue(&picture, [62, 38], [SIDE; 2]).into_iter().filter(|(x, y)| (x + y).abs_diff(SIDE) > 4).count()
        };
        assert_eq!(off_the_diagonal(panel(1.0)), 0);
        assert!(off_the_diagonal(panel(0.5)) > 100);
    }

    #[test]
    fn quantiles_of_chi_square_match_tables() {
        for (degrees, share, expected) in
            [(1.0, 0.95, 3.841), (2.0, 0.95, 5.991), (3.0, 0.95, 7.815), (10.0, 0.5, 9.342), (10.0, 0.99, 23.209)]
        {
            let found = Reference::ChiSquare(degrees).quantile(share);
            assert!((found / expected - 1.0).abs() < 0.01, "{degrees} {share}: {found}");
        }
    }
}
