//! The operations on [`Var`]s: functions of two values and reductions. Functions of one are in `elementwise.rs`,
//! arithmetic in `ops/arithmetic.rs`, operations that move elements in `ops/layout.rs`, products in `ops/products.rs`.

mod arithmetic;
mod layout;
mod products;

pub use products::ConvSpec;

use crate::elementwise::{Binary, Unary};
use crate::op::Op;
use crate::real::Real;
use crate::shape::Axes;
use crate::tensor::Tensor;
use crate::var::{Var, apply};
use smallvec::smallvec;

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident = $function:expr;)*) => {
        impl<T: Real> Var<T> {
            $(
                $(#[$doc])*
                #[must_use]
                #[track_caller]
                pub fn $name(&self, other: &Self) -> Self {
                    self.clone().zip(other.clone(), $function)
                }
            )*
        }
    };
}

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident = $function:expr;)*) => {
        impl<T: Real> Var<T> {
            $(
                $(#[$doc])*
                #[must_use]
                #[track_caller]
                pub fn $name(&self, axes: &[usize]) -> Self {
                    self.check_axes(stringify!($name), axes);
                    if axes.is_empty() {
                        return self.clone();
                    }
                    apply($function(axes.into()), smallvec![self.clone()])
                }
            )*
        }
    };
}

binary_methods! {
    /// `xᵇ` elementwise, for positive `x`.
    pow = Binary::Pow;
    /// The greater of each pair; where they are equal, each takes half of the gradient.
    maximum = Binary::Maximum;
    /// The lesser of each pair; where they are equal, each takes half of the gradient.
    minimum = Binary::Minimum;
    /// 1 where `x > other`, else 0. Carries no gradient.
    greater = Binary::Greater;
    /// 1 where `x ≥ other`, else 0. Carries no gradient.
    greater_equal = Binary::GreaterEqual;
}

reductions! {
    /// The sum over these axes, which vanish from the shape. `f32` is accumulated in `f64`.
    sum = Op::Sum;
    /// The maximum over these axes, which vanish from the shape. Equal maxima share the gradient.
    max = Op::Max;
    /// `ln Σ eˣ` over these axes, which vanish from the shape; without overflow.
    logsumexp = Op::LogSumExp;
}

impl<T: Real> Var<T> {
    /// `factor·x`.
    #[track_caller]
    pub fn scale(&self, factor: f64) -> Self {
        self.affine(factor, 0.0)
    }

    /// `x + term`.
    #[track_caller]
    pub fn shift(&self, term: f64) -> Self {
        self.affine(1.0, term)
    }

    /// One of the [`Unary`] functions of each element.
    #[track_caller]
    pub fn map(&self, f: Unary) -> Self {
        apply(Op::Unary(f), smallvec![self.clone()])
    }

    /// As [`Var::map`], of a value that is not needed afterward: its buffer is reused where nobody else holds it.
    #[track_caller]
    pub fn then(self, f: Unary) -> Self {
        apply(Op::Unary(f), smallvec![self])
    }

    /// One of the [`Binary`] functions of each pair of elements, after broadcasting.
    #[track_caller]
    pub fn zip(self, other: Self, f: Binary) -> Self {
        assert!(
            self.shape().broadcast(other.shape()).is_some(),
            "{}: shapes {} and {} do not broadcast",
            Op::<T>::Binary(f).name(),
            self.shape(),
            other.shape()
        );
        apply(Op::Binary(f), smallvec![self, other])
    }

    /// `a` where this mask is above 0, else `b`; all broadcast to one shape.
    #[track_caller]
    pub fn select(&self, a: &Self, b: &Self) -> Self {
        let shape = a.shape().broadcast(b.shape()).and_then(|s| s.broadcast(self.shape()));
        let Some(shape) = shape else {
            panic!("select: shapes {}, {} and {} do not broadcast", self.shape(), a.shape(), b.shape());
        };
        apply(Op::Select, smallvec![self.detach().broadcast_to(&shape), a.broadcast_to(&shape), b.broadcast_to(&shape)])
    }

    #[track_caller]
    fn check_axes(&self, operation: &str, axes: &[usize]) {
        let shape = self.shape();
        let fits = |(i, axis): (usize, &usize)| *axis < shape.rank() && !axes[..i].contains(axis);
        assert!(axes.iter().enumerate().all(fits), "{operation}: axes {axes:?} of a tensor of shape {shape}");
    }

    /// The sum of all elements.
    #[track_caller]
    pub fn sum_all(&self) -> Self {
        self.sum(&self.all_axes())
    }

    /// The sum of each sample's elements: over all axes but the first. Shape `[batch]`.
    #[track_caller]
    pub fn sum_per_sample(&self) -> Self {
        self.sum(&self.all_axes()[1..])
    }

    /// The mean over these axes, which vanish from the shape.
    #[track_caller]
    pub fn mean(&self, axes: &[usize]) -> Self {
        self.check_axes("mean", axes);
        let count: usize = axes.iter().map(|&axis| self.shape()[axis]).product();
        self.sum(axes).scale(1.0 / count as f64)
    }

    /// The mean of all elements.
    #[track_caller]
    pub fn mean_all(&self) -> Self {
        self.mean(&self.all_axes())
    }

    /// `x − logsumexp(x)`: logarithms of probabilities that sum to 1 over these axes.
    #[track_caller]
    pub fn log_softmax(&self, axes: &[usize]) -> Self {
        self - self.logsumexp(axes).reshape(self.shape().squashed(axes))
    }

    /// `eˣ / Σ eˣ` over these axes.
    #[track_caller]
    pub fn softmax(&self, axes: &[usize]) -> Self {
        self.log_softmax(axes).exp()
    }

    /// Zeros of the same shape, without a gradient.
    pub fn zeros_like(&self) -> Self {
        self.constant_like(Tensor::zeros(self.shape()))
    }

    fn all_axes(&self) -> Axes {
        (0..self.shape().rank()).collect()
    }
}
