//! The slice kernels as functions of the element type: how the rest of the engine calls them.
//!
//! Compiled here for both types, and not again in every crate that uses them.

use super::map;
use super::optimizer::{self, AdamStep};
use super::reduce::{self, Extent};
use crate::elementwise::{Binary, Unary};

/// Declares [`SliceKernels`], and implements each function for both types by the one on the right.
macro_rules! slice_kernels {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $function:path;)*) => {
        /// An element type that has the slice kernels.
        ///
        /// Slices of one call have one length, except that reductions read `[outer, reduce, inner]` and write
        /// `[outer, inner]`.
        pub trait SliceKernels: Copy + Sized {
            $($(#[$doc])* fn $name($($arg: $type),*) $(-> $result)?;)*
        }

        slice_kernels!(@implement f32 $(fn $name($($arg: $type),*) $(-> $result)? = $function;)*);
        slice_kernels!(@implement f64 $(fn $name($($arg: $type),*) $(-> $result)? = $function;)*);
    };
    (@implement $T:ident $(fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $function:path;)*) => {
        impl SliceKernels for $T {
            $(fn $name($($arg: $type),*) $(-> $result)? {
                $function($($arg),*)
            })*
        }
    };
}

slice_kernels! {
    /// `out = f(x)`.
    fn unary(f: Unary, x: &[Self], out: &mut [Self]) = map::unary;
    /// `x = f(x)`.
    fn unary_in_place(f: Unary, x: &mut [Self]) = map::unary_in_place;
    /// `out = f(a, b)`.
    fn binary(f: Binary, a: &[Self], b: &[Self], out: &mut [Self]) = map::binary;
    /// `a = f(a, b)`.
    fn binary_assign(f: Binary, a: &mut [Self], b: &[Self]) = map::binary_assign;
    /// `b = f(a, b)`.
    fn binary_assign_right(f: Binary, a: &[Self], b: &mut [Self]) = map::binary_assign_right;
    /// `out = f(a, b)` with one `b` for all.
    fn binary_scalar(f: Binary, a: &[Self], b: Self, out: &mut [Self]) = map::binary_scalar;
    /// `out = f(a, b)` with one `a` for all.
    fn binary_scalar_left(f: Binary, a: Self, b: &[Self], out: &mut [Self]) = map::binary_scalar_left;
    /// `a = f(a, b)` with one `b` for all.
    fn binary_scalar_assign(f: Binary, a: &mut [Self], b: Self) = map::binary_scalar_assign;
    /// `b = f(a, b)` with one `a` for all.
    fn binary_scalar_left_assign(f: Binary, a: Self, b: &mut [Self]) = map::binary_scalar_left_assign;
    /// `out = a` where `mask > 0`, else `b`.
    fn select(mask: &[Self], a: &[Self], b: &[Self], out: &mut [Self]) = map::select;
    /// Sums over the middle axis.
    fn sum_axis(x: &[Self], extent: Extent, out: &mut [Self]) = reduce::sum_axis;
    /// Maxima over the middle axis.
    fn max_axis(x: &[Self], extent: Extent, out: &mut [Self]) = reduce::max_axis;
    /// `ln Σ exp` over the middle axis.
    fn logsumexp_axis(x: &[Self], extent: Extent, out: &mut [Self]) = reduce::logsumexp_axis;
    /// `Σ x²`.
    fn sum_of_squares(x: &[Self]) -> f64 = reduce::sum_of_squares;
    /// Whether nothing is infinite or NaN.
    fn all_finite(x: &[Self]) -> bool = reduce::all_finite;
    /// One step of Adam.
    fn adam(step: AdamStep, p: &mut [Self], g: &[Self], m: &mut [Self], v: &mut [Self], vmax: Option<&mut [Self]>)
        = optimizer::adam;
    /// One step of gradient descent.
    fn sgd(lr: f64, momentum: f64, nesterov: bool, p: &mut [Self], g: &[Self], velocity: Option<&mut [Self]>)
        = optimizer::sgd;
    /// One step of an exponential moving average.
    fn ema(decay: f64, average: &mut [Self], p: &[Self]) = optimizer::ema;
}
