//! Rows of data, with their classes or tracks for conditional models.

use autograd::{Real, Shape, Tape, Tensor, Var};
use flows::Context;
use std::ops::Range;

/// Rows and, for a class-conditional model, the class of each. A part of the rows has the same part of the classes.
/// Speech has tracks in their place ([`crate::data::Speech::TRACK`]).
#[derive(Clone, Debug)]
pub struct Rows<T: Real> {
    x: Tensor<T>,
    classes: Option<Tensor<T>>,
}

impl<T: Real> Rows<T> {
    /// Rows `[count, …]` without classes.
    pub fn plain(x: Tensor<T>) -> Self {
        Self { x, classes: None }
    }

    /// Rows, and perhaps as many classes `[count, features]`, usually [`one_hot`].
    #[track_caller]
    pub fn new(x: Tensor<T>, classes: Option<Tensor<T>>) -> Self {
        let fits = classes.as_ref().is_none_or(|classes| classes.shape().first() == x.shape().first());
        assert!(fits, "rows of shape {} with another number of classes", x.shape());
        Self { x, classes }
    }

    pub fn count(&self) -> usize {
        self.x.shape()[0]
    }

    pub fn x(&self) -> &Tensor<T> {
        &self.x
    }

    /// What a conditional model is given: the rows' classes, or their tracks.
    pub fn classes(&self) -> Option<&Tensor<T>> {
        self.classes.as_ref()
    }

    /// A range of the rows.
    #[track_caller]
    pub fn range(&self, range: Range<usize>) -> Self {
        let classes = self.classes.as_ref().map(|classes| classes.rows(range.clone()));
        Self { x: self.x.rows(range), classes }
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
        Self { x: pick(&self.x), classes: self.classes.as_ref().map(pick) }
    }

    /// Other rows with the same classes.
    pub fn with_x(self, x: Tensor<T>) -> Self {
        Self::new(x, self.classes)
    }

    /// The same rows with another element type.
    pub fn cast<U: Real>(&self) -> Rows<U> {
        Rows { x: self.x.cast(), classes: self.classes.as_ref().map(Tensor::cast) }
    }

    /// The rows as values that are not on a tape.
    pub fn values(self) -> Given<T> {
        Given { x: self.x.into(), classes: self.classes.map(Into::into) }
    }

    /// The rows as constants on a tape.
    pub fn on(self, tape: &Tape<T>) -> Given<T> {
        Given { x: tape.constant(self.x), classes: self.classes.map(|classes| tape.constant(classes)) }
    }
}

/// Rows as variables of a computation, with their classes.
#[derive(Clone, Debug)]
pub struct Given<T: Real> {
    pub x: Var<T>,
    classes: Option<Var<T>>,
}

impl<T: Real> Given<T> {
    /// A context with these rows' classes as its condition.
    pub fn context<'a>(&'a self, cx: Context<'a, T>) -> Context<'a, T> {
        Context { condition: self.classes.as_ref(), ..cx }
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
    fn a_part_of_the_rows_has_the_same_part_of_the_classes() {
        let x = Tensor::from_fn([4, 2], |i| i as f32);
        let rows = Rows::new(x, Some(one_hot(&[2, 0, 1, 2], 3))).range(1..3);
        assert_eq!(rows.x().as_slice(), &[2.0, 3.0, 4.0, 5.0]);
        assert_eq!(rows.classes().unwrap().as_slice(), &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        let again = rows.select(&[1, 0, 1]);
        assert_eq!(again.x().as_slice(), &[4.0, 5.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(again.classes().unwrap().as_slice()[..6], [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
        let given = rows.on(&Tape::new());
        let cx = given.context(Context::default());
        assert_eq!(cx.condition.unwrap().shape(), &[2, 3].into());
        assert!(Rows::plain(Tensor::<f32>::zeros([2, 1])).values().context(Context::default()).condition.is_none());
    }
}
