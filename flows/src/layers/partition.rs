//! What a coupling reads and what it changes: halves, or a mask.

use super::{Mask, Split};
use crate::univariate::Elementwise;
use autograd::{Real, Shape, Var};

/// How a coupling divides its input.
#[derive(Clone, Debug)]
pub enum Partition<T: Real> {
    /// Into halves of the features (or channels).
    Halves(Split),
    /// By a mask over the whole event.
    Masked(Mask<T>),
}

impl<T: Real> Partition<T> {
    /// Over squeezed images of this shape, for each layer in turn: a checkerboard, halves of the channels, the other
    /// squares, the other halves, and again.
    pub fn by_turns(image: [usize; 3], layer: usize) -> Self {
        let turn = layer / 2;
        if layer.is_multiple_of(2) { Mask::checkerboard(image, turn).into() } else { Split::alternating(turn).into() }
    }

    /// How many of these features (or channels) the network reads, and for how many it gives parameters: all of them
    /// under a mask.
    pub const fn sizes(&self, features: usize) -> (usize, usize) {
        match self {
            Self::Halves(split) => split.sizes(features),
            Self::Masked(_) => (features, features),
        }
    }

    /// What the network reads, in words.
    pub(super) const fn reads(&self) -> &'static str {
        match self {
            Self::Halves(split) => split.reads(),
            Self::Masked(mask) => mask.reads,
        }
    }

    /// The elements of an event of this shape that are read and changed, as a mask.
    pub fn mask(&self, event: impl Into<Shape>) -> Mask<T> {
        match self {
            Self::Halves(split) => Mask::of_split(*split, event),
            Self::Masked(mask) => mask.clone(),
        }
    }

    /// What the network reads, and what contains the elements to change: the two halves, or, under a mask, the input
    /// with zeros at the elements to change and the whole input.
    #[track_caller]
    pub fn split(&self, x: &Var<T>) -> (Var<T>, Var<T>) {
        match self {
            Self::Halves(split) => split.halves(x),
            Self::Masked(mask) => (mask.read(x), x.clone()),
        }
    }

    /// The whole result, from what [`Partition::split`] gave and from the second of it mapped.
    #[track_caller]
    pub fn join(&self, read: &Var<T>, changed: &Var<T>, mapped: Elementwise<T>) -> Elementwise<T> {
        let Elementwise { value, log_deriv } = mapped;
        match self {
            Self::Halves(split) => Elementwise { value: split.join(read, &value), log_deriv },
            Self::Masked(mask) => {
                let changes = changed.constant_like(mask.of_changed().clone());
                Elementwise { value: changes.select(&value, changed), log_deriv: mask.changed(&log_deriv) }
            }
        }
    }
}

impl<T: Real> From<Split> for Partition<T> {
    fn from(split: Split) -> Self {
        Self::Halves(split)
    }
}

impl<T: Real> From<Mask<T>> for Partition<T> {
    fn from(mask: Mask<T>) -> Self {
        Self::Masked(mask)
    }
}
