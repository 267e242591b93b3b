//! The operations on [`Var`]s: elementwise functions and reductions. Arithmetic is in `ops/arithmetic.rs`, operations
//! that move elements in `ops/layout.rs`, products in `ops/products.rs`.

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

macro_rules! unary_methods {
    ($($(#[$doc:meta])* $name:ident $(($($arg:ident),+))? = $function:expr;)*) => {
        impl<T: Real> Var<T> {
            $(
                $(#[$doc])*
                #[must_use]
                #[track_caller]
                pub fn $name(&self $($(, $arg: f64)+)?) -> Self {
                    self.map($function)
                }
            )*
        }
    };
}

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident = $function:expr;)*) => {
        impl<T: Real> Var<T> {
            $(
                $(#[$doc])*
                ///
                /// # Panics
                /// If the shapes do not broadcast.
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
                ///
                /// # Panics
                /// If there is no such axis.
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

unary_methods! {
    /// `|x|`; its derivative at 0 is taken as 0.
    abs = Unary::Abs;
    /// −1, 0 or 1. Carries no gradient.
    sign = Unary::Sign;
    /// 1 where `x > 0`, else 0. Carries no gradient.
    step = Unary::Step;
    /// `x²`.
    square = Unary::Square;
    /// `√x`.
    sqrt = Unary::Sqrt;
    /// `1/x`.
    recip = Unary::Recip;
    /// `eˣ`.
    exp = Unary::Exp;
    /// `eˣ − 1`, exact near 0.
    expm1 = Unary::Expm1;
    /// `ln x`.
    ln = Unary::Ln;
    /// `ln(1 + x)`, exact near 0.
    ln1p = Unary::Ln1p;
    /// `sin x`.
    sin = Unary::Sin;
    /// `cos x`.
    cos = Unary::Cos;
    /// `tanh x`.
    tanh = Unary::Tanh;
    /// The logistic function `σ(x) = 1/(1 + e⁻ˣ)`.
    sigmoid = Unary::Sigmoid;
    /// `ln(1 + eˣ)`, without overflow.
    softplus = Unary::Softplus;
    /// `ln σ(x)`, without overflow.
    log_sigmoid = Unary::LogSigmoid;
    /// `max(x, 0)`; its derivative at 0 is taken as 0.
    relu = Unary::Relu;
    /// `x` above 0, `eˣ − 1` below (ELU with α = 1; Clevert et al. 2016).
    elu = Unary::Elu;
    /// `erf x`.
    erf = Unary::Erf;
    /// `Φ(x)`, the standard normal's distribution function.
    normal_cdf = Unary::NormalCdf;
    /// `ln Φ(x)`, accurate in the far left tail, where `Φ` itself is 0.
    log_normal_cdf = Unary::LogNormalCdf;
    /// `φ(x)/Φ(x)`, the derivative of `ln Φ`.
    normal_score = Unary::NormalScore;
    /// The `z` with `ln Φ(z) = x`, for `x < 0`.
    log_normal_quantile = Unary::LogNormalQuantile;
    /// `scale·x + shift`.
    affine(scale, shift) = Unary::Affine { scale, shift };
    /// `factor·x`.
    scale(factor) = Unary::Affine { scale: factor, shift: 0.0 };
    /// `x + term`.
    shift(term) = Unary::Affine { scale: 1.0, shift: term };
    /// `xᵖ` for a fixed exponent.
    powf(exponent) = Unary::Powf(exponent);
    /// `x` above 0, `slope·x` below.
    leaky_relu(slope) = Unary::LeakyRelu(slope);
    /// `min(max(x, lo), hi)`; its derivative is 1 between the bounds and at them.
    clamp(lo, hi) = Unary::Clamp { lo, hi };
    /// 1 where `lo ≤ x ≤ hi`, else 0. Carries no gradient.
    within(lo, hi) = Unary::Within { lo, hi };
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
    /// One of the [`Unary`] functions of each element.
    #[must_use]
    #[track_caller]
    pub fn map(&self, f: Unary) -> Self {
        apply(Op::Unary(f), smallvec![self.clone()])
    }

    /// As [`Var::map`], of a value that is not needed afterward: its buffer is reused where nobody
    /// else holds it.
    #[must_use]
    #[track_caller]
    pub fn then(self, f: Unary) -> Self {
        apply(Op::Unary(f), smallvec![self])
    }

    /// One of the [`Binary`] functions of each pair of elements, after broadcasting.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[must_use]
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
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[must_use]
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
    #[must_use]
    #[track_caller]
    pub fn sum_all(&self) -> Self {
        self.sum(&self.all_axes())
    }

    /// The sum of each sample's elements: over all axes but the first. Shape `[batch]`.
    #[must_use]
    #[track_caller]
    pub fn sum_per_sample(&self) -> Self {
        self.sum(&self.all_axes()[1..])
    }

    /// The mean over these axes, which vanish from the shape.
    ///
    /// # Panics
    /// If there is no such axis.
    #[must_use]
    #[track_caller]
    pub fn mean(&self, axes: &[usize]) -> Self {
        self.check_axes("mean", axes);
        let count: usize = axes.iter().map(|&axis| self.shape()[axis]).product();
        self.sum(axes).scale(1.0 / count as f64)
    }

    /// The mean of all elements.
    #[must_use]
    #[track_caller]
    pub fn mean_all(&self) -> Self {
        self.mean(&self.all_axes())
    }

    /// `x − logsumexp(x)`: logarithms of probabilities that sum to 1 over these axes.
    ///
    /// # Panics
    /// If there is no such axis.
    #[must_use]
    #[track_caller]
    pub fn log_softmax(&self, axes: &[usize]) -> Self {
        self - self.logsumexp(axes).reshape(self.shape().squashed(axes))
    }

    /// `eˣ / Σ eˣ` over these axes.
    ///
    /// # Panics
    /// If there is no such axis.
    #[must_use]
    #[track_caller]
    pub fn softmax(&self, axes: &[usize]) -> Self {
        self.log_softmax(axes).exp()
    }

    /// Zeros of the same shape, without a gradient.
    #[must_use]
    pub fn zeros_like(&self) -> Self {
        self.constant_like(Tensor::zeros(self.shape()))
    }

    fn all_axes(&self) -> Axes {
        (0..self.shape().rank()).collect()
    }
}
