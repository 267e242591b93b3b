//! Each dimension made normal by a mixture of kernels.

use crate::marginal::{self, LogisticMixture, logistic_bandwidth};
use crate::univariate::{Elementwise, recorded_root};
use crate::{Bijection, Context, Mapped, parameters};
use autograd::{Param, Real, Tensor, Var, special};

/// Added to variances, so that kernels have some width even in a constant dimension.
const FLOOR: f64 = 1e-6;

/// The trainable marginal layer of a Gaussianization flow (Meng et al. 2020), on `[batch, D]`: in each dimension K
/// logistic kernels.
///
/// From x to z (from z to x it is a root, and the log-determinant has the other sign):
///
/// <!--
/// zᵢ = Φ⁻¹(Fᵢ(xᵢ)),   Fᵢ(x) = Σₖ₌₁ᴷ wₖᵢ·σ((x − μₖᵢ)/hₖᵢ)
/// log|det ∂z/∂x| = Σᵢ₌₁ᴰ (log fᵢ(xᵢ) − log φ(zᵢ)),   fᵢ = dFᵢ/dx
/// -->
#[doc = include_str!("../../formulas/kernel-marginal.html")]
///
/// Here σ is the sigmoid, and w the softmax of the logits. The parameters are `logits`, `locations` (μ) and `log_scales`
/// (log h), each `[D, K]`. One formula holds from one tail to the other: see [`crate::marginal`].
///
/// `initialize` puts the kernels at rows of the first batch, with equal weights and the bandwidth of n kernels where
/// the dimension's deviation is s:
///
/// <!-- h = s(4√π/(π⁴n))^(1/5) -->
#[doc = include_str!("../../formulas/bandwidth.html")]
///
/// That is a kernel density estimate of the data as mapped by the layers before, from which training continues. The buffer
/// `started` records that it was done: a model read from a checkpoint is not initialized again.
#[derive(Debug)]
pub struct KernelMarginal<T: Real> {
    logits: Param<T>,
    locations: Param<T>,
    log_scales: Param<T>,
    started: Param<T>,
}

impl<T: Real> KernelMarginal<T> {
    /// With `kernels` kernels in each of `dims` dimensions, at a standard normal's quantiles: nearly the identity,
    /// until it is initialized with data.
    ///
    /// # Panics
    /// If there are no kernels.
    pub fn new(dims: usize, kernels: usize) -> Self {
        assert!(kernels > 0, "kernel marginal: no kernels");
        let quantile = |k: usize| special::log_normal_quantile(((k as f64 + 0.5) / kernels as f64).ln());
        let log_scale = logistic_bandwidth(1.0, kernels).ln();
        let param = |number: &dyn Fn(usize) -> f64| {
            Param::new(Tensor::from_fn([dims, kernels], |i| T::from_f64(number(i % kernels))))
        };
        Self {
            logits: param(&|_| 0.0),
            locations: param(&quantile),
            log_scales: param(&|_| log_scale),
            started: Param::buffer(Tensor::zeros([])),
        }
    }

    /// With a kernel at each of these rows, `[K, D]`: the kernel density estimate of each column.
    ///
    /// # Panics
    /// If there are none.
    pub fn from_rows(rows: &Tensor<T>) -> Self {
        let layer = Self::new(rows.shape()[1], rows.shape()[0]);
        layer.start_at(rows);
        layer
    }

    /// One dimension's mixture, for F, f and z of single numbers.
    ///
    /// # Panics
    /// If there is no such dimension.
    pub fn mixture(&self, dim: usize) -> LogisticMixture {
        let row = |param: &Param<T>| {
            let value = param.value();
            let count = value.shape()[1];
            value.as_slice()[dim * count..(dim + 1) * count].iter().map(|x| x.to_f64()).collect::<Vec<_>>()
        };
        LogisticMixture::new(&row(&self.logits), &row(&self.locations), &row(&self.log_scales))
    }

    /// Puts the kernels at rows evenly spaced among these, repeating rows where there are too few.
    fn start_at(&self, rows: &Tensor<T>) {
        let shape = self.locations.shape();
        let (dims, kernels, count) = (shape[0], shape[1], rows.shape()[0]);
        assert!(count > 0, "kernel marginal: no rows to start from");
        let (values, centers) = (rows.as_slice(), kernels.min(count));
        let at = |k: usize| (k % centers) * count / centers;
        let bandwidths: Vec<f64> = (0..dims)
            .map(|dim| {
                let column = || values[dim..].iter().step_by(dims).map(|x| x.to_f64());
                let mean = column().sum::<f64>() / count as f64;
                let variance = column().map(|x| (x - mean).powi(2)).sum::<f64>() / count as f64;
                logistic_bandwidth((variance + FLOOR).sqrt(), centers)
            })
            .collect();
        let locations = |i: usize| values[at(i % kernels) * dims + i / kernels];
        self.logits.set(Tensor::zeros([dims, kernels]));
        self.locations.set(Tensor::from_fn([dims, kernels], locations));
        self.log_scales.set(Tensor::from_fn([dims, kernels], |i| T::from_f64(bandwidths[i / kernels].ln())));
        self.started.set(Tensor::scalar(T::ONE));
    }

    /// The parameters as one tensor `[3, D, K]` on x's tape.
    fn kernels(&self, x: &Var<T>) -> Var<T> {
        let parts = [&self.logits, &self.locations, &self.log_scales].map(|param| {
            let part = param.on(x);
            part.reshape([1, part.extent(0), part.extent(1)])
        });
        Var::concat(0, &parts.each_ref())
    }
}

fn latent<T: Real>(x: &Var<T>, kernels: &Var<T>) -> Elementwise<T> {
    let [value, log_deriv] = marginal::to_latent(x, kernels);
    Elementwise { value, log_deriv }
}

impl<T: Real> Bijection<T> for KernelMarginal<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        latent(x, &self.kernels(x)).into()
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        let kernels = self.kernels(z);
        let x = z.constant_like(marginal::to_data(z.value(), kernels.value()));
        if z.tape().is_some() {
            return recorded_root(x, z, |x| latent(x, &kernels)).into();
        }
        let log_deriv = -latent(&x, &kernels).log_deriv;
        Elementwise { value: x, log_deriv }.into()
    }

    fn initialize(&self, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
        if self.started.value().item() == T::ZERO {
            self.start_at(x.value());
        }
        self.to_latent(x, cx).value
    }
}

parameters!(KernelMarginal: logits, locations, log_scales, started; kernel = "logistic");
