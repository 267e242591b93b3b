//! Increasing maps of one number, chosen by parameters, one per file.
//!
//! A layer has two parts. Its network (the conditioner) reads some elements and gives parameters θ for each of the
//! others; a [`Univariate`] maps each of those under its θ. [`Coupling`](crate::layers::Coupling) and
//! [`Autoregressive`](crate::layers::Autoregressive) layers differ in what the network reads, and take any map of this
//! module. (The review of Papamakarios et al. 2021 calls the map a transformer.)

mod affine;
mod bound;
mod gated;
mod implicit;
mod mixture;
mod parameters;
mod rational_quadratic;
mod shift;

pub use affine::Affine;
pub use bound::Bound;
pub(crate) use bound::{FIXED, softly_bounded};
pub use gated::Gated;
pub(crate) use implicit::recorded_root;
pub use mixture::{Kind, Mixture};
pub use parameters::Parameters;
pub use rational_quadratic::RationalQuadratic;
pub use shift::Shift;

use crate::bijection::Mapped;
use crate::module::Visitor;
use autograd::{Real, Tensor, Var};
use std::fmt::Debug;

/// Values mapped one by one, with the log-derivative of each.
#[derive(Clone, Debug)]
pub struct Elementwise<T: Real> {
    /// The results, in the shape of the input.
    pub value: Var<T>,
    /// `log|∂ result/∂ input|` of each.
    pub log_deriv: Var<T>,
}

/// A diagonal or triangular Jacobian: log|det| = Σ log-derivatives.
impl<T: Real> From<Elementwise<T>> for Mapped<T> {
    fn from(mapped: Elementwise<T>) -> Self {
        Self { value: mapped.value, log_det: mapped.log_deriv.sum_per_sample() }
    }
}

/// Every map: `$each!(name, constructor)`, where the constructor takes the number of components or bins. The tests go
/// over this list, and put each map into couplings and autoregressive layers.
#[macro_export]
macro_rules! univariate_maps {
    ($each:ident) => {
        [
            $each!("shift", |_| $crate::univariate::Shift),
            $each!("affine", |_| $crate::univariate::Affine::default()),
            $each!("gated", |_| $crate::univariate::Gated),
            $each!("Gaussian mixture", |k| $crate::univariate::Mixture::new(k, $crate::univariate::Kind::Gaussian)),
            $each!("logistic mixture", |k| $crate::univariate::Mixture::new(k, $crate::univariate::Kind::Logistic)),
            $each!("rational-quadratic spline", |k| $crate::univariate::RationalQuadratic::new(k, 2.0)),
        ]
    };
}

/// An increasing map between a number x and a number z, chosen by parameters θ.
pub trait Univariate<T: Real>: Debug + Send + Sync {
    /// The number P of parameters for each element.
    fn parameters(&self) -> usize;

    /// The P parameters to start training from.
    fn start(&self) -> Vec<f64> {
        vec![0.0; self.parameters()]
    }

    /// x → z with `log ∂z/∂x`.
    fn to_latent(&self, x: &Var<T>, theta: &Parameters<T>) -> Elementwise<T>;

    /// z → x with `log ∂x/∂z`.
    fn to_data(&self, z: &Var<T>, theta: &Parameters<T>) -> Elementwise<T>;

    /// [`Univariate::to_latent`] of one dimension over some rows, without a tape: parameter j of row r is
    /// `theta[j·rows + r]`. Sets z and `log ∂z/∂x`. Override it where the loop over dimensions has to be fast.
    fn to_latent_rows(&self, x: &[T], theta: &[T], z: &mut [T], log_deriv: &mut [T]) {
        by_operations(x, theta, self.parameters(), z, log_deriv, |x, theta| self.to_latent(x, theta));
    }

    /// [`Univariate::to_data`] of one dimension over some rows, without a tape. Sets x and `log ∂x/∂z`.
    fn to_data_rows(&self, z: &[T], theta: &[T], x: &mut [T], log_deriv: &mut [T]) {
        by_operations(z, theta, self.parameters(), x, log_deriv, |z, theta| self.to_data(z, theta));
    }

    /// Whether the map itself has learned parameters for each feature. Couplings take such maps, autoregressive layers
    /// do not.
    fn is_per_feature(&self) -> bool {
        false
    }

    /// Shows the map's constants and its own learned parameters to the visitor. Most maps have none of these.
    fn visit(&self, _visitor: &mut Visitor<T>) {}
}

/// Rows mapped by the operations on [`Var`]s.
fn by_operations<T: Real>(
    input: &[T],
    theta: &[T],
    count: usize,
    result: &mut [T],
    log_deriv: &mut [T],
    map: impl FnOnce(&Var<T>, &Parameters<T>) -> Elementwise<T>,
) {
    let row = |numbers: &[T]| Var::from(Tensor::from_slice([numbers.len()], numbers));
    let mapped = map(&row(input), &Parameters::blocks(row(theta), count, 0));
    result.copy_from_slice(mapped.value.value().as_slice());
    log_deriv.copy_from_slice(mapped.log_deriv.value().as_slice());
}

/// Rows mapped one by one: `f(value, θ)` gives the result and its log-derivative.
fn one_by_one<T: Real>(
    input: &[T],
    theta: &[T],
    result: &mut [T],
    log_deriv: &mut [T],
    mut f: impl FnMut(f64, &dyn Fn(usize) -> f64) -> (f64, f64),
) {
    let rows = input.len();
    for (row, (result, log_deriv)) in result.iter_mut().zip(log_deriv).enumerate() {
        let (y, slope) = f(input[row].to_f64(), &|j| theta[j * rows + row].to_f64());
        (*result, *log_deriv) = (T::from_f64(y), T::from_f64(slope));
    }
}
