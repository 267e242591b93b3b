//! Each dimension made normal by a mixture of kernels: the distribution function of a mixture of logistic
//! distributions, then the normal quantile (Gaussianization; Chen & Gopinath 2000, Meng et al. 2020).
//!
//! ```text
//! F(x) = Σₖ wₖ·σ((x − μₖ)/hₖ),     z = Φ⁻¹(F(x)),     log ∂z/∂x = log f(x) − log φ(z)
//! ```
//!
//! Points are `[batch, dims]`. Kernels are `[3, dims, K]`: in each dimension K logits, of which the weights w are the
//! softmax, then K locations μ, then K log-scales log h.
//!
//! ```
//! use autograd::{Tensor, Var};
//! use flows::marginal;
//!
//! let kernels = Tensor::from_slice([3, 1, 2], &[0.0, 0.0, -1.0, 1.0, -1.0, -1.0]);
//! let x = Tensor::from_slice([3, 1], &[-40.0, 0.0, 1e30f64]);
//! let [z, log_deriv] = marginal::to_latent(&Var::from(x), &Var::from(kernels.clone()));
//! assert!(z.value().all_finite() && log_deriv.value().all_finite());
//! let x = marginal::to_data(z.value(), &kernels);
//! assert!((x.as_slice()[0] + 40.0).abs() < 1e-12);
//! ```

mod block;
mod gradient;
mod kernels;
mod mixture;
mod root;
mod table;
#[cfg(test)]
mod tests;

pub use mixture::{LogisticMixture, logistic_bandwidth};

use autograd::{CustomOp, Real, Shape, Tensor, Var, diff};
use kernels::{Pass, compute};
use std::f64::consts::LN_2;

#[track_caller]
fn check(operation: &str, points: &Shape, kernels: &Shape) {
    let fits = points.rank() == 2 && kernels.rank() == 3 && kernels[..2] == [3, points[1]] && kernels[2] > 0;
    assert!(fits, "{operation}: points {points} with kernels {kernels}, where [batch, D] and [3, D, K] were expected");
}

/// x → z, with `log ∂z/∂x` of each element; both `[batch, dims]`.
///
/// One formula from one tail to the other: everything is computed from the lighter one of F and 1 − F, in logarithms
/// where the number itself is out of range. Finite for every finite x. Takes one exponential for each pair of a point
/// and a kernel, and another for the gradient by the kernels, and stores nothing of that size; the results do not
/// depend on the number of threads.
///
/// # Panics
/// If the shapes do not match.
#[track_caller]
pub fn to_latent<T: Real>(x: &Var<T>, kernels: &Var<T>) -> [Var<T>; 2] {
    check("marginal::to_latent", x.shape(), kernels.shape());
    let both = Var::custom(Marginal, &[x, kernels]);
    [0, 1].map(|part| both.slice(0, part..part + 1).reshape(x.shape()))
}

/// z → x: the roots of z(x) = z, to the type's precision, by Newton's method in a bracket. Where x would overflow, the
/// largest finite value. Keeps no record.
///
/// # Panics
/// If the shapes do not match.
#[track_caller]
pub fn to_data<T: Real>(z: &Tensor<T>, kernels: &Tensor<T>) -> Tensor<T> {
    check("marginal::to_data", z.shape(), kernels.shape());
    let pass = Pass::Data { z: z.as_slice() };
    Tensor::computed(z.shape(), |out| compute(z.shape()[0], kernels, pass, out))
}

/// z, the logarithm of its slope, and that logarithm's derivative by x, `[3, batch, dims]`, of inputs `x, kernels`.
/// The third is for the gradient by x, and has no gradient itself.
#[derive(Debug)]
struct Marginal;

impl<T: Real> CustomOp<T> for Marginal {
    fn name(&self) -> &str {
        "marginal"
    }

    fn evaluate(&self, inputs: &[Tensor<T>]) -> Tensor<T> {
        let (x, kernels) = (&inputs[0], &inputs[1]);
        let [batch, dims] = [x.shape()[0], x.shape()[1]];
        let pass = Pass::Latent { x: x.as_slice() };
        Tensor::computed([3, batch, dims], |out| compute(batch, kernels, pass, out))
    }

    fn derivative(&self, i: usize, inputs: &[Var<T>], _output: &Var<T>, g: &Var<T>) -> Var<T> {
        let stacked = |inputs: &[Var<T>]| {
            let parts = composed(&inputs[0], &inputs[1]);
            let parts = parts.each_ref().map(|part| part.reshape([1, part.extent(0), part.extent(1)]));
            Var::concat(0, &parts.each_ref())
        };
        diff::vjp_by(stacked, inputs, i, &g.slice(0, 0..2))
    }

    /// By x, from what the forward pass found; by the kernels, in a pass of its own.
    fn fast_derivative(&self, i: usize, inputs: &[Tensor<T>], y: &Tensor<T>, g: &Tensor<T>) -> Option<Tensor<T>> {
        let (x, kernels) = (&inputs[0], &inputs[1]);
        if i == 1 {
            let pass = Pass::Gradient { x: x.as_slice(), found: y.as_slice(), g: g.as_slice() };
            return Some(Tensor::computed(kernels.shape(), |out| compute(x.shape()[0], kernels, pass, out)));
        }
        let part = |all: &Tensor<T>, part: usize| Var::from(all.clone()).slice(0, part..part + 1).reshape(x.shape());
        Some((part(g, 0) * part(y, 1).exp() + part(g, 1) * part(y, 2)).into_value())
    }
}

/// As [`to_latent`], in ordinary operations.
fn composed<T: Real>(x: &Var<T>, kernels: &Var<T>) -> [Var<T>; 2] {
    let part = |i: usize| kernels.slice(0, i..i + 1);
    let (log_weights, log_scales) = (part(0).log_softmax(&[2]), part(2));
    let each = [x.extent(0), x.extent(1), 1];
    let standardized = (x.reshape(each) - part(1)) * (-&log_scales).exp();
    let left = (log_weights.detach() + standardized.detach().log_sigmoid()).logsumexp(&[2]);
    // 1 where F is the lighter tail, −1 where 1 − F is and everything is mirrored.
    let side = left.shift(LN_2).step().affine(-2.0, 1.0);
    let standardized = standardized * side.reshape(each);
    let parts = log_weights + standardized.log_sigmoid();
    let quantile = parts.logsumexp(&[2]).log_normal_quantile();
    // Two sums relative to the same largest part: their logarithms would otherwise be far larger than their difference.
    let relative = &parts - parts.detach().max(&[2]).reshape(each);
    let log_hazard =
        (&relative + (-standardized).log_sigmoid() - log_scales).logsumexp(&[2]) - relative.logsumexp(&[2]);
    // F(x) = Φ(z), so log f − log φ(z) = log(f/F) − log(φ/Φ): two hazards, whose difference does not cancel.
    let log_deriv = log_hazard - quantile.normal_score().ln();
    [quantile * side, log_deriv]
}
