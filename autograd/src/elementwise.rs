//! The elementwise functions, which the kernels compute and the table of rules differentiates.

/// A function of one number, applied to every element.
///
/// Constants are `f64` whatever the element type; kernels round them once.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Unary {
    /// `scale·x + shift`.
    Affine {
        /// The factor.
        scale: f64,
        /// The term added after scaling.
        shift: f64,
    },
    /// `|x|`.
    Abs,
    /// −1, 0 or 1; the derivative of [`Unary::Abs`].
    Sign,
    /// 1 where `x > 0`, else 0; the derivative of [`Unary::Relu`].
    Step,
    /// 1 where `lo ≤ x ≤ hi`, else 0; the derivative of [`Unary::Clamp`].
    Within {
        /// Lower bound.
        lo: f64,
        /// Upper bound.
        hi: f64,
    },
    /// `x²`.
    Square,
    /// `√x`.
    Sqrt,
    /// `1/x`.
    Recip,
    /// `xᵖ` for a fixed exponent.
    Powf(f64),
    /// `eˣ`.
    Exp,
    /// `eˣ − 1`, exact near 0.
    Expm1,
    /// `ln x`.
    Ln,
    /// `ln(1 + x)`, exact near 0.
    Ln1p,
    /// `sin x`.
    Sin,
    /// `cos x`.
    Cos,
    /// `tanh x`.
    Tanh,
    /// `1/(1 + e⁻ˣ)`.
    Sigmoid,
    /// `ln(1 + eˣ)`, without overflow.
    Softplus,
    /// `−ln(1 + e⁻ˣ)`, without overflow.
    LogSigmoid,
    /// `max(x, 0)`.
    Relu,
    /// `x` where `x > 0`, else `slope·x`.
    LeakyRelu(f64),
    /// `x` where `x > 0`, else `eˣ − 1` (ELU with α = 1).
    Elu,
    /// `min(max(x, lo), hi)`.
    Clamp {
        /// Lower bound.
        lo: f64,
        /// Upper bound.
        hi: f64,
    },
    /// `erf x = 2/√π ∫₀ˣ e^(−t²) dt`.
    Erf,
    /// `Φ(x)`, the standard normal's distribution function.
    NormalCdf,
    /// `ln Φ(x)`, finite in the far left tail.
    LogNormalCdf,
    /// `φ(x)/Φ(x)`, the derivative of [`Unary::LogNormalCdf`]: about `−x` far to the left, where
    /// a difference of logarithms would have no digits left.
    NormalScore,
    /// `z` such that `ln Φ(z) = x`, for `x < 0`: the quantile of a probability given by its logarithm.
    LogNormalQuantile,
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
