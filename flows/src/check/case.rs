//! What is checked: a map, and where.

use super::violation::{Comparison, worst};
use super::{Property, Violation};
use crate::bijection::{Bijection, Context, Mapped};
use autograd::{Real, Shape, Tensor, Var};
use std::fmt;

/// The direction in which a map is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// x → z, [`Bijection::to_latent`].
    ToLatent,
    /// z → x, [`Bijection::to_data`].
    ToData,
}

impl Direction {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::ToLatent, Self::ToData];

    /// The other one.
    pub const fn opposite(self) -> Self {
        if matches!(self, Self::ToLatent) { Self::ToData } else { Self::ToLatent }
    }

    /// Maps points in this direction, under a condition or none.
    pub(super) fn map<T: Real>(
        self,
        map: &dyn Bijection<T>,
        points: &Var<T>,
        condition: Option<&Tensor<T>>,
    ) -> Mapped<T> {
        let condition = condition.map(|condition| points.constant_like(condition.clone()));
        let context = Context { condition: condition.as_ref(), ..Context::default() };
        match self {
            Self::ToLatent => map.to_latent(points, context),
            Self::ToData => map.to_data(points, context),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ToLatent => "to_latent",
            Self::ToData => "to_data",
        })
    }
}

/// A map, and the data, latents and condition to check it at.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    pub(super) map: &'a dyn Bijection<f64>,
    pub(super) x: Tensor<f64>,
    z: Option<Tensor<f64>>,
    pub(super) condition: Option<Tensor<f64>>,
}

impl<'a> Case<'a> {
    /// A map at these data, `[batch, …]`. Its other direction is checked at their latents.
    ///
    /// # Panics
    /// If `x` has no rows, or rows without elements.
    #[track_caller]
    pub fn new(map: &'a dyn Bijection<f64>, x: Tensor<f64>) -> Self {
        assert!(x.shape().rank() > 0 && x.shape().elements() > 0, "check: shape {} has no rows to check at", x.shape());
        Self { map, x, z: None, condition: None }
    }

    /// The same, with the other direction checked at these latents, which may be some that no data map to.
    ///
    /// # Panics
    /// If there are not as many as data.
    #[track_caller]
    pub fn with_latents(self, z: Tensor<f64>) -> Self {
        self.same_batch(&z, "latents");
        Self { z: Some(z), ..self }
    }

    /// The same under a condition, `[batch, features]`.
    ///
    /// # Panics
    /// If it does not have as many rows as the data.
    #[track_caller]
    pub fn given(self, condition: Tensor<f64>) -> Self {
        self.same_batch(&condition, "the condition");
        Self { condition: Some(condition), ..self }
    }

    #[track_caller]
    fn same_batch(&self, other: &Tensor<f64>, what: &str) {
        let (own, shape) = (self.samples(), other.shape());
        assert!(shape.first() == Some(&own), "check: {own} rows of data, but {what} of shape {shape}");
    }

    /// The same points of the map of data in units of their own spread, which is made of `map` and these data.
    pub(super) fn rescaled<'b>(&self, map: &'b dyn Bijection<f64>, u: Tensor<f64>) -> Case<'b> {
        Case { map, x: u, z: self.z.clone(), condition: self.condition.clone() }
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.x.shape()[0]
    }

    /// The number of dimensions of one sample.
    pub fn dims(&self) -> usize {
        self.x.shape()[1..].iter().product()
    }

    /// The worst error of a property over both directions. `check` gets the points for a direction.
    pub(super) fn worst(
        &self,
        property: Property,
        tolerance: f64,
        check: impl Fn(&Comparison, &Tensor<f64>) -> Result<f64, Violation>,
    ) -> Result<f64, Violation> {
        worst(
            Direction::BOTH
                .map(|direction| check(&Comparison { property, direction, tolerance }, &self.points(direction)?)),
        )
    }

    /// The data, or the latents (those given, or those of the data).
    pub(super) fn points(&self, direction: Direction) -> Result<Tensor<f64>, Violation> {
        match (direction, &self.z) {
            (Direction::ToLatent, _) => Ok(self.x.clone()),
            (Direction::ToData, Some(z)) => Ok(z.clone()),
            (Direction::ToData, None) => Ok(self.run(Direction::ToLatent, &self.x)?.0),
        }
    }

    /// Values and log-determinants of the whole batch.
    pub(super) fn run(
        &self,
        direction: Direction,
        points: &Tensor<f64>,
    ) -> Result<(Tensor<f64>, Tensor<f64>), Violation> {
        self.run_rows(direction, points, &(0..self.samples()).collect::<Vec<_>>())
    }

    /// Values and log-determinants of rows, each under the condition of one of the samples.
    pub(super) fn run_rows(
        &self,
        direction: Direction,
        points: &Tensor<f64>,
        samples: &[usize],
    ) -> Result<(Tensor<f64>, Tensor<f64>), Violation> {
        let mapped = self.map_rows(direction, &Var::from(points.clone()), samples)?;
        Ok((mapped.value.into_value(), mapped.log_det.into_value()))
    }

    /// The same, recorded on the tape of `points`.
    pub(super) fn map_rows(
        &self,
        direction: Direction,
        points: &Var<f64>,
        samples: &[usize],
    ) -> Result<Mapped<f64>, Violation> {
        let condition = self.condition.as_ref().map(|condition| pick(condition, samples));
        let mapped = direction.map(self.map, points, condition.as_ref());
        let (rows, value, log_det) = (samples.len(), mapped.value.shape(), mapped.log_det.shape());
        let wrong = |what: &str, found: &Shape, expected: &Shape| {
            let message = format!("the {what} has shape {found}, and should have {expected}");
            Err(Violation { property: Property::Shapes, direction, message })
        };
        if value.first() != Some(&rows) || value.elements() != points.shape().elements() {
            return wrong("value", value, points.shape());
        }
        if **log_det != [rows] {
            return wrong("log-determinant", log_det, &[rows].into());
        }
        Ok(mapped)
    }
}

/// These rows of a tensor, in this order.
pub(super) fn pick(tensor: &Tensor<f64>, rows: &[usize]) -> Tensor<f64> {
    Var::from(tensor.clone()).gather(0, &rows.into()).into_value()
}
