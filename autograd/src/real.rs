//! The two element types.

use crate::kernels::{Batch, Gemm, Math, Multiply, SliceKernels, Transform};
use crate::pool::Pool;
use bytemuck::Pod;
use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point element type: `f32` for training, `f64` for checking. There are no others.
pub trait Real:
    sealed::Sealed
    + Pod
    + Math
    + SliceKernels
    + Gemm
    + Multiply
    + Batch
    + Transform
    + Copy
    + Default
    + Debug
    + Display
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + MulAssign
    + 'static
{
    /// `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// The gap between 1 and the next number.
    const EPSILON: f64;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// −∞.
    const NEG_INFINITY: Self;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The same number, exactly.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// The free buffers of this type.
    #[doc(hidden)]
    fn pool() -> &'static Pool;
}

macro_rules! implement {
    ($T:ident) => {
        impl Real for $T {
            const NAME: &'static str = stringify!($T);
            const EPSILON: f64 = Self::EPSILON as f64;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEG_INFINITY: Self = Self::NEG_INFINITY;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as Self
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn is_finite(self) -> bool {
                self.is_finite()
            }

            fn pool() -> &'static Pool {
                static POOL: Pool = Pool::new();
                &POOL
            }
        }
    };
}

implement!(f32);
implement!(f64);
