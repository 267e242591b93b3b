//! There and back again.

use super::violation::{Comparison, worst};
use super::{Case, Direction, Property, Violation};

/// Maps data to latents and back, and latents to data and back. Gives the worst error of an
/// element, relative to `max(1, |element|)`.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn round_trip(case: &Case<'_>, tolerance: f64) -> Result<f64, Violation> {
    worst(Direction::BOTH.map(|direction| {
        let points = case.points(direction)?;
        let (there, _) = case.run(direction, &points)?;
        let (back, _) = case.run(direction.opposite(), &there)?;
        let comparison = Comparison { property: Property::RoundTrip, direction, tolerance };
        comparison.values(case.dims(), back.as_slice(), points.as_slice())
    }))
}

/// Holds the log-determinant of the way back against that of the way there. Gives the worst sum of
/// the two, relative to `max(1, |log|det||)`.
///
/// On its own this says little: two equal mistakes cancel too.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn log_dets_cancel(case: &Case<'_>, tolerance: f64) -> Result<f64, Violation> {
    worst(Direction::BOTH.map(|direction| {
        let (there, log_det) = case.run(direction, &case.points(direction)?)?;
        let (_, back) = case.run(direction.opposite(), &there)?;
        let expected: Vec<f64> = back.as_slice().iter().map(|back| -back).collect();
        let comparison = Comparison { property: Property::LogDetsCancel, direction, tolerance };
        comparison.log_dets(log_det.as_slice(), &expected)
    }))
}
