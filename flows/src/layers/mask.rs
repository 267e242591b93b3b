//! Which elements of an event a layer reads, and which it changes.

use super::Split;
use autograd::{Real, Shape, Tensor, Var};

/// A binary mask b over one event: 1 where a coupling reads, 0 where it changes (Dinh et al. 2017,
/// RealNVP, §3.4).
#[derive(Clone, Debug)]
pub struct Mask<T: Real> {
    read: Tensor<T>,
    changed: Tensor<T>,
    /// What it reads, in words.
    pub(super) reads: &'static str,
}

impl<T: Real> Mask<T> {
    /// A mask over events of this shape that reads the elements for which `reads` is true, counted in row-major order.
    pub fn new(event: impl Into<Shape>, reads: impl Fn(usize) -> bool) -> Self {
        let event = event.into();
        let one_where =
            |wanted: bool| Tensor::from_fn(event.clone(), |i| if reads(i) == wanted { T::ONE } else { T::ZERO });
        Self { read: one_where(true), changed: one_where(false), reads: "a mask" }
    }

    /// Over images of `[channels, height, width]`: a checkerboard that reads where row + column is even, and for the next
    /// layer where it is odd.
    pub fn checkerboard([channels, height, width]: [usize; 3], layer: usize) -> Self {
        let reads = if layer.is_multiple_of(2) { "row + column even" } else { "row + column odd" };
        let read = |i: usize| (i / width % height.max(1) + i % width + layer).is_multiple_of(2);
        Self { reads, ..Self::new([channels, height, width], read) }
    }

    /// The mask that reads and changes the same elements as a split along the first axis of these events.
    pub fn of_split(split: Split, event: impl Into<Shape>) -> Self {
        let event = event.into();
        let features = event.first().copied().unwrap_or(1);
        let each = event.elements() / features.max(1);
        let first = features.div_ceil(2);
        Self::new(event, |i| (i / each.max(1) < first) == (split == Split::ReadFirst))
    }

    /// The shape of one event.
    pub fn event(&self) -> &Shape {
        self.read.shape()
    }

    /// `x` where it is read, 0 elsewhere.
    #[track_caller]
    pub fn read(&self, x: &Var<T>) -> Var<T> {
        x * x.constant_like(self.read.clone())
    }

    /// `x` where it is changed, 0 elsewhere.
    #[track_caller]
    pub fn changed(&self, x: &Var<T>) -> Var<T> {
        x * x.constant_like(self.changed.clone())
    }

    /// The mask itself: 1 where an element is changed, else 0.
    pub fn of_changed(&self) -> &Tensor<T> {
        &self.changed
    }
}
