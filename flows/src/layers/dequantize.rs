//! From pixel levels to continuous values.

use super::logit::within;
use crate::{Bijection, Context, Mapped, without_parameters};
use autograd::{Real, Tensor, Var};

/// Uniform dequantization (Uria, Murray & Larochelle 2013), on any shape.
///
/// Levels `k ∈ {0 … L−1}` become `u ∈ [0, 1)`, with ε drawn from the context's noise. Without noise the layer is the
/// map `u = k/L` of continuous `k ∈ [0, L]`.
///
/// <!-- u = (k + ε)/L,   ε ~ U[0, 1)ᴰ,   log|det ∂u/∂k| = −D log L -->
#[doc = include_str!("../../formulas/dequantization.html")]
///
/// A log-likelihood that includes this layer, divided by `−D·ln 2`, is in bits per dimension of pixel levels.
#[derive(Clone, Copy, Debug)]
pub struct Dequantize {
    levels: u32,
}

impl Dequantize {
    /// For this many levels; pixels have 256.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(levels: u32) -> Self {
        assert!(levels > 0, "dequantize: there must be at least one level");
        Self { levels }
    }

    /// The largest ε. With noise closer to 1, k + ε could round to k + 1.
    fn most_noise<T: Real>(self) -> f64 {
        1.0 - f64::from(self.levels) * 0.5 * T::EPSILON
    }

    /// u = (k + ε)/L, with this noise.
    pub(crate) fn filled<T: Real>(self, k: &Var<T>, noise: &Var<T>) -> Var<T> {
        let most = T::from_f64(self.most_noise::<T>());
        (k + within(noise.clone(), [T::ZERO, most])).scale(1.0 / f64::from(self.levels))
    }

    fn log_det<T: Real>(self, x: &Var<T>) -> f64 {
        let dims = x.shape()[1..].iter().product::<usize>() as f64;
        -dims * f64::from(self.levels).ln()
    }
}

impl<T: Real> Bijection<T> for Dequantize {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let levels = f64::from(self.levels);
        let filled = match cx.noise {
            None => x.clone(),
            Some(noise) => {
                let most = self.most_noise::<T>();
                let mut added = Tensor::zeros(x.shape());
                let width = x.shape()[1..].iter().product::<usize>();
                let rows = added.as_mut_slice();
                noise.rows(x.extent(0), |i, uniform| {
                    for e in &mut rows[i * width..(i + 1) * width] {
                        *e = T::from_f64(uniform().min(most));
                    }
                });
                x + x.constant_like(added)
            }
        };
        Mapped::with_constant(filled.scale(1.0 / levels), self.log_det(x))
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::with_constant(z.scale(f64::from(self.levels)), -self.log_det(z))
    }
}

without_parameters!(Dequantize);
