//! Rows of data, with their conditions for conditional models.

use autograd::{Real, Shape, Tape, Tensor, Var};
use flows::Context;
use std::ops::Range;

/// Rows and, for a conditional model, what it is given with each: the class of an image, or the track of a signal
/// ([`crate::data::Speech::TRACK`]). A part of the rows has the same part of the conditions.
#[derive(Clone, Debug)]
pub struct Rows<T: Real> {
    x: Tensor<T>,
    condition: Option<Tensor<T>>,
}

impl<T: Real> Rows<T> {
    /// Rows `[count, …]` without conditions.
    pub fn plain(x: Tensor<T>) -> Self {
        Self { x, condition: None }
    }

    /// Rows, and perhaps as many conditions `[count, features]`: for classes, [`one_hot`].
    #[track_caller]
    pub fn new(x: Tensor<T>, condition: Option<Tensor<T>>) -> Self {
        let fits = condition.as_ref().is_none_or(|condition| condition.shape().first() == x.shape().first());
        assert!(fits, "rows of shape {} with another number of conditions", x.shape());
        Self { x, condition }
    }

    pub fn count(&self) -> usize {
        self.x.shape()[0]
    }

    pub fn x(&self) -> &Tensor<T> {
        &self.x
    }

    /// What a conditional model is given, `[count, features]`.
    pub fn condition(&self) -> Option<&Tensor<T>> {
        self.condition.as_ref()
    }

    /// A range of the rows.
    #[track_caller]
    pub fn range(&self, range: Range<usize>) -> Self {
        let condition = self.condition.as_ref().map(|condition| condition.rows(range.clone()));
        Self { x: self.x.rows(range), condition }
    }

    /// The rows at these indices, in that order.
    #[track_caller]
    pub fn select(&self, places: &[usize]) -> Self {
        let pick = |rows: &Tensor<T>| {
            let width = rows.shape()[1..].iter().product::<usize>().max(1);
            let values = rows.as_slice();
            let shape: Shape = [&[places.len()], &rows.shape()[1..]].concat().into_iter().collect();
            Tensor::from_fn(shape, |i| values[places[i / width] * width + i % width])
        };
        Self { x: pick(&self.x), condition: self.condition.as_ref().map(pick) }
    }

    /// Other rows with the same conditions.
    pub fn with_x(self, x: Tensor<T>) -> Self {
        Self::new(x, self.condition)
    }

    /// The same rows with another element type.
    pub fn cast<U: Real>(&self) -> Rows<U> {
        Rows { x: self.x.cast(), condition: self.condition.as_ref().map(Tensor::cast) }
    }

    /// The rows as values that are not on a tape.
    pub fn values(self) -> Given<T> {
        Given { x: self.x.into(), condition: self.condition.map(Into::into) }
    }

    /// The rows as constants on a tape.
    pub fn on(self, tape: &Tape<T>) -> Given<T> {
        Given { x: tape.constant(self.x), condition: self.condition.map(|condition| tape.constant(condition)) }
    }
}

/// Rows as variables of a computation, with their conditions.
#[derive(Clone, Debug)]
pub struct Given<T: Real> {
    pub x: Var<T>,
    condition: Option<Var<T>>,
}

impl<T: Real> Given<T> {
    /// A context with these rows' conditions.
    pub fn context<'a>(&'a self, cx: Context<'a, T>) -> Context<'a, T> {
        Context { condition: self.condition.as_ref(), ..cx }
    }
}

/// One-hot encoded classes, `[rows, count]`, each below `count`.
#[track_caller]
pub fn one_hot<T: Real>(classes: &[usize], count: usize) -> Tensor<T> {
    let mut rows = Tensor::zeros([classes.len(), count]);
    for (row, &class) in rows.as_mut_slice().chunks_exact_mut(count.max(1)).zip(classes) {
        row[class] = T::ONE;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_rows_has_the_same_part_of_the_conditions() {
        let x = Tensor::from_fn([4, 2], |i| i as f32);
        let rows = Rows::new(x, Some(one_hot(&[2, 0, 1, 2], 3))).range(1..3);
        assert_eq!(rows.x().as_slice(), &[2.0, 3.0, 4.0, 5.0]);
        assert_eq!(rows.condition().unwrap().as_slice(), &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        let again = rows.select(&[1, 0, 1]);
        assert_eq!(again.x().as_slice(), &[4.0, 5.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(again.condition().unwrap().as_slice()[..6], [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
        let given = rows.on(&Tape::new());
        let cx = given.context(Context::default());
        assert_eq!(cx.condition.unwrap().shape(), &[2, 3].into());
        assert!(Rows::plain(Tensor::<f32>::zeros([2, 1])).values().context(Context::default()).condition.is_none());
    }
}
