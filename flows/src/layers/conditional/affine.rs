//! A scale and a shift: Gaussian conditionals.

use super::{Conditional, Elementwise, bounded, softly_bounded};
use autograd::{Real, Var};
use serde::{Deserialize, Serialize};

/// What the network's two numbers for each dimension, `(m, s)`, mean. Both use s softly bounded to ±5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// `μ = m`, `α = s`.
    #[default]
    None,
    /// `α = log σ(s)`, `μ = (1 − σ(s))·m`: never stretches, and mixes old and new (IAF's equation 14).
    Sigmoid,
}

/// `x = exp(α)·z + μ`, so that x given its parameters is Gaussian where z is, N(μ, exp(2α)).
#[derive(Clone, Copy, Debug, Default)]
pub struct Affine {
    /// What the parameters mean.
    pub gate: Gate,
}

impl Affine {
    /// `(μ, α)`, each `[batch, D]`.
    fn shift_and_log_scale<T: Real>(self, parameters: &Var<T>) -> (Var<T>, Var<T>) {
        let (batch, dims) = (parameters.extent(0), parameters.extent(1));
        let [m, s] = [0, 1].map(|j| parameters.slice(2, j..j + 1).reshape([batch, dims]));
        let s = softly_bounded(&s);
        match self.gate {
            Gate::None => (m, s),
            Gate::Sigmoid => ((-&s).sigmoid() * m, s.log_sigmoid()),
        }
    }

    /// The same of one number.
    fn of(self, m: f64, s: f64) -> (f64, f64) {
        let s = bounded(s);
        match self.gate {
            Gate::None => (m, s),
            // log σ(s) = −ln(1 + e⁻ˢ), from the side on which e is small.
            Gate::Sigmoid => (m / (1.0 + s.exp()), s.min(0.0) - (-s.abs()).exp().ln_1p()),
        }
    }

    /// Maps rows by `f(number, μ, α)`, which gives the result and its log-derivative.
    fn rows<T: Real>(
        self,
        input: &[T],
        parameters: &[T],
        result: &mut [T],
        log_deriv: &mut [T],
        f: impl Fn(f64, f64, f64) -> (f64, f64),
    ) {
        let (shifts, log_scales) = parameters.split_at(input.len());
        let outputs = result.iter_mut().zip(log_deriv);
        for (((&input, m), s), (result, log_deriv)) in input.iter().zip(shifts).zip(log_scales).zip(outputs) {
            let (shift, log_scale) = self.of(m.to_f64(), s.to_f64());
            let (y, slope) = f(input.to_f64(), shift, log_scale);
            (*result, *log_deriv) = (T::from_f64(y), T::from_f64(slope));
        }
    }
}

impl<T: Real> Conditional<T> for Affine {
    fn parameters(&self) -> usize {
        2
    }

    fn to_latent(&self, x: &Var<T>, parameters: &Var<T>) -> Elementwise<T> {
        let (shift, log_scale) = self.shift_and_log_scale(parameters);
        let log_deriv = -log_scale;
        Elementwise { value: (x - shift) * log_deriv.exp(), log_deriv }
    }

    fn to_data(&self, z: &Var<T>, parameters: &Var<T>) -> Elementwise<T> {
        let (shift, log_scale) = self.shift_and_log_scale(parameters);
        Elementwise { value: z * log_scale.exp() + shift, log_deriv: log_scale }
    }

    fn to_latent_rows(&self, x: &[T], parameters: &[T], z: &mut [T], log_deriv: &mut [T]) {
        self.rows(x, parameters, z, log_deriv, |x, shift, log_scale| ((x - shift) * (-log_scale).exp(), -log_scale));
    }

    fn to_data_rows(&self, z: &[T], parameters: &[T], x: &mut [T], log_deriv: &mut [T]) {
        self.rows(z, parameters, x, log_deriv, |z, shift, log_scale| (z * log_scale.exp() + shift, log_scale));
    }
}
