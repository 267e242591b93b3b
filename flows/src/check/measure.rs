//! The sizes of errors instead of a verdict, for large trained models.

use super::case::{Case, pick};
use super::scaled::Scaled;
use super::{Direction, Violation, differences};
use autograd::{Tensor, check};
use std::fmt;

/// Samples in one batch.
const BATCH: usize = 250;

/// The worst errors over some samples: of data in standard deviations of their dimension, else absolute. A NaN counts as
/// infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Samples with round trips and sums of log-determinants.
    pub samples: usize,
    /// Samples with finite-difference Jacobians.
    pub differenced: usize,
    /// Dimensions of a sample.
    pub dims: usize,
    /// The largest difference of an element on x → z → x, in standard deviations of its dimension over the samples.
    pub round_trip_x: f64,
    /// The largest difference of an element on z → x → z.
    pub round_trip_z: f64,
    /// The largest sum of the two directions' log-determinants on x → z → x.
    pub log_det_cancel_x: f64,
    /// The same on z → x → z.
    pub log_det_cancel_z: f64,
    /// The largest difference of `to_latent`'s log-determinant from that of a finite-difference Jacobian.
    pub log_det_to_latent: f64,
    /// The same for `to_data`.
    pub log_det_to_data: f64,
}

impl Measured {
    /// The larger of the two differences from finite-difference Jacobians.
    pub fn log_det_vs_difference(&self) -> f64 {
        self.log_det_to_latent.max(self.log_det_to_data)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self { samples, differenced, dims, .. } = self;
        writeln!(f, "over {samples} samples of {dims} dimensions:")?;
        writeln!(f, "  x → z → x                  {:.2e}", self.round_trip_x)?;
        writeln!(f, "  z → x → z                  {:.2e}", self.round_trip_z)?;
        writeln!(f, "  log|det| + log|det⁻¹| at x {:.2e}", self.log_det_cancel_x)?;
        write!(f, "  log|det| + log|det⁻¹| at z {:.2e}", self.log_det_cancel_z)?;
        if differenced == 0 {
            return Ok(());
        }
        writeln!(f)?;
        writeln!(f, "over {differenced} of them, against a finite-difference Jacobian:")?;
        writeln!(f, "  log|det ∂z/∂x|             {:.2e}", self.log_det_to_latent)?;
        write!(f, "  log|det ∂x/∂z|             {:.2e}", self.log_det_to_data)
    }
}

/// Measures how well the two directions invert each other and, at the first `differenced` samples, how close the
/// log-determinants are to those of finite-difference Jacobians.
///
/// The Jacobian of one sample takes six evaluations for each dimension where the map is smooth, and several times as
/// many where it has kinks. The paper's NICE on MNIST (784 dimensions) takes about half a minute for each sample.
///
/// # Errors
/// If results have the wrong shape.
pub fn measure(case: &Case<'_>, differenced: usize) -> Result<Measured, Violation> {
    let (map, u) = Scaled::new(case.map, &case.x);
    let case = case.rescaled(&map, u);
    let differenced = differenced.min(case.samples());
    let of = |direction: Direction| -> Result<[f64; 3], Violation> {
        let points = case.points(direction)?;
        let (mut round_trip, mut cancel, mut log_det) = (0.0, 0.0, 0.0);
        for start in (0..case.samples()).step_by(BATCH) {
            let samples: Vec<usize> = (start..(start + BATCH).min(case.samples())).collect();
            let points = pick(&points, &samples);
            let (mapped, log_dets) = case.run_rows(direction, &points, &samples)?;
            let (back, other_log_dets) = case.run_rows(direction.opposite(), &mapped, &samples)?;
            let sum = |a: &Tensor<f64>, sign: f64, b: &Tensor<f64>, start: f64| {
                a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a + sign * b).fold(start, worse)
            };
            round_trip = sum(&back, -1.0, &points, round_trip);
            cancel = sum(&log_dets, 1.0, &other_log_dets, cancel);
        }
        for sample in 0..differenced {
            let (_, found) = case.run_rows(direction, &pick(&points, &[sample]), &[sample])?;
            let (expected, _) = check::log_abs_det(&differences::jacobian(&case, direction, &points, sample)?);
            log_det = worse(log_det, found.item() - expected);
        }
        Ok([round_trip, cancel, log_det])
    };
    let [round_trip_x, log_det_cancel_x, log_det_to_latent] = of(Direction::ToLatent)?;
    let [round_trip_z, log_det_cancel_z, log_det_to_data] = of(Direction::ToData)?;
    let (samples, dims) = (case.samples(), case.dims());
    Ok(Measured {
        samples,
        differenced,
        dims,
        round_trip_x,
        round_trip_z,
        log_det_cancel_x,
        log_det_cancel_z,
        log_det_to_latent,
        log_det_to_data,
    })
}

/// The larger error; a NaN is infinite.
fn worse(worst: f64, error: f64) -> f64 {
    if error.is_nan() { f64::INFINITY } else { worst.max(error.abs()) }
}
