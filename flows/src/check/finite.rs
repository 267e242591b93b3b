//! Finite results.

use super::violation::{element_of, log_det_of};
use super::{Direction, Property, Violation};
use crate::{Bijection, Mapped, round_trip::largest};
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
        (element_of(at / width, at % width), at / width, value.value().as_slice()[at])
    } else if let Some(sample) = first(&log_det) {
        (log_det_of(sample), sample, log_det.value().as_slice()[sample])
    } else {
        return Ok(());
    };
    let size = largest(&points.as_slice()[sample * width..(sample + 1) * width]);
    let message = format!("{place} is {}, from an input of size up to {size:e}", found.to_f64());
    Err(Violation { property: Property::Finite, direction, message })
}
