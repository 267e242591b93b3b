//! The bound on log-scales, for all maps that scale.

use crate::{Visitor, layers::per_feature};
use autograd::{Param, Real, Tensor, Var};

/// The fixed bound on a log-scale: a factor of 148 either way, more than data need. Without a bound, a network may ask for
/// any factor at an input unlike those it was trained on: with 10 in place of 5, a MAF with five layers gave 6 of 10,000
/// MNIST test images log-densities of −400,000 and less.
pub(crate) const FIXED: f64 = 5.0;

/// Where a learned bound starts: above 1, so that a layer can shrink something tenfold before its bound has grown.
const START: f64 = 2.0;

/// Keeps log-scales within a bound:
///
/// <!-- α = c tanh a   (c learned),   α = 5 tanh(a/5)   (fixed) -->
#[doc = include_str!("../../formulas/bounded-scale.html")]
#[derive(Clone, Debug, Default)]
pub enum Bound<T: Real> {
    /// `α = 5·tanh(a/5)`, which leaves small log-scales as they are.
    #[default]
    Fixed,
    /// `α = c·tanh a` with a learned c for each feature, `[features]`.
    Learned(Param<T>),
}

impl<T: Real> Bound<T> {
    /// A learned bound for each of these features, 2 at first.
    pub fn learned(features: usize) -> Self {
        Self::Learned(Param::new(Tensor::full([features], T::from_f64(START))))
    }

    /// The bounded log-scales of `[batch, features, …]`; the fixed bound takes any shape.
    #[track_caller]
    pub fn apply(&self, a: &Var<T>) -> Var<T> {
        match self {
            Self::Fixed => softly_bounded(a),
            Self::Learned(factor) => a.tanh() * per_feature(&factor.on(a), a.shape().rank()),
        }
    }

    pub(super) fn visit(&self, visitor: &mut Visitor<T>) {
        match self {
            Self::Fixed => visitor.constant("bound", FIXED),
            Self::Learned(factor) => visitor.param("factor", factor),
        }
    }
}

/// A log-scale within the fixed bound.
pub(crate) fn softly_bounded<T: Real>(a: &Var<T>) -> Var<T> {
    a.scale(1.0 / FIXED).tanh().scale(FIXED)
}

/// The same for one value.
pub(super) fn softly_bounded_number(a: f64) -> f64 {
    FIXED * (a / FIXED).tanh()
}
