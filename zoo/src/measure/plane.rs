//! Flows over the plane: their density on a grid of cells, and the latent grid mapped to the data.

use crate::data::Standardization;
use crate::pictures::Window;
use anyhow::{Result, bail};
use autograd::Tensor;
use flows::Flow;

/// The latent grid spans −`REACH` to `REACH`.
pub const REACH: f64 = 3.0;
/// Grid lines in each direction: one every half unit.
const LINES: usize = 13;
/// Points per line to begin with.
const POINTS_PER_LINE: usize = 400;
/// Neighboring points of a line are at most this fraction of the window apart, unless that takes more than `HALVINGS`
/// rounds of refinement.
const MAX_GAP: f64 = 0.005;
const HALVINGS: usize = 8;

/// A flow over the plane, in the units of a plot.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    pub flow: &'a Flow<f32>,
    /// The units of the plot ([`Standardization::for_plots`]), if the flow's rows are standardized.
    pub units: Option<&'a Standardization>,
}

/// Requires a density that is finite everywhere and positive somewhere.
pub fn require_positive(density: &[f32], window: &Window, cells: usize) -> Result<()> {
    if let Some(at) = density.iter().position(|p| !p.is_finite()) {
        let center = &window.cells(cells)[2 * at..];
        bail!("the density at ({}, {}) is {}: use an earlier checkpoint", center[0], center[1], density[at]);
    }
    if density.iter().all(|&p| p == 0.0) {
        bail!("the density is 0 everywhere among the data: train longer, or choose the --data it was trained on");
    }
    Ok(())
}

impl Plane<'_> {
    /// The density at the center of each cell of a window, row by row from the top.
    pub fn density(&self, window: &Window, cells: usize) -> Result<Vec<f32>> {
        let (mut centers, mut log_volume) = (window.cells(cells), 0.0);
        if let Some(units) = self.units {
            centers = units.to_model(&centers.into_iter().map(f64::from).collect::<Vec<_>>());
            log_volume = units.log_volume();
        }
        let log_prob = self.flow.core().log_prob_of(&Tensor::from_slice([cells * cells, 2], &centers))?;
        Ok(log_prob.as_slice().iter().map(|&log_p| (f64::from(log_p) - log_volume).exp() as f32).collect())
    }

    /// The lines of a latent grid, mapped to x: those of constant z₁, then those of constant z₂.
    pub fn warped_grid(&self, window: &Window) -> Result<[Vec<Vec<f32>>; 2]> {
        let lines = |level| (0..LINES).map(|line| self.warped_line(window, line, level)).collect::<Result<_>>();
        Ok([lines(false)?, lines(true)?])
    }

    /// A line of constant z₂ if `level`, else of constant z₁, mapped to x. Where the flow stretches the line, it gets more
    /// points.
    fn warped_line(&self, window: &Window, line: usize, level: bool) -> Result<Vec<f32>> {
        let even = |i: usize, count: usize| (REACH * (2.0 * i as f64 / (count - 1) as f64 - 1.0)) as f32;
        let constant = even(line, LINES);
        let mapped = |along: &[f32]| -> Result<Vec<(f32, [f32; 2])>> {
            let z = along.iter().flat_map(|&at| if level { [at, constant] } else { [constant, at] });
            let mut x = self.flow.core().decode(&Tensor::from_slice([along.len(), 2], &z.collect::<Vec<_>>()))?;
            if let Some(units) = self.units {
                let values = units.to_data(x.as_slice());
                x = Tensor::from_fn(x.shape(), |i| values[i] as f32);
            }
            Ok(along.iter().zip(x.as_slice().chunks_exact(2)).map(|(&at, x)| (at, [x[0], x[1]])).collect())
        };
        let far = |a: [f32; 2], b: [f32; 2]| {
            let gap = |axis: usize, [low, high]: [f64; 2]| f64::from(a[axis] - b[axis]).abs() / (high - low);
            gap(0, window.x).max(gap(1, window.y)) > MAX_GAP
        };
        let mut points = mapped(&(0..POINTS_PER_LINE).map(|i| even(i, POINTS_PER_LINE)).collect::<Vec<_>>())?;
        for _ in 0..HALVINGS {
            let stretched = points.windows(2).filter(|pair| far(pair[0].1, pair[1].1));
            let between: Vec<f32> = stretched.map(|pair| f32::midpoint(pair[0].0, pair[1].0)).collect();
            if between.is_empty() {
                break;
            }
            points.extend(mapped(&between)?);
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        Ok(points.into_iter().flat_map(|(_, x)| x).collect())
    }
}
