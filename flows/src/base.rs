//! Base distributions: what the latents are drawn from.

use crate::module::{Module, without_parameters};
use autograd::{Real, Shape, Tensor, Var};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal as Gaussian;
use std::{f64::consts::PI, fmt::Debug};

/// A distribution over latents, independent in every dimension.
pub trait Base<T: Real>: Module<T> + Debug + Send + Sync {
    /// `log p_Z(z)` of each row of `[batch, …]`, in nats. Shape `[batch]`.
    fn log_prob(&self, z: &Var<T>) -> Var<T>;

    /// Latents of this shape. Their distance from the center is scaled by the temperature.
    fn sample(&self, shape: Shape, temperature: f64, rng: &mut dyn Rng) -> Tensor<T>;
}

/// The standard normal N(0, I): `log φ(z) = −½z² − ½·ln 2π` in each dimension.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardNormal;

/// The standard logistic: `log p(z) = −softplus(z) − softplus(−z)` in each dimension.
/// NICE's choice for images (Dinh et al. 2015).
#[derive(Clone, Copy, Debug, Default)]
pub struct Logistic;

/// The uniform distribution on [0, 1] in each dimension: 0 inside, −∞ outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uniform;

impl<T: Real> Base<T> for StandardNormal {
    fn log_prob(&self, z: &Var<T>) -> Var<T> {
        let dims = z.shape()[1..].iter().product::<usize>() as f64;
        z.square().sum_per_sample().affine(-0.5, -0.5 * dims * (2.0 * PI).ln())
    }

    fn sample(&self, shape: Shape, temperature: f64, rng: &mut dyn Rng) -> Tensor<T> {
        Tensor::from_fn(shape, |_| T::from_f64(temperature * rng.sample::<f64, _>(Gaussian)))
    }
}

impl<T: Real> Base<T> for Logistic {
    fn log_prob(&self, z: &Var<T>) -> Var<T> {
        -(z.softplus() + (-z).softplus()).sum_per_sample()
    }

    fn sample(&self, shape: Shape, temperature: f64, rng: &mut dyn Rng) -> Tensor<T> {
        Tensor::from_fn(shape, |_| {
            // The quantile ln(u/(1 − u)), with u never 0 or 1 (here in units of 2⁻⁵²).
            let u = (rng.random::<u64>() >> 12) as f64 + 0.5;
            T::from_f64(temperature * (u.ln() - ((1u64 << 52) as f64 - u).ln()))
        })
    }
}

impl<T: Real> Base<T> for Uniform {
    fn log_prob(&self, z: &Var<T>) -> Var<T> {
        let outside = z.within(0.0, 1.0).affine(-1.0, 1.0);
        let zero = z.zeros_like();
        let infinite = z.constant_like(Tensor::full([], T::from_f64(f64::NEG_INFINITY)));
        outside.select(&infinite, &zero).sum_per_sample()
    }

    fn sample(&self, shape: Shape, temperature: f64, rng: &mut dyn Rng) -> Tensor<T> {
        Tensor::from_fn(shape, |_| T::from_f64(0.5 + temperature * (rng.random::<f64>() - 0.5)))
    }
}

without_parameters!(StandardNormal; distribution = "standard normal");
without_parameters!(Logistic; distribution = "standard logistic");
without_parameters!(Uniform; distribution = "uniform");
