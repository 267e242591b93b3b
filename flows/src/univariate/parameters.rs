//! The parameters that a network gives to a univariate map.

use autograd::{Real, Var};
use std::ops::Range;

/// Parameters θ₀ … θ_{P−1} for each of some elements, wherever the network's output has them.
#[derive(Clone, Debug)]
pub struct Parameters<T: Real> {
    outputs: Var<T>,
    count: usize,
    layout: Layout,
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Along this axis of the elements: first θ₀ of all, then θ₁ of all, …
    Blocks(usize),
    /// Along an axis after those of the elements.
    Last,
}

impl<T: Real> Parameters<T> {
    /// The output of a coupling's network: along `axis`, first θ₀ of all numbers, then θ₁ of all, … For numbers
    /// `[batch, F, …]` and axis 1 the output is `[batch, P·F, …]`.
    ///
    /// # Panics
    /// If the axis does not hold `count` parameters for each element.
    #[track_caller]
    pub fn blocks(outputs: Var<T>, count: usize, axis: usize) -> Self {
        let extent = outputs.extent(axis);
        assert!(
            extent.is_multiple_of(count),
            "parameters: {extent} outputs do not divide into {count} for each element"
        );
        Self { outputs, count, layout: Layout::Blocks(axis) }
    }

    /// The output of a causal network, with all P parameters of an element next to each other: for elements `[batch, D]`
    /// it is `[batch, D, P]`.
    #[track_caller]
    pub fn last(outputs: Var<T>) -> Self {
        let count = outputs.extent(outputs.shape().rank() - 1);
        Self { outputs, count, layout: Layout::Last }
    }

    /// θⱼ in the shape of the elements.
    #[track_caller]
    pub fn nth(&self, j: usize) -> Var<T> {
        match self.layout {
            Layout::Blocks(_) if self.count == 1 => self.outputs.clone(),
            Layout::Blocks(axis) => {
                let each = self.outputs.extent(axis) / self.count;
                self.outputs.slice(axis, j * each..(j + 1) * each)
            }
            Layout::Last => {
                let axis = self.axis();
                self.outputs.slice(axis, j..j + 1).reshape(&self.outputs.shape()[..axis])
            }
        }
    }

    /// `θ_from … θ_{to−1}` in the shape of the elements with one more axis for them, [`Parameters::axis`].
    #[track_caller]
    pub fn list(&self, Range { start: from, end: to }: Range<usize>) -> Var<T> {
        match self.layout {
            Layout::Blocks(axis) => {
                let each = self.outputs.extent(axis) / self.count;
                let mut shape = self.outputs.shape().to_vec();
                shape[axis] = each;
                shape.insert(axis, to - from);
                self.outputs.slice(axis, from * each..to * each).reshape(&*shape)
            }
            Layout::Last => self.outputs.slice(self.axis(), from..to),
        }
    }

    /// The axis along which [`Parameters::list`] has the parameters of one element.
    pub fn axis(&self) -> usize {
        match self.layout {
            Layout::Blocks(axis) => axis,
            Layout::Last => self.outputs.shape().rank() - 1,
        }
    }

    /// Elements with an axis of extent 1 where a [`Parameters::list`] has its parameters, so that both broadcast.
    #[track_caller]
    pub fn facing(&self, numbers: &Var<T>) -> Var<T> {
        let mut shape = numbers.shape().to_vec();
        shape.insert(self.axis(), 1);
        numbers.reshape(&*shape)
    }

    /// Plain values as a function of (i, j): θⱼ of element i, in row-major order.
    pub fn plain(&self) -> impl Fn(usize, usize) -> T + Sync {
        let (values, count) = (self.outputs.value().as_slice(), self.count);
        let inner = match self.layout {
            Layout::Blocks(axis) => self.outputs.shape()[axis..].iter().product::<usize>() / count,
            Layout::Last => 1,
        };
        move |i, j| values[(i / inner * count + j) * inner + i % inner]
    }

    /// The network's output.
    pub fn outputs(&self) -> &Var<T> {
        &self.outputs
    }
}
