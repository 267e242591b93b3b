//! Single-precision functions without branches, for the compiler to vectorize.
//!
//! Each is one straight line of arithmetic and selections, correct over all of `f32`: NaN gives NaN, infinities give
//! limits, overflow gives infinity and underflow passes through the denormals. Where two formulas meet, both are
//! computed and one is kept. Polynomials are minimax fits to the function named next to them, made for this file
//! (Lawson's iteration in 40 digits, then rounded coefficient by coefficient, refitting the rest after each); the table
//! in `ulp.rs` states the accuracy.
//!
//! Integer arithmetic on the bits is wrapping throughout: lanes whose result is discarded may hold anything.

mod exp;
mod log;
mod normal;
#[cfg(test)]
mod ulp;

pub(crate) use exp::{decay, elu, exp, expm1, sigmoid, tanh};
pub(crate) use log::{ln, ln1p, log_sigmoid, softplus};
pub(crate) use normal::{erf, log_normal_cdf, log_normal_quantile, normal_cdf, normal_score};

use crate::kernels::simd::{Isa, mul_add};

/// ln 2 to 14 bits, so that its product with an exponent is exact …
const LN2_HI: f32 = 0.693_176_27;
/// … and what is missing.
const LN2_LO: f32 = -2.908_897_1e-5;

/// `c[0] + c[1]·x + c[2]·x² + …`, by Horner's rule.
#[inline(always)]
fn polynomial<I: Isa, const N: usize>(x: f32, c: [f32; N]) -> f32 {
    let mut sum = c[N - 1];
    let mut k = N - 1;
    while k > 0 {
        k -= 1;
        sum = mul_add::<I>(sum, x, c[k]);
    }
    sum
}

/// `2ⁿ` for `−126 ≤ n ≤ 127`.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

/// `min(x, hi)`, where NaN stays NaN.
#[inline(always)]
fn at_most(x: f32, hi: f32) -> f32 {
    if x > hi { hi } else { x }
}

/// `max(x, lo)`, where NaN stays NaN.
#[inline(always)]
fn at_least(x: f32, lo: f32) -> f32 {
    if x < lo { lo } else { x }
}
