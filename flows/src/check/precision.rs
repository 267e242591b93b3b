//! `f32` against `f64`.

use super::violation::{Comparison, worst};
use super::{Case, Direction, Property, Violation, finite};
use crate::bijection::Bijection;

/// Maps the case's points in both directions by the same model in `f32`, and holds the results
/// against those in `f64`. [`super::copy_params`] makes the two models the same. Both start from
/// points rounded to `f32`, so that only the map's own rounding shows. Gives the worst error,
/// relative to `max(1, |number|)`.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn precision(case: &Case<'_>, narrow: &dyn Bijection<f32>, tolerance: f64) -> Result<f64, Violation> {
    worst(Direction::BOTH.map(|direction| {
        let points = case.points(direction)?.cast::<f32>();
        let (expected, expected_log_det) = case.run(direction, &points.cast())?;
        let condition = case.condition().map(autograd::Tensor::cast);
        let found = finite::run(narrow, direction, &points, condition.as_ref());
        let comparison = Comparison { property: Property::Precision, direction, tolerance };
        let values = comparison.values(case.dims(), found.0.cast().as_slice(), expected.as_slice())?;
        let log_dets = comparison.log_dets(found.1.cast().as_slice(), expected_log_det.as_slice())?;
        Ok(values.max(log_dets))
    }))
}
