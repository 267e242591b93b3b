//! Finite answers.

use super::violation::Place;
use super::{Direction, Violation};
use crate::bijection::{Bijection, Context};
use autograd::{Real, Tensor, Var};

/// Maps points, which may be far out, under a condition or none, and looks for an infinity or a NaN
/// among the values and log-determinants.
///
/// # Errors
/// If there is one.
pub fn finite<T: Real>(
    map: &dyn Bijection<T>,
    direction: Direction,
    points: &Tensor<T>,
    condition: Option<&Tensor<T>>,
) -> Result<(), Violation> {
    let (value, log_det) = run(map, direction, points, condition);
    let width = points.shape()[1..].iter().product::<usize>().max(1);
    let first = |numbers: &Tensor<T>| numbers.as_slice().iter().position(|number| !number.is_finite());
    let (place, sample, found) = if let Some(at) = first(&value) {
        let (sample, element) = (at / width, at % width);
        (Place::Element { sample, element }, sample, value.as_slice()[at])
    } else if let Some(sample) = first(&log_det) {
        (Place::LogDet { sample }, sample, log_det.as_slice()[sample])
    } else {
        return Ok(());
    };
    let input = &points.as_slice()[sample * width..(sample + 1) * width];
    let size = input.iter().fold(0.0, |size: f64, x| size.max(x.to_f64().abs()));
    Err(Violation::NotFinite { direction, place, found: found.to_f64(), size })
}

/// Values and log-determinants in either element type.
pub(super) fn run<T: Real>(
    map: &dyn Bijection<T>,
    direction: Direction,
    points: &Tensor<T>,
    condition: Option<&Tensor<T>>,
) -> (Tensor<T>, Tensor<T>) {
    let condition = condition.map(|c| Var::from(c.clone()));
    let context = Context { condition: condition.as_ref(), ..Context::default() };
    let points = Var::from(points.clone());
    let mapped = match direction {
        Direction::ToLatent => map.to_latent(&points, context),
        Direction::ToData => map.to_data(&points, context),
    };
    (mapped.value.into_value(), mapped.log_det.into_value())
}
