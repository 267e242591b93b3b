//! The logarithm and what is made of it: softplus and log-sigmoid.

use super::exp::exp_times;
use super::{LN2_HI, LN2_LO, at_least, polynomial, power_of_two};
use crate::kernels::simd::{Isa, mul_add};

/// `(ln(1 + f) − f + f²/2)/f³` for `|f| ≤ ⅓`; ln to 2⁻²⁷·⁶.
const LN: [f32; 8] =
    [0.333_332_12, -0.249_997_99, 0.200_106_46, -0.166_804_9, 0.140_016_44, -0.121_835_53, 0.140_066_62, -0.128_974_81];

/// The bits of ⅔: mantissas are taken from `[⅔, 4/3)`, centered on 1.
const TWO_THIRDS: u32 = 0x3f2a_aaab;

/// `ln(1 + f) + exponent·ln 2` for `|f| ≤ ⅓`.
#[inline(always)]
pub(super) fn assemble<I: Isa>(f: f32, exponent: f32) -> f32 {
    let bend = mul_add::<I>(f, polynomial::<I, 8>(f, LN), -0.5);
    let low = mul_add::<I>(exponent, LN2_LO, f * f * bend);
    mul_add::<I>(exponent, LN2_HI, low + f)
}

/// `(m, n)` with `x = m·2ⁿ` and `⅔ ≤ m < 4/3`, for a positive normal `x`.
#[inline(always)]
pub(super) fn split(x: f32) -> (f32, i32) {
    let bits = x.to_bits();
    let n = (bits.wrapping_sub(TWO_THIRDS) as i32) >> 23;
    (f32::from_bits(bits.wrapping_sub((n << 23) as u32)), n)
}

/// `ln x`.
#[inline(always)]
pub(crate) fn ln<I: Isa>(x: f32) -> f32 {
    let denormal = x < f32::MIN_POSITIVE;
    let lifted = x * 8_388_608.0;
    let (m, n) = split(if denormal { lifted } else { x });
    let exponent = n as f32 - if denormal { 23.0 } else { 0.0 };
    let regular = assemble::<I>(m - 1.0, exponent);
    edges(x, 0.0, regular)
}

/// `ln(1 + x)`.
#[inline(always)]
pub(crate) fn ln1p<I: Isa>(x: f32) -> f32 {
    let sum = 1.0 + x;
    let (m, n) = split(sum);
    // What the sum lost, on the scale of the mantissa; past 2⁶⁴ it lost nothing that counts.
    let lost = (x - (sum - 1.0)) * power_of_two(-(if n > 64 { 64 } else { n }));
    let regular = assemble::<I>((m - 1.0) + lost, n as f32);
    // Keeps the sign of zero, and denormals whole.
    let regular = if x.abs() < 1e-8 { x } else { regular };
    edges(x, -1.0, regular)
}

/// A logarithm with its pole at `pole`: −∞ there, NaN before it, ∞ at ∞, else `regular`.
#[inline(always)]
fn edges(x: f32, pole: f32, regular: f32) -> f32 {
    let inside = if x < f32::INFINITY { regular } else { x };
    let outside = if x == pole { f32::NEG_INFINITY } else { f32::NAN };
    if x <= pole { outside } else { inside }
}

/// `ln(1 + e)` for `0 ≤ e ≤ 1`.
#[inline(always)]
fn ln1p_of_fraction<I: Isa>(e: f32) -> f32 {
    let upper = e > 1.0 / 3.0;
    let f = if upper { 0.5 * e - 0.5 } else { e };
    let exponent = if upper { 1.0 } else { 0.0 };
    assemble::<I>(f, exponent)
}

/// `ln(1 + eˣ)`.
#[inline(always)]
pub(crate) fn softplus<I: Isa>(x: f32) -> f32 {
    let e = exp_times::<I>(at_least(-x.abs(), -104.0), 0.0, 1.0);
    at_least(x, 0.0) + ln1p_of_fraction::<I>(e)
}

/// `−ln(1 + e⁻ˣ)`.
#[inline(always)]
pub(crate) fn log_sigmoid<I: Isa>(x: f32) -> f32 {
    -softplus::<I>(-x)
}
