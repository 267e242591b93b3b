//! Standardizes columns to mean 0 and standard deviation 1.

use crate::{Bijection, Context, Mapped, parameters};
use autograd::{Param, Real, Tensor, Var};

/// Standardization by fixed statistics, on `[batch, D]`:
///
/// <!-- z = (x − mean)/std,   log|det ∂z/∂x| = −Σᵢ₌₁ᴰ log stdᵢ -->
#[doc = include_str!("../../formulas/standardize.html")]
///
/// The statistics are buffers: part of the checkpoint, never trained. The density of a flow that begins with this layer
/// is in the data's own units.
#[derive(Debug)]
pub struct Standardize<T: Real> {
    mean: Param<T>,
    std: Param<T>,
}

impl<T: Real> Standardize<T> {
    /// With the mean and standard deviation of each column.
    ///
    /// # Panics
    /// If there are not as many of one as of the other, or a standard deviation is not positive and finite.
    pub fn new(mean: &[f64], std: &[f64]) -> Self {
        assert!(mean.len() == std.len(), "standardize: {} means and {} deviations", mean.len(), std.len());
        assert!(std.iter().all(|&s| s > 0.0 && s.is_finite()), "standardize: a deviation is not positive and finite");
        let buffer = |values: &[f64]| Param::buffer(Tensor::from_fn([values.len()], |i| T::from_f64(values[i])));
        Self { mean: buffer(mean), std: buffer(std) }
    }

    /// For `dims` columns of mean 0 and this standard deviation.
    ///
    /// # Panics
    /// If it is not positive and finite.
    pub fn about_zero(dims: usize, std: f64) -> Self {
        assert!(std > 0.0 && std.is_finite(), "standardize: the deviation {std} is not positive and finite");
        Self { mean: Param::buffer(Tensor::zeros([dims])), std: Param::buffer(Tensor::full([dims], T::from_f64(std))) }
    }

    /// `Σ ln std`, for every row.
    fn log_volume(&self, x: &Var<T>) -> Var<T> {
        self.std.on(x).ln().sum_all().broadcast_to([x.extent(0)])
    }
}

impl<T: Real> Bijection<T> for Standardize<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let value = (x - self.mean.on(x)) / self.std.on(x);
        Mapped { value, log_det: -self.log_volume(x) }
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let value = z * self.std.on(z) + self.mean.on(z);
        Mapped { value, log_det: self.log_volume(z) }
    }
}

parameters!(Standardize: mean, std);
