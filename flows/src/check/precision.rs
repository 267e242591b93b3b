//! `f32` against `f64`.

use super::{Case, Property, Violation};
use crate::bijection::{Bijection, Mapped};
use autograd::{Tensor, Var};

/// Maps the case's points by the same model in `f32` and compares the results with those in `f64`, in both directions.
/// [`super::copy_params`] makes the two models the same. Both start from points rounded to `f32`, so only the map's own
/// rounding counts. Returns the worst error, relative to `max(1, |expected|)`.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn precision(case: &Case<'_>, narrow: &dyn Bijection<f32>, tolerance: f64) -> Result<f64, Violation> {
    case.worst(Property::Precision, tolerance, |comparison, points| {
        let points = points.cast::<f32>();
        let (expected, expected_log_det) = case.run(comparison.direction, &points.cast())?;
        let condition = case.condition.as_ref().map(Tensor::cast);
        let Mapped { value, log_det } = comparison.direction.map(narrow, &Var::from(points), condition.as_ref());
        let values = comparison.values(0, &value.value().cast(), &expected)?;
        Ok(values.max(comparison.log_dets(0, &log_det.value().cast(), &expected_log_det)?))
    })
}
