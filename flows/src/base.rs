//! Base distributions: what the latents are drawn from.

use crate::module::{Module, Visitor, without_parameters};
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

/// A standard normal with rare outliers, a contaminated normal (Tukey 1960), in each dimension:
///
/// <!-- p(z) = (1 − ε)·φ(z) + ε·φ(z/s)/s -->
#[doc = include_str!("../formulas/contaminated-normal.html")]
///
/// A normal's log-density falls with the square of z: one latent at 200 costs 20,000 nats. Here it costs about 25. With
/// a small share ε nothing else changes: the density of ordinary latents falls by ε, and so few samples are outliers.
#[derive(Clone, Copy, Debug)]
pub struct Contaminated {
    /// ε, the share of outliers, between 0 and 1.
    pub share: f64,
    /// s, their standard deviation.
    pub spread: f64,
}

impl Default for Contaminated {
    /// One value in a hundred million, a hundred times as wide.
    fn default() -> Self {
        Self { share: 1e-8, spread: 100.0 }
    }
}

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

impl<T: Real> Base<T> for Contaminated {
    fn log_prob(&self, z: &Var<T>) -> Var<T> {
        let Self { share, spread } = *self;
        let square = z.square();
        let ordinary = square.affine(-0.5, (1.0 - share).ln() - 0.5 * (2.0 * PI).ln());
        // log of the second term over the first.
        let ratio = square.affine(0.5 - 0.5 / (spread * spread), (share / (1.0 - share)).ln() - spread.ln());
        (ordinary + ratio.softplus()).sum_per_sample()
    }

    fn sample(&self, shape: Shape, temperature: f64, rng: &mut dyn Rng) -> Tensor<T> {
        Tensor::from_fn(shape, |_| {
            let z: f64 = rng.sample(Gaussian);
            let width = if rng.random_bool(self.share) { self.spread } else { 1.0 };
            T::from_f64(temperature * width * z)
        })
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
impl<T: Real> Module<T> for Contaminated {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("distribution", "contaminated normal");
        visitor.constant("share", self.share);
        visitor.constant("spread", self.spread);
    }
}

without_parameters!(Logistic; distribution = "standard logistic");
without_parameters!(Uniform; distribution = "uniform");
