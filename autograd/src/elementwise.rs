//! The elementwise functions, which the kernels compute and the table of rules differentiates.

use crate::real::Real;
use crate::var::Var;

/// Declares [`Unary`], and a method of [`Var`] for each function.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident $method:ident $({ $($field:ident),+ })? $(($constant:ident))?;)*) => {
        /// A function of one number, applied to every element.
        ///
        /// Constants are `f64` whatever the element type; kernels round them once.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Unary {
            $(
                $(#[$doc])*
                $name
                $({ $(#[doc = concat!("The constant `", stringify!($field), "`.")] $field: f64),+ })?
                $((functions!(@number $constant)))?,
            )*
        }

        impl<T: Real> Var<T> {
            $(
                $(#[$doc])*
                #[must_use]
                #[track_caller]
                pub fn $method(&self $($(, $field: f64)+)? $(, $constant: f64)?) -> Self {
                    self.map(Unary::$name $({ $($field),+ })? $(($constant))?)
                }
            )*
        }
    };
    (@number $constant:ident) => { f64 };
}

functions! {
    /// `scale·x + shift`.
    Affine affine { scale, shift };
    /// `|x|`; its derivative at 0 is taken as 0.
    Abs abs;
    /// −1, 0 or 1, the derivative of [`Unary::Abs`]. Carries no gradient.
    Sign sign;
    /// 1 where `x > 0`, else 0: the derivative of [`Unary::Relu`]. Carries no gradient.
    Step step;
    /// 1 where `lo ≤ x ≤ hi`, else 0: the derivative of [`Unary::Clamp`]. Carries no gradient.
    Within within { lo, hi };
    /// `x²`.
    Square square;
    /// `√x`.
    Sqrt sqrt;
    /// `1/x`.
    Recip recip;
    /// `xᵖ` for a fixed exponent.
    Powf powf (exponent);
    /// `eˣ`.
    Exp exp;
    /// `eˣ − 1`, exact near 0.
    Expm1 expm1;
    /// `ln x`.
    Ln ln;
    /// `ln(1 + x)`, exact near 0.
    Ln1p ln1p;
    /// `sin x`.
    Sin sin;
    /// `cos x`.
    Cos cos;
    /// `tanh x`.
    Tanh tanh;
    /// The logistic function `σ(x) = 1/(1 + e⁻ˣ)`.
    Sigmoid sigmoid;
    /// `ln(1 + eˣ)`, without overflow.
    Softplus softplus;
    /// `ln σ(x) = −ln(1 + e⁻ˣ)`, without overflow.
    LogSigmoid log_sigmoid;
    /// `max(x, 0)`; its derivative at 0 is taken as 0.
    Relu relu;
    /// `x` where `x > 0`, else `slope·x`.
    LeakyRelu leaky_relu (slope);
    /// `x` where `x > 0`, else `eˣ − 1` (ELU with α = 1; Clevert et al. 2016).
    Elu elu;
    /// `min(max(x, lo), hi)`; its derivative is 1 between the bounds and at them.
    Clamp clamp { lo, hi };
    /// `erf x = 2/√π ∫₀ˣ e^(−t²) dt`.
    Erf erf;
    /// `Φ(x)`, the standard normal's distribution function.
    NormalCdf normal_cdf;
    /// `ln Φ(x)`, accurate and finite in the far left tail, where `Φ` itself is 0.
    LogNormalCdf log_normal_cdf;
    /// `φ(x)/Φ(x)`, the derivative of [`Unary::LogNormalCdf`]: about `−x` far to the left, where
    /// a difference of logarithms would have no digits left.
    NormalScore normal_score;
    /// The `z` with `ln Φ(z) = x`, for `x < 0`: the quantile of a probability given by its logarithm.
    LogNormalQuantile log_normal_quantile;
}

/// A function of two numbers, applied elementwise after broadcasting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a − b`.
    Sub,
    /// `a·b`.
    Mul,
    /// `a/b`.
    Div,
    /// `aᵇ` for positive `a`.
    Pow,
    /// `max(a, b)`.
    Maximum,
    /// `min(a, b)`.
    Minimum,
    /// 1 where `a > b`, else 0.
    Greater,
    /// 1 where `a ≥ b`, else 0.
    GreaterEqual,
    /// `a` where `b > 0`, else 0: the gradient of [`Unary::Relu`], fused.
    StepMul,
    /// `a·(1 − b²)`: the gradient of [`Unary::Tanh`] with output `b`, fused.
    TanhGrad,
    /// `a·b·(1 − b)`: the gradient of [`Unary::Sigmoid`] with output `b`, fused.
    SigmoidGrad,
}
