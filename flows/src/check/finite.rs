//! Finite results.

use super::violation::Place;
use super::{Direction, Violation};
use crate::bijection::{Bijection, Mapped};
use autograd::{Real, Tensor, Var};

/// Maps points, which may be far out, under a condition or none, and looks for an infinity or a NaN among the values
/// and log-determinants.
///
/// # Errors
/// If there is one.
pub fn finite<T: Real>(
    map: &dyn Bijection<T>,
    direction: Direction,
    points: &Tensor<T>,
    condition: Option<&Tensor<T>>,
) -> Result<(), Violation> {
    let Mapped { value, log_det } = direction.map(map, &Var::from(points.clone()), condition);
    let width = points.shape()[1..].iter().product::<usize>().max(1);
    let first = |of: &Var<T>| of.value().as_slice().iter().position(|x| !x.is_finite());
    let (place, sample, found) = if let Some(at) = first(&value) {
        let (sample, element) = (at / width, at % width);
        (Place::Element { sample, element }, sample, value.value().as_slice()[at])
    } else if let Some(sample) = first(&log_det) {
        (Place::LogDet { sample }, sample, log_det.value().as_slice()[sample])
    } else {
        return Ok(());
    };
    let input = &points.as_slice()[sample * width..(sample + 1) * width];
    let size = input.iter().fold(0.0, |size: f64, x| size.max(x.to_f64().abs()));
    Err(Violation::NotFinite { direction, place, found: found.to_f64(), size })
}
