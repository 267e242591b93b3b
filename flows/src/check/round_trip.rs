//! Round trips.

use super::{Case, Property, Violation};

/// Maps data to latents and back, and latents to data and back. Returns the worst error of an element, relative to
/// `max(1, |element|)`.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn round_trip(case: &Case<'_>, tolerance: f64) -> Result<f64, Violation> {
    case.worst(Property::RoundTrip, tolerance, |comparison, points| {
        let (mapped, _) = case.run(comparison.direction, points)?;
        let (back, _) = case.run(comparison.direction.opposite(), &mapped)?;
        comparison.values(0, &back, points)
    })
}

/// Compares the two directions' log-determinants on a round trip. Returns their worst sum, relative to
/// `max(1, |log|det||)`.
///
/// On its own this says little: two equal mistakes cancel too.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn log_dets_cancel(case: &Case<'_>, tolerance: f64) -> Result<f64, Violation> {
    case.worst(Property::LogDetsCancel, tolerance, |comparison, points| {
        let (mapped, log_det) = case.run(comparison.direction, points)?;
        let (_, mut back) = case.run(comparison.direction.opposite(), &mapped)?;
        back.as_mut_slice().iter_mut().for_each(|log_det| *log_det = -*log_det);
        comparison.log_dets(0, &log_det, &back)
    })
}
