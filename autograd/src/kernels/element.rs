//! What the slice kernels need of a number: `f32` through [`fast`], `f64` through [`double`].

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::simd::{self, Isa};
use super::{double, fast};

/// A float the kernels are written for. `f32` and `f64`, and no others.
pub(crate) trait Element:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    const ZERO: Self;
    const ONE: Self;
    const NEG_INFINITY: Self;

    /// The nearest representable number.
    fn from_f64(value: f64) -> Self;
    fn to_f64(self) -> f64;
    fn is_finite(self) -> bool;
    /// `self·b + c`, fused where that is one instruction.
    fn mul_add<I: Isa>(self, b: Self, c: Self) -> Self;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    fn pow(self, exponent: Self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn exp<I: Isa>(self) -> Self;
    /// `e⁻ˣ` for `x ≥ 0`, which ends at the least normal number or 0.
    fn decay<I: Isa>(self) -> Self;
    fn expm1<I: Isa>(self) -> Self;
    fn ln<I: Isa>(self) -> Self;
    fn ln1p<I: Isa>(self) -> Self;
    fn tanh<I: Isa>(self) -> Self;
    fn sigmoid<I: Isa>(self) -> Self;
    fn softplus<I: Isa>(self) -> Self;
    fn log_sigmoid<I: Isa>(self) -> Self;
    fn elu<I: Isa>(self) -> Self;
    fn erf<I: Isa>(self) -> Self;
    fn normal_cdf<I: Isa>(self) -> Self;
    fn log_normal_cdf<I: Isa>(self) -> Self;
    fn normal_score<I: Isa>(self) -> Self;
    fn log_normal_quantile<I: Isa>(self) -> Self;
}

/// The part that reads the same for both types.
macro_rules! common {
    ($t:ident) => {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const NEG_INFINITY: Self = $t::NEG_INFINITY;

        #[inline(always)]
        fn is_finite(self) -> bool {
            self.abs() < $t::INFINITY
        }
        #[inline(always)]
        fn abs(self) -> Self {
            self.abs()
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            self.sqrt()
        }
        #[inline(always)]
        fn pow(self, exponent: Self) -> Self {
            self.powf(exponent)
        }
        #[inline(always)]
        fn sin(self) -> Self {
            self.sin()
        }
        #[inline(always)]
        fn cos(self) -> Self {
            self.cos()
        }
    };
}

/// Methods of the name on the left, computed by the function on the right.
macro_rules! functions {
    ($($name:ident => $function:expr),* $(,)?) => {
        $(#[inline(always)]
        fn $name<I: Isa>(self) -> Self {
            $function(self)
        })*
    };
}

impl Element for f32 {
    common!(f32);

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as Self
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn mul_add<I: Isa>(self, b: Self, c: Self) -> Self {
        simd::mul_add::<I>(self, b, c)
    }

    functions! {
        exp => fast::exp::<I>,
        decay => fast::decay::<I>,
        expm1 => fast::expm1::<I>,
        ln => fast::ln::<I>,
        ln1p => fast::ln1p::<I>,
        tanh => fast::tanh::<I>,
        sigmoid => fast::sigmoid::<I>,
        softplus => fast::softplus::<I>,
        log_sigmoid => fast::log_sigmoid::<I>,
        elu => fast::elu::<I>,
        erf => fast::erf::<I>,
        normal_cdf => fast::normal_cdf::<I>,
        log_normal_cdf => fast::log_normal_cdf::<I>,
        normal_score => fast::normal_score::<I>,
        log_normal_quantile => fast::log_normal_quantile::<I>,
    }
}

impl Element for f64 {
    common!(f64);

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn mul_add<I: Isa>(self, b: Self, c: Self) -> Self {
        simd::mul_add_f64::<I>(self, b, c)
    }

    functions! {
        exp => Self::exp,
        decay => |x: Self| (-x).exp(),
        expm1 => Self::exp_m1,
        ln => Self::ln,
        ln1p => Self::ln_1p,
        tanh => Self::tanh,
        sigmoid => double::sigmoid,
        softplus => double::softplus,
        log_sigmoid => |x: Self| -double::softplus(-x),
        elu => double::elu,
        erf => double::erf,
        normal_cdf => double::normal_cdf,
        log_normal_cdf => double::log_normal_cdf,
        normal_score => double::normal_score,
        log_normal_quantile => double::log_normal_quantile,
    }
}
