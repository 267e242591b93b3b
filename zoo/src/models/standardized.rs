//! The standardization of a table, as part of a model.

use autograd::{Param, Real, Tensor, Var};
use flows::{Bijection, Context, Mapped, Module, Visitor};

/// The units of a table, before a model of its standardized rows:
///
/// ```text
/// z = (x − mean)/std,   log|det ∂z/∂x| = −Σᵢ ln stdᵢ
/// ```
///
/// x may need more digits than `f32` has, so rows are standardized outside, in `f64`
/// ([`Standardization`](crate::data::Standardization)), and the layer gets and gives z: it leaves rows as they are and
/// contributes the log-determinant. Thus the density of a model behind it is in the data's own units.
///
/// The statistics are buffers, each as the sum of two: `mean + mean_low` and `std + std_low`, added in `f64`.
#[derive(Debug)]
pub struct Standardized<T: Real> {
    mean: Param<T>,
    mean_low: Param<T>,
    std: Param<T>,
    std_low: Param<T>,
}

impl<T: Real> Standardized<T> {
    /// For this many columns, with mean 0 and deviation 1 until others are set.
    pub fn new(columns: usize) -> Self {
        let buffer = |value: T| Param::buffer(Tensor::full([columns], value));
        Self { mean: buffer(T::ZERO), mean_low: buffer(T::ZERO), std: buffer(T::ONE), std_low: buffer(T::ZERO) }
    }

    /// `Σ ln std`.
    fn log_volume(&self) -> f64 {
        let (high, low) = (self.std.value(), self.std_low.value());
        high.as_slice().iter().zip(low.as_slice()).map(|(high, low)| (high.to_f64() + low.to_f64()).ln()).sum()
    }
}

impl<T: Real> Bijection<T> for Standardized<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::with_constant(x.clone(), -self.log_volume())
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::with_constant(z.clone(), self.log_volume())
    }
}

impl<T: Real> Module<T> for Standardized<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("mean", &self.mean);
        visitor.param("std", &self.std);
        visitor.param("mean_low", &self.mean_low);
        visitor.param("std_low", &self.std_low);
    }
}
