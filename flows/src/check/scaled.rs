//! A map of data in units of their own spread.

use crate::bijection::{Bijection, Context, Mapped};
use crate::module::{Module, Visitor};
use autograd::{Tensor, Var};

/// Data with fewer digits than this below their spread count as spread so far: the rounding of x is no error of a map.
const DIGITS: f64 = 1e9;

/// A map seen from standardized data u = (x − center)/scale, so that an error in u, or a step from u, is relative to the
/// spread of its dimension: data around 10¹² and data around 10⁻¹² are checked alike.
#[derive(Debug)]
pub(super) struct Scaled<'a> {
    map: &'a dyn Bijection<f64>,
    center: Tensor<f64>,
    scale: Tensor<f64>,
}

impl<'a> Scaled<'a> {
    /// For data `[batch, …]`, by their mean and standard deviation in each dimension. Also returns u.
    pub(super) fn new(map: &'a dyn Bijection<f64>, x: &Tensor<f64>) -> (Self, Tensor<f64>) {
        let (rows, event) = (x.shape()[0], &x.shape()[1..]);
        let width = event.iter().product::<usize>();
        let column = |j: usize| x.as_slice()[j..].iter().step_by(width);
        let center: Vec<f64> = (0..width).map(|j| column(j).map(|x| x / rows as f64).sum()).collect();
        let scale = |j: usize| {
            let variance = column(j).map(|x| (x - center[j]).powi(2)).sum::<f64>() / rows as f64;
            let size = column(j).fold(0.0f64, |size, x| size.max(x.abs()));
            match variance.sqrt().max(size / DIGITS) {
                scale if scale > 0.0 && scale.is_finite() => scale,
                _ => 1.0,
            }
        };
        let scale: Vec<f64> = (0..width).map(scale).collect();
        let row = |values: &[f64]| Tensor::from_slice(event, values);
        let scaled = Self { map, center: row(&center), scale: row(&scale) };
        let u = scaled.to_u(&Var::from(x.clone()));
        (scaled, u.into_value())
    }

    fn to_u(&self, x: &Var<f64>) -> Var<f64> {
        (x - x.constant_like(self.center.clone())) / x.constant_like(self.scale.clone())
    }

    fn log_scale(&self) -> f64 {
        self.scale.as_slice().iter().map(|scale| scale.ln()).sum()
    }
}

impl Bijection<f64> for Scaled<'_> {
    fn to_latent(&self, u: &Var<f64>, cx: Context<'_, f64>) -> Mapped<f64> {
        let x = u * u.constant_like(self.scale.clone()) + u.constant_like(self.center.clone());
        let Mapped { value, log_det } = self.map.to_latent(&x, cx);
        Mapped { value, log_det: log_det.shift(self.log_scale()) }
    }

    fn to_data(&self, z: &Var<f64>, cx: Context<'_, f64>) -> Mapped<f64> {
        let Mapped { value, log_det } = self.map.to_data(z, cx);
        // Another shape is for the caller to report.
        let fits = value.shape().get(1..) == Some(&**self.center.shape());
        Mapped { value: if fits { self.to_u(&value) } else { value }, log_det: log_det.shift(-self.log_scale()) }
    }
}

impl Module<f64> for Scaled<'_> {
    fn visit(&self, visitor: &mut Visitor<f64>) {
        self.map.visit(visitor);
    }
}
