//! How a coupling layer divides its features into halves.

use autograd::{Real, Var};

/// Which half of the features of `[batch, D]`, or of the channels of `[batch, C, H, W]`, a coupling reads; it changes
/// the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Reads the first ⌈D/2⌉ features.
    ReadFirst,
    /// Reads the last ⌊D/2⌋ features.
    ReadLast,
}

impl Split {
    /// The halves alternate from layer to layer, so two layers change everything.
    pub const fn alternating(layer: usize) -> Self {
        if layer.is_multiple_of(2) { Self::ReadFirst } else { Self::ReadLast }
    }

    /// The half that is read.
    pub(super) const fn reads(self) -> &'static str {
        match self {
            Self::ReadFirst => "first half",
            Self::ReadLast => "last half",
        }
    }

    /// How many of `dims` features are read, and how many are changed.
    pub const fn sizes(self, dims: usize) -> (usize, usize) {
        let first = dims.div_ceil(2);
        match self {
            Self::ReadFirst => (first, dims - first),
            Self::ReadLast => (dims - first, first),
        }
    }

    /// The half that is read, and the half that is changed.
    ///
    /// # Panics
    /// If `x` has fewer than two axes.
    #[track_caller]
    pub fn halves<T: Real>(self, x: &Var<T>) -> (Var<T>, Var<T>) {
        let dims = x.extent(1);
        let first = dims.div_ceil(2);
        let (a, b) = (x.slice(1, 0..first), x.slice(1, first..dims));
        match self {
            Self::ReadFirst => (a, b),
            Self::ReadLast => (b, a),
        }
    }

    /// Puts the halves back where [`Split::halves`] took them from.
    #[track_caller]
    pub fn join<T: Real>(self, read: &Var<T>, changed: &Var<T>) -> Var<T> {
        match self {
            Self::ReadFirst => Var::concat(1, &[read, changed]),
            Self::ReadLast => Var::concat(1, &[changed, read]),
        }
    }
}
