//! The slice kernels as functions of the element type: how the rest of the engine calls them.

use super::optimize::{self, AdamStep};
use super::reduce::Extent;
use super::{map, reduce};
use crate::elementwise::{Binary, Unary};

/// An element type that has the slice kernels.
///
/// Slices of one call have one length, unless a comment says otherwise; reductions read
/// `[outer, middle, inner]` and write `[outer, inner]`.
pub trait Lanes: Copy + Sized {
    /// `out = f(x)`.
    fn unary(f: Unary, x: &[Self], out: &mut [Self]);
    /// `x = f(x)`.
    fn unary_in_place(f: Unary, x: &mut [Self]);
    /// `out = f(a, b)`.
    fn binary(f: Binary, a: &[Self], b: &[Self], out: &mut [Self]);
    /// `a = f(a, b)`.
    fn binary_assign(f: Binary, a: &mut [Self], b: &[Self]);
    /// `b = f(a, b)`.
    fn binary_assign_right(f: Binary, a: &[Self], b: &mut [Self]);
    /// `out = f(a, b)` with one `b` for all.
    fn binary_scalar(f: Binary, a: &[Self], b: Self, out: &mut [Self]);
    /// `out = f(a, b)` with one `a` for all.
    fn binary_scalar_left(f: Binary, a: Self, b: &[Self], out: &mut [Self]);
    /// `a = f(a, b)` with one `b` for all.
    fn binary_scalar_assign(f: Binary, a: &mut [Self], b: Self);
    /// `b = f(a, b)` with one `a` for all.
    fn binary_scalar_left_assign(f: Binary, a: Self, b: &mut [Self]);
    /// `out = a` where `mask > 0`, else `b`.
    fn select(mask: &[Self], a: &[Self], b: &[Self], out: &mut [Self]);
    /// Sums over the middle axis.
    fn sum_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]);
    /// Maxima over the middle axis.
    fn max_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]);
    /// `ln Σ exp` over the middle axis.
    fn logsumexp_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]);
    /// `Σ x²`.
    fn sum_of_squares(x: &[Self]) -> f64;
    /// Whether nothing is infinite or NaN.
    fn all_finite(x: &[Self]) -> bool;
    /// One step of Adam.
    fn adam(step: AdamStep, p: &mut [Self], g: &[Self], m: &mut [Self], v: &mut [Self], vmax: Option<&mut [Self]>);
    /// One step of gradient descent.
    fn sgd(lr: f64, momentum: f64, nesterov: bool, p: &mut [Self], g: &[Self], velocity: Option<&mut [Self]>);
    /// One step of a moving average.
    fn ema(decay: f64, shadow: &mut [Self], p: &[Self]);
}

macro_rules! forward {
    ($T:ty) => {
        impl Lanes for $T {
            fn unary(f: Unary, x: &[Self], out: &mut [Self]) {
                map::unary(f, x, out);
            }

            fn unary_in_place(f: Unary, x: &mut [Self]) {
                map::unary_in_place(f, x);
            }

            fn binary(f: Binary, a: &[Self], b: &[Self], out: &mut [Self]) {
                map::binary(f, a, b, out);
            }

            fn binary_assign(f: Binary, a: &mut [Self], b: &[Self]) {
                map::binary_assign(f, a, b);
            }

            fn binary_assign_right(f: Binary, a: &[Self], b: &mut [Self]) {
                map::binary_assign_right(f, a, b);
            }

            fn binary_scalar(f: Binary, a: &[Self], b: Self, out: &mut [Self]) {
                map::binary_scalar(f, a, b, out);
            }

            fn binary_scalar_left(f: Binary, a: Self, b: &[Self], out: &mut [Self]) {
                map::binary_scalar_left(f, a, b, out);
            }

            fn binary_scalar_assign(f: Binary, a: &mut [Self], b: Self) {
                map::binary_scalar_in_place(f, a, b);
            }

            fn binary_scalar_left_assign(f: Binary, a: Self, b: &mut [Self]) {
                map::binary_scalar_left_in_place(f, a, b);
            }

            fn select(mask: &[Self], a: &[Self], b: &[Self], out: &mut [Self]) {
                map::select(mask, a, b, out);
            }

            fn sum_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]) {
                reduce::sum_axis(x, Extent { outer, reduce: middle, inner }, out);
            }

            fn max_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]) {
                reduce::max_axis(x, Extent { outer, reduce: middle, inner }, out);
            }

            fn logsumexp_axis(x: &[Self], outer: usize, middle: usize, inner: usize, out: &mut [Self]) {
                reduce::logsumexp_axis(x, Extent { outer, reduce: middle, inner }, out);
            }

            fn sum_of_squares(x: &[Self]) -> f64 {
                reduce::sum_squares(x)
            }

            fn all_finite(x: &[Self]) -> bool {
                reduce::all_finite(x)
            }

            fn adam(
                step: AdamStep,
                p: &mut [Self],
                g: &[Self],
                m: &mut [Self],
                v: &mut [Self],
                vmax: Option<&mut [Self]>,
            ) {
                optimize::adam(step, p, g, m, v, vmax);
            }

            fn sgd(lr: f64, momentum: f64, nesterov: bool, p: &mut [Self], g: &[Self], velocity: Option<&mut [Self]>) {
                optimize::sgd(lr, momentum, nesterov, p, g, velocity);
            }

            fn ema(decay: f64, shadow: &mut [Self], p: &[Self]) {
                optimize::ema(decay, shadow, p);
            }
        }
    };
}

forward!(f32);
forward!(f64);
