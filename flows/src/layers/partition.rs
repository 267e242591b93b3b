//! What a coupling reads and what it changes: halves, or a mask.

use super::{Mask, Split};
use autograd::{Real, Var};

/// How a coupling parts its input.
#[derive(Clone, Debug)]
pub enum Partition<T: Real> {
    /// In two halves along the features (or channels), each of which is handled alone.
    Halves(Split),
    /// By a mask over the whole event, with zeros in place of what is not meant.
    Masked(Mask<T>),
}

impl<T: Real> Partition<T> {
    /// `(x₁, x₂)`: what the network reads, and what contains the elements to change.
    #[must_use]
    #[track_caller]
    pub fn part(&self, x: &Var<T>) -> (Var<T>, Var<T>) {
        match self {
            Self::Halves(split) => split.part(x),
            Self::Masked(mask) => (mask.read(x), x.clone()),
        }
    }

    /// A shift or a log-scale of `x₂`, with zeros where it holds elements that are not to change.
    #[must_use]
    #[track_caller]
    pub fn only_changed(&self, parameter: Var<T>) -> Var<T> {
        match self {
            Self::Halves(_) => parameter,
            Self::Masked(mask) => mask.changed(&parameter),
        }
    }

    /// Puts a changed `x₂` back beside `x₁`.
    #[must_use]
    #[track_caller]
    pub fn join(&self, read: &Var<T>, changed: Var<T>) -> Var<T> {
        match self {
            Self::Halves(split) => split.join(read, &changed),
            Self::Masked(_) => changed,
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
