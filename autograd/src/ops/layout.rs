//! Operations that move elements without computing.

use crate::op::Op;
use crate::real::Real;
use crate::shape::{Axes, Shape};
use crate::var::{Operands, Var, apply};
use smallvec::smallvec;
use std::ops::Range;
use std::sync::Arc;

impl<T: Real> Var<T> {
    /// The same elements, in the same order, under another shape.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert!(
            shape.elements() == self.shape().elements(),
            "reshape: {} has {} elements, {shape} has {}",
            self.shape(),
            self.shape().elements(),
            shape.elements()
        );
        if shape == *self.shape() {
            return self.clone();
        }
        apply(Op::Reshape(shape), smallvec![self.clone()])
    }

    /// All axes after the first made one: `[batch, features]`.
    #[track_caller]
    pub fn flatten(&self) -> Self {
        let batch = self.extent(0);
        self.reshape([batch, self.shape()[1..].iter().product()])
    }

    /// Stretched to a larger shape, as arithmetic does implicitly.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert!(
            self.shape().broadcast(&shape).as_ref() == Some(&shape),
            "broadcast_to: {} does not stretch to {shape}",
            self.shape()
        );
        if shape == *self.shape() {
            return self.clone();
        }
        apply(Op::BroadcastTo(shape), smallvec![self.clone()])
    }

    /// The adjoint of broadcasting: summed down to `shape`, which broadcasts to this one.
    #[track_caller]
    pub(crate) fn sum_to(self, shape: &Shape) -> Self {
        if self.shape() == shape {
            return self;
        }
        let axes = self.shape().stretched_from(shape);
        self.sum(&axes).reshape(shape)
    }

    /// Axis `i` of the result is axis `order[i]` of this.
    ///
    /// # Panics
    /// If `order` does not name each axis once.
    #[track_caller]
    pub fn permute(&self, order: &[usize]) -> Self {
        let mut sorted: Axes = order.into();
        sorted.sort_unstable();
        assert!(
            sorted.iter().copied().eq(0..self.shape().rank()),
            "permute: order {order:?} of a tensor of shape {}",
            self.shape()
        );
        if order.is_sorted() {
            return self.clone();
        }
        apply(Op::Permute(order.into()), smallvec![self.clone()])
    }

    /// The last two axes exchanged.
    #[track_caller]
    pub fn transpose(&self) -> Self {
        let rank = self.shape().rank();
        assert!(rank >= 2, "transpose: a tensor of shape {}", self.shape());
        let mut order: Axes = (0..rank).collect();
        order.swap(rank - 2, rank - 1);
        self.permute(&order)
    }

    /// The elements `range` along one axis.
    #[track_caller]
    pub fn slice(&self, axis: usize, range: Range<usize>) -> Self {
        assert!(range.start <= range.end, "slice: range {range:?} runs backward");
        self.slice_step(axis, range.start, 1, range.len())
    }

    /// `len` elements along one axis, from `start`, `step` apart.
    ///
    /// # Panics
    /// If the axis is shorter, or the step is 0.
    #[track_caller]
    pub fn slice_step(&self, axis: usize, start: usize, step: usize, len: usize) -> Self {
        let extent = self.extent(axis);
        assert!(
            step > 0 && if len == 0 { start <= extent } else { start + (len - 1) * step < extent },
            "slice: {len} elements from {start} in steps of {step} along axis {axis} of a tensor of shape {}",
            self.shape()
        );
        if len == extent && step == 1 {
            return self.clone();
        }
        apply(Op::Slice { axis, start, step, len }, smallvec![self.clone()])
    }

    /// The adjoint of [`Var::slice_step`]: these elements among zeros on an axis of extent `size`.
    #[track_caller]
    pub fn embed(&self, axis: usize, start: usize, step: usize, size: usize) -> Self {
        let len = self.extent(axis);
        assert!(
            step > 0 && if len == 0 { start <= size } else { start + (len - 1) * step < size },
            "embed: {len} elements from {start} in steps of {step} do not fit on an axis of extent {size}"
        );
        if len == size {
            return self.clone();
        }
        apply(Op::Embed { axis, start, step, size }, smallvec![self.clone()])
    }

    /// Zeros before and after along one axis.
    #[track_caller]
    pub fn pad(&self, axis: usize, before: usize, after: usize) -> Self {
        self.embed(axis, before, 1, before + self.extent(axis) + after)
    }

    /// All of `parts`, one after another along an axis.
    ///
    /// # Panics
    /// If there are none, or their other extents differ.
    #[track_caller]
    pub fn concat(axis: usize, parts: &[&Self]) -> Self {
        let Some(first) = parts.first() else { panic!("concat: nothing to join") };
        for part in parts {
            let fits = axis < first.shape().rank()
                && part.shape().rank() == first.shape().rank()
                && part.shape().with(axis, 0) == first.shape().with(axis, 0);
            assert!(fits, "concat along axis {axis}: shapes {} and {} differ elsewhere", first.shape(), part.shape());
        }
        let operands: Operands<T> = parts.iter().map(|&part| part.clone()).collect();
        apply(Op::Concat(axis), operands)
    }

    /// The elements at these indices along one axis, which may repeat.
    #[track_caller]
    pub fn gather(&self, axis: usize, indices: &Arc<[usize]>) -> Self {
        let extent = self.extent(axis);
        if let Some(&beyond) = indices.iter().find(|&&i| i >= extent) {
            panic!("gather: index {beyond} along axis {axis} of a tensor of shape {}", self.shape());
        }
        apply(Op::Gather { axis, indices: Arc::clone(indices) }, smallvec![self.clone()])
    }

    /// The adjoint of [`Var::gather`]: slice `i` is added at `indices[i]` of an axis of extent `size`.
    ///
    /// # Panics
    /// If there is not one index a slice, or an index is beyond `size`.
    #[track_caller]
    pub fn scatter_add(&self, axis: usize, indices: &Arc<[usize]>, size: usize) -> Self {
        assert!(
            self.extent(axis) == indices.len() && indices.iter().all(|&i| i < size),
            "scatter_add: {} indices below {size} for axis {axis} of a tensor of shape {}",
            indices.len(),
            self.shape()
        );
        apply(Op::ScatterAdd { axis, indices: Arc::clone(indices), size }, smallvec![self.clone()])
    }

    /// The elements along one axis in reverse order.
    #[track_caller]
    pub fn flip(&self, axis: usize) -> Self {
        let reversed: Arc<[usize]> = (0..self.extent(axis)).rev().collect();
        self.gather(axis, &reversed)
    }
}
