//! The log-determinant against determinants of Jacobians.

use super::case::{Case, pick};
use super::violation::{log_det_of, worst};
use super::{Direction, Property, Violation, differences};
use autograd::{Tensor, check, diff};

/// A function that computes the Jacobian of one sample.
type Jacobian = fn(&Case<'_>, Direction, &Tensor<f64>, usize) -> Result<Tensor<f64>, Violation>;

/// Compares every sample's log-determinant, in both directions, with the determinant of a Jacobian by central finite
/// differences. Returns the worst error, relative to `max(1, |log|det||)`.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn log_det_by_differences(case: &Case<'_>, tolerance: f64) -> Result<f64, Violation> {
    against(case, Property::LogDetByDifferences, tolerance, differences::jacobian)
}

/// The same with the determinant of the tape's Jacobian, which has no error but rounding.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn log_det_by_tape(case: &Case<'_>, tolerance: f64) -> Result<f64, Violation> {
    against(case, Property::LogDetByTape, tolerance, tape_jacobian)
}

fn against(case: &Case<'_>, property: Property, tolerance: f64, jacobian: Jacobian) -> Result<f64, Violation> {
    case.worst(property, tolerance, |comparison, points| {
        let (_, log_dets) = case.run(comparison.direction, points)?;
        worst(log_dets.as_slice().iter().enumerate().map(|(sample, &found)| {
            let (expected, _) = check::log_abs_det(&jacobian(case, comparison.direction, points, sample)?);
            comparison.value(|| log_det_of(sample), found, expected)
        }))
    })
}

/// The Jacobian of one sample by the tape, `[outputs, inputs]`.
pub(super) fn tape_jacobian(
    case: &Case<'_>,
    direction: Direction,
    points: &Tensor<f64>,
    sample: usize,
) -> Result<Tensor<f64>, Violation> {
    let point = pick(points, &[sample]);
    // Shapes first: the tape's callback cannot return an error.
    case.run_rows(direction, &point, &[sample])?;
    let value = |x: &_| case.map_rows(direction, x, &[sample]).expect("the shapes were right a moment ago").value;
    Ok(diff::jacobian(value, &point))
}
