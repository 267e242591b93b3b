//! The functions of one number that kernels are made of, compiled for the instruction set in use:
//! `f32` through [`f32_functions`], `f64` through [`f64_functions`].

pub(crate) mod f32_functions;
pub(crate) mod f64_functions;

use super::simd::{self, Isa};

/// Functions of one number for the loop of a [`Kernel`](simd::Kernel). For `f32` they have no branches, so that the
/// compiler can make vector code of them; for `f64` some are calls, one number at a time. NaN gives NaN, infinities
/// give limits.
pub trait Math: Sized {
    /// `self·b + c`, fused where that is one instruction.
    fn mul_add<I: Isa>(self, b: Self, c: Self) -> Self;
    /// `|x|`.
    fn abs(self) -> Self;
    /// `√x`.
    fn sqrt(self) -> Self;
    /// `xᵖ`.
    fn pow(self, exponent: Self) -> Self;
    /// `sin x`.
    fn sin(self) -> Self;
    /// `cos x`.
    fn cos(self) -> Self;
    /// `eˣ`.
    fn exp<I: Isa>(self) -> Self;
    /// `e⁻ˣ` for `x ≥ 0`, at least the smallest normal number or 0.
    fn decay<I: Isa>(self) -> Self;
    /// `eˣ − 1`, exact near 0.
    fn expm1<I: Isa>(self) -> Self;
    /// `ln x`.
    fn ln<I: Isa>(self) -> Self;
    /// `ln(1 + x)`, exact near 0.
    fn ln1p<I: Isa>(self) -> Self;
    /// `tanh x`.
    fn tanh<I: Isa>(self) -> Self;
    /// `1/(1 + e⁻ˣ)`.
    fn sigmoid<I: Isa>(self) -> Self;
    /// `ln(1 + eˣ)`.
    fn softplus<I: Isa>(self) -> Self;
    /// `−ln(1 + e⁻ˣ)`.
    fn log_sigmoid<I: Isa>(self) -> Self;
    /// `x` above 0, `eˣ − 1` below.
    fn elu<I: Isa>(self) -> Self;
    /// `erf x`.
    fn erf<I: Isa>(self) -> Self;
    /// `Φ(x)`, the standard normal's distribution function.
    fn normal_cdf<I: Isa>(self) -> Self;
    /// `ln Φ(x)`.
    fn log_normal_cdf<I: Isa>(self) -> Self;
    /// `φ(x)/Φ(x)`.
    fn normal_score<I: Isa>(self) -> Self;
    /// The `z` with `ln Φ(z) = x`.
    fn log_normal_quantile<I: Isa>(self) -> Self;
}

/// Implements [`Math`]: functions of the name on the left, computed by the expression on the right.
macro_rules! implement {
    ($T:ident, $mul_add:path; $($name:ident => $function:expr),* $(,)?) => {
        impl Math for $T {
            #[inline(always)]
            fn mul_add<I: Isa>(self, b: Self, c: Self) -> Self {
                $mul_add(self, b, c)
            }
            implement!(@std $T abs sqrt sin cos);
            #[inline(always)]
            fn pow(self, exponent: Self) -> Self {
                self.powf(exponent)
            }
            $(#[inline(always)]
            fn $name<I: Isa>(self) -> Self {
                $function(self)
            })*
        }
    };
    (@std $T:ident $($name:ident)*) => {
        $(#[inline(always)]
        fn $name(self) -> Self {
            <$T>::$name(self)
        })*
    };
}

macro_rules! implement_f32 {
    ($($name:ident)*) => { implement! { f32, simd::mul_add::<I>; $($name => f32_functions::$name::<I>),* } };
}

implement_f32! {
    exp decay expm1 ln ln1p tanh sigmoid softplus log_sigmoid elu erf normal_cdf log_normal_cdf normal_score
    log_normal_quantile
}

implement! {
    f64, simd::mul_add_f64::<I>;
    exp => Self::exp,
    decay => |x: Self| (-x).exp(),
    expm1 => Self::exp_m1,
    ln => Self::ln,
    ln1p => Self::ln_1p,
    tanh => Self::tanh,
    sigmoid => f64_functions::sigmoid,
    softplus => f64_functions::softplus,
    log_sigmoid => |x: Self| -f64_functions::softplus(-x),
    elu => f64_functions::elu,
    erf => libm::erf,
    normal_cdf => f64_functions::normal_cdf,
    log_normal_cdf => f64_functions::log_normal_cdf,
    normal_score => f64_functions::normal_score,
    log_normal_quantile => f64_functions::log_normal_quantile,
}
