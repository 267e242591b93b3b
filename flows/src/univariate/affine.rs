//! A scale and a shift: the map of RealNVP, MAF and IAF.

use super::{Bound, Elementwise, Parameters, Univariate, bound::softly_bounded_number, one_by_one};
use crate::module::Visitor;
use autograd::{Real, Var};

/// `x = exp(α)·z + μ` with the parameters (μ, a), where α is a within a [`Bound`]. Where z is standard normal, x is
/// normal with mean μ and standard deviation exp(α).
#[derive(Clone, Debug)]
pub struct Affine<T: Real> {
    bound: Bound<T>,
}

/// With the fixed bound.
impl<T: Real> Default for Affine<T> {
    fn default() -> Self {
        Self { bound: Bound::Fixed }
    }
}

impl<T: Real> Affine<T> {
    /// With a learned bound for each of these features: the map of couplings.
    pub fn learned(features: usize) -> Self {
        Self { bound: Bound::learned(features) }
    }

    /// `(μ, α)`.
    fn shift_and_log_scale(&self, theta: &Parameters<T>) -> (Var<T>, Var<T>) {
        (theta.nth(0), self.bound.apply(&theta.nth(1)))
    }
}

impl<T: Real> Univariate<T> for Affine<T> {
    fn parameters(&self) -> usize {
        2
    }

    fn to_latent(&self, x: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        to_latent(x, self.shift_and_log_scale(theta))
    }

    fn to_data(&self, z: &Var<T>, theta: &Parameters<T>) -> Elementwise<T> {
        to_data(z, self.shift_and_log_scale(theta))
    }

    fn to_latent_rows(&self, x: &[T], theta: &[T], z: &mut [T], log_deriv: &mut [T]) {
        one_by_one(x, theta, z, log_deriv, |x, theta| to_latent_number(x, (theta(0), softly_bounded_number(theta(1)))));
    }

    fn to_data_rows(&self, z: &[T], theta: &[T], x: &mut [T], log_deriv: &mut [T]) {
        one_by_one(z, theta, x, log_deriv, |z, theta| to_data_number(z, (theta(0), softly_bounded_number(theta(1)))));
    }

    fn is_per_feature(&self) -> bool {
        matches!(self.bound, Bound::Learned(_))
    }

    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("map", "affine");
        self.bound.visit(visitor);
    }
}

/// `z = (x − μ)·exp(−α)`.
pub(super) fn to_latent<T: Real>(x: &Var<T>, (shift, log_scale): (Var<T>, Var<T>)) -> Elementwise<T> {
    let log_deriv = -log_scale;
    Elementwise { value: (x - shift) * log_deriv.exp(), log_deriv }
}

/// `x = exp(α)·z + μ`.
pub(super) fn to_data<T: Real>(z: &Var<T>, (shift, log_scale): (Var<T>, Var<T>)) -> Elementwise<T> {
    Elementwise { value: z * log_scale.exp() + shift, log_deriv: log_scale }
}

pub(super) fn to_latent_number(x: f64, (shift, log_scale): (f64, f64)) -> (f64, f64) {
    ((x - shift) * (-log_scale).exp(), -log_scale)
}

pub(super) fn to_data_number(z: f64, (shift, log_scale): (f64, f64)) -> (f64, f64) {
    (z * log_scale.exp() + shift, log_scale)
}
