//! The bound on log-scales, for all maps that scale.

use crate::{Visitor, layers::per_feature};
use autograd::{Param, Real, Tensor, Var};

/// The widest fixed bound on a log-scale: a factor of 148 either way, more than data need. Without a bound, a network may
/// ask for any factor at an input unlike those it was trained on: with 10 in place of 5, a MAF with five layers gave 6 of
/// 10,000 MNIST test images log-densities of −400,000 and less.
pub(crate) const FIXED: f64 = 5.0;

/// Where a learned bound starts: above 1, so that a layer can shrink something tenfold before its bound has grown.
const START: f64 = 2.0;

/// Keeps log-scales within a bound:
///
/// <!-- α = c tanh a   (c learned),   α = 5 tanh(a/5)   (fixed) -->
#[doc = include_str!("../../formulas/bounded-scale.html")]
#[derive(Clone, Debug)]
pub enum Bound<T: Real> {
    /// `α = u·tanh(a/u)` where a is above 0 and `α = l·tanh(a/l)` where it is below, so that α is between −l and u. Small
    /// log-scales stay as they are. 5 and 5 by default.
    Fixed {
        /// l: from x to z, a layer stretches by at most eˡ.
        lower: f64,
        /// u: from z to x, a layer stretches by at most eᵘ.
        upper: f64,
    },
    /// `α = c·tanh a` with a learned c for each feature, `[features]`.
    Learned(Param<T>),
}

impl<T: Real> Default for Bound<T> {
    fn default() -> Self {
        Self::Fixed { lower: FIXED, upper: FIXED }
    }
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
            &Self::Fixed { lower, upper } if lower == upper => within(a, upper),
            &Self::Fixed { lower, upper } => {
                let above = a.relu();
                within(&(a - &above), lower) + within(&above, upper)
            }
            Self::Learned(factor) => a.tanh() * per_feature(&factor.on(a), a.shape().rank()),
        }
    }

    /// [`Bound::apply`] of one value, for a fixed bound.
    pub(super) fn of(&self, a: f64) -> f64 {
        match self {
            &Self::Fixed { lower, upper } => {
                let most = if a < 0.0 { lower } else { upper };
                most * (a / most).tanh()
            }
            Self::Learned(_) => unreachable!("autoregressive layers take no learned bounds"),
        }
    }

    pub(super) fn visit(&self, visitor: &mut Visitor<T>) {
        match self {
            &Self::Fixed { lower, upper } if lower == upper => visitor.constant("bound", upper),
            &Self::Fixed { lower, upper } => {
                visitor.constant("lower", lower);
                visitor.constant("upper", upper);
            }
            Self::Learned(factor) => visitor.param("factor", factor),
        }
    }
}

/// `most·tanh(a/most)`.
fn within<T: Real>(a: &Var<T>, most: f64) -> Var<T> {
    a.scale(1.0 / most).tanh().scale(most)
}

/// A log-scale within the widest fixed bound.
pub(crate) fn softly_bounded<T: Real>(a: &Var<T>) -> Var<T> {
    within(a, FIXED)
}

/// The same for one value.
pub(super) fn softly_bounded_number(a: f64) -> f64 {
    FIXED * (a / FIXED).tanh()
}
