//! What is checked: a map, and where.

use super::Violation;
use crate::bijection::{Bijection, Context, Mapped};
use autograd::{Shape, Tensor, Var};
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
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::ToLatent => Self::ToData,
            Self::ToData => Self::ToLatent,
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
    map: &'a dyn Bijection<f64>,
    x: Tensor<f64>,
    z: Option<Tensor<f64>>,
    condition: Option<Tensor<f64>>,
}

impl<'a> Case<'a> {
    /// A map at these data, `[batch, …]`. Its other direction is checked at their latents.
    ///
    /// # Panics
    /// If `x` has no rows, or rows without elements.
    #[must_use]
    #[track_caller]
    pub fn new(map: &'a dyn Bijection<f64>, x: Tensor<f64>) -> Self {
        assert!(x.shape().rank() > 0 && x.shape().elements() > 0, "check: shape {} has no rows to check at", x.shape());
        Self { map, x, z: None, condition: None }
    }

    /// The same, with the other direction checked at these latents. Latents of one's own also cover
    /// what the map itself never reaches.
    ///
    /// # Panics
    /// If their number differs from that of the data.
    #[must_use]
    #[track_caller]
    pub fn with_latents(self, z: Tensor<f64>) -> Self {
        self.same_batch(&z, "latents");
        Self { z: Some(z), ..self }
    }

    /// The same, under a condition: a row for every sample, `[batch, features]`.
    ///
    /// # Panics
    /// If it has another number of rows than the data.
    #[must_use]
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

    /// The map.
    #[must_use]
    pub fn map(&self) -> &'a dyn Bijection<f64> {
        self.map
    }

    /// The data.
    #[must_use]
    pub fn data(&self) -> &Tensor<f64> {
        &self.x
    }

    /// The condition, if there is one.
    #[must_use]
    pub fn condition(&self) -> Option<&Tensor<f64>> {
        self.condition.as_ref()
    }

    /// How many samples there are.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.x.shape()[0]
    }

    /// The number of dimensions of one sample.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.x.shape()[1..].iter().product()
    }

    /// Where a direction is checked: the data, or the latents (those given, or those of the data).
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

    /// The same, recorded where `points` are.
    pub(super) fn map_rows(
        &self,
        direction: Direction,
        points: &Var<f64>,
        samples: &[usize],
    ) -> Result<Mapped<f64>, Violation> {
        let condition = self.condition.as_ref().map(|c| points.constant_like(pick(c, samples)));
        let context = Context { condition: condition.as_ref(), ..Context::default() };
        let mapped = match direction {
            Direction::ToLatent => self.map.to_latent(points, context),
            Direction::ToData => self.map.to_data(points, context),
        };
        let (rows, value, log_det) = (samples.len(), mapped.value.shape(), mapped.log_det.shape());
        if value.first() != Some(&rows) || value.elements() != points.shape().elements() {
            let (found, expected) = (value.clone(), points.shape().clone());
            return Err(Violation::Shape { direction, what: "value", found, expected });
        }
        if **log_det != [rows] {
            let (found, expected) = (log_det.clone(), Shape::from([rows]));
            return Err(Violation::Shape { direction, what: "log-determinant", found, expected });
        }
        Ok(mapped)
    }
}

/// These rows of a tensor, in this order.
pub(super) fn pick(tensor: &Tensor<f64>, rows: &[usize]) -> Tensor<f64> {
    let width = tensor.shape()[1..].iter().product::<usize>();
    let shape = std::iter::once(rows.len()).chain(tensor.shape()[1..].iter().copied()).collect::<Shape>();
    let source = tensor.as_slice();
    let picked: Vec<f64> = rows.iter().flat_map(|&row| &source[row * width..(row + 1) * width]).copied().collect();
    Tensor::from_slice(shape, &picked)
}

/// `[rows, …]` with the rows' shape of `like`.
pub(super) fn rows_like(rows: usize, like: &Tensor<f64>) -> Shape {
    std::iter::once(rows).chain(like.shape()[1..].iter().copied()).collect()
}
