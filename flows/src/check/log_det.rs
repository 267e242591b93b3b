//! The log-determinant against determinants of Jacobians.

use super::case::{Case, pick};
use super::violation::{Comparison, Place, worst};
use super::{Direction, Property, Violation, differences};
use autograd::{Tensor, check, diff};

/// A way to the Jacobian of one sample.
type Jacobian = fn(&Case<'_>, Direction, &Tensor<f64>, usize) -> Result<Tensor<f64>, Violation>;

/// Holds every sample's log-determinant, in both directions, against the determinant of a Jacobian
/// by central finite differences. Gives the worst error, relative to `max(1, |log|det||)`.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn log_det_by_differences(case: &Case<'_>, tolerance: f64) -> Result<f64, Violation> {
    against(case, Property::LogDetByDifferences, tolerance, differences::jacobian)
}

/// The same against the determinant of the tape's own Jacobian, which has no error but rounding.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn log_det_by_tape(case: &Case<'_>, tolerance: f64) -> Result<f64, Violation> {
    against(case, Property::LogDetByTape, tolerance, tape_jacobian)
}

fn against(case: &Case<'_>, property: Property, tolerance: f64, jacobian: Jacobian) -> Result<f64, Violation> {
    worst(Direction::BOTH.map(|direction| {
        let points = case.points(direction)?;
        let (_, log_dets) = case.run(direction, &points)?;
        let comparison = Comparison { property, direction, tolerance };
        worst(log_dets.as_slice().iter().enumerate().map(|(sample, &found)| {
            let (expected, _) = check::log_abs_det(&jacobian(case, direction, &points, sample)?);
            comparison.number(Place::LogDet { sample }, found, expected)
        }))
    }))
}

/// The Jacobian of one sample by the tape, `[outputs, inputs]`.
pub(super) fn tape_jacobian(
    case: &Case<'_>,
    direction: Direction,
    points: &Tensor<f64>,
    sample: usize,
) -> Result<Tensor<f64>, Violation> {
    let point = pick(points, &[sample]);
    // Shapes first: within the tape's callback there is no way to return an error.
    case.run_rows(direction, &point, &[sample])?;
    let value = |x: &_| case.map_rows(direction, x, &[sample]).expect("its shapes were right a moment ago").value;
    Ok(diff::jacobian(value, &point))
}
