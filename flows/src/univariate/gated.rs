//! A gate between the old value and a new one: IAF's other map.

use super::affine::{to_data, to_data_number, to_latent, to_latent_number};
use super::bound::{FIXED, softly_bounded, softly_bounded_number};
use super::{Elementwise, Parameters, Univariate, one_by_one};
use crate::module::Visitor;
use autograd::{Real, Var};

/// `x = σ(s)·z + (1 − σ(s))·m` with the parameters (m, s), s within ±5 (Kingma et al. 2016, IAF, equation 14): a mean of
/// z and m that never stretches. It is affine with `α = log σ(s)` and `μ = (1 − σ(s))·m`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gated;

/// `(μ, α)`.
fn shift_and_log_scale<T: Real>(theta: &Parameters<T>) -> (Var<T>, Var<T>) {
    let s = softly_bounded(&theta.nth(1));
    ((-&s).sigmoid() * theta.nth(0), s.log_sigmoid())
}

/// The same for one value.
fn numbers(theta: &dyn Fn(usize) -> f64) -> (f64, f64) {
    let s = softly_bounded_number(theta(1));
    // log σ(s) = −ln(1 + e⁻ˢ), computed with the exponential that cannot overflow.
    (theta(0) / (1.0 + s.exp()), s.min(0.0) - (-s.abs()).exp().ln_1p())
}

impl<T: Real> Univariate<T> for Gated {
    fn parameters(&self) -> usize {
        2
    }

    fn to_latent(&self, x: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        to_latent(x, shift_and_log_scale(theta))
    }

    fn to_data(&self, z: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        to_data(z, shift_and_log_scale(theta))
    }

    fn to_latent_rows(&self, x: &[T], theta: &[T], z: &mut [T], log_deriv: &mut [T]) {
        one_by_one(x, theta, z, log_deriv, |x, theta| to_latent_number(x, numbers(theta)));
    }

    fn to_data_rows(&self, z: &[T], theta: &[T], x: &mut [T], log_deriv: &mut [T]) {
        one_by_one(z, theta, x, log_deriv, |z, theta| to_data_number(z, numbers(theta)));
    }

    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("map", "gated");
        visitor.constant("bound", FIXED);
    }
}
