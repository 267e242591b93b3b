//! Data made normal one dimension at a time: each through the distribution function of a mixture of logistic
//! distributions and the normal quantile (Gaussianization; Chen & Gopinath 2000, Meng et al. 2020).
//!
//! ```text
//! F(x) = Σₖ wₖ·σ((x − μₖ)/hₖ),     z = Φ⁻¹(F(x)),     log ∂z/∂x = log f(x) − log φ(z)
//! ```
//!
//! Points are `[batch, dims]`. Kernels are `[3, dims, K]`: in each dimension K logits, of which the weights w are the
//! softmax, then K locations μ, then K log-scales log h.
//!
//! ```
//! use autograd::{Tensor, Var, marginal};
//!
//! let kernels = Tensor::from_slice([3, 1, 2], &[0.0, 0.0, -1.0, 1.0, -1.0, -1.0]);
//! let x = Tensor::from_slice([3, 1], &[-40.0, 0.0, 1e30f64]);
//! let [z, log_deriv] = marginal::to_latent(&Var::from(x), &Var::from(kernels.clone()));
//! assert!(z.value().all_finite() && log_deriv.value().all_finite());
//! let back = marginal::to_data(z.value(), &kernels);
//! assert!((back.as_slice()[0] + 40.0).abs() < 1e-12);
//! ```

pub use crate::kernels::marginal::{LogisticMixture, logistic_bandwidth};

use crate::kernels::marginal::Sizes;
use crate::op::Op;
use crate::parallel;
use crate::real::Real;
use crate::shape::Shape;
use crate::tape::Tape;
use crate::tensor::Tensor;
use crate::var::{Var, apply};
use smallvec::smallvec;
use std::f64::consts::LN_2;

#[track_caller]
fn check(points: &Shape, kernels: &Shape) {
    let fits = points.rank() == 2 && kernels.rank() == 3 && kernels[..2] == [3, points[1]] && kernels[2] > 0;
    assert!(fits, "marginal: points {points} with kernels {kernels}, where [batch, D] and [3, D, K] were expected");
}

/// x → z, with `log ∂z/∂x` of each number; both `[batch, dims]`.
///
/// One formula from one tail to the other: all is computed from the lighter one of F and 1 − F, in logarithms where
/// the number itself is out of range. Finite for every finite x. Takes an exponential for each pair of a point and a
/// kernel, and another for the gradient by the kernels, and stores nothing of that size; the results do not depend on
/// the number of threads.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
#[track_caller]
pub fn to_latent<T: Real>(x: &Var<T>, kernels: &Var<T>) -> [Var<T>; 2] {
    check(x.shape(), kernels.shape());
    let both = apply(Op::Marginal, smallvec![x.clone(), kernels.clone()]);
    [0, 1].map(|part| both.slice(0, part..part + 1).reshape(x.shape()))
}

/// z → x: the roots of z(x) = z, to the type's precision, by Newton's method in a bracket. Where x is beyond the type,
/// its last finite number. Keeps no record.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
#[track_caller]
pub fn to_data<T: Real>(z: &Tensor<T>, kernels: &Tensor<T>) -> Tensor<T> {
    check(z.shape(), kernels.shape());
    let (mut out, sizes) = (Tensor::stale(z.shape()), sizes(z, kernels));
    T::marginal_roots(sizes, parallel::threads(), z.as_slice(), kernels.as_slice(), out.as_mut_slice());
    out
}

fn sizes<T: Real>(points: &Tensor<T>, kernels: &Tensor<T>) -> Sizes {
    Sizes { batch: points.shape()[0], dims: points.shape()[1], count: kernels.shape()[2] }
}

/// What [`Op::Marginal`] computes: `[3, batch, dims]`.
pub(crate) fn evaluate<T: Real>(x: &Tensor<T>, kernels: &Tensor<T>) -> Tensor<T> {
    let sizes = sizes(x, kernels);
    let mut out = Tensor::stale([3, sizes.batch, sizes.dims]);
    T::marginal(sizes, parallel::threads(), x.as_slice(), kernels.as_slice(), out.as_mut_slice());
    out
}

/// The gradient by the kernels, given what [`evaluate`] found and the gradient by it.
pub(crate) fn by_kernels<T: Real>([x, kernels]: [&Tensor<T>; 2], found: &Tensor<T>, gradient: &Tensor<T>) -> Tensor<T> {
    let (mut out, sizes) = (Tensor::stale(kernels.shape()), sizes(x, kernels));
    let (at, found, gradient) = ([x.as_slice(), kernels.as_slice()], found.as_slice(), gradient.as_slice());
    T::marginal_by_kernels(sizes, parallel::threads(), at, found, gradient, out.as_mut_slice());
    out
}

/// The gradient by x (`i = 0`) or by the kernels (`i = 1`), recorded, given the gradient by what [`Op::Marginal`] gives.
pub(crate) fn pulled<T: Real>(tape: &Tape<T>, inputs: [&Var<T>; 2], i: usize, g: &Var<T>) -> Var<T> {
    // Copies that are places of their own: the one may depend on the other in ways that are not to be counted here.
    let [x, kernels] = inputs.map(|input| input.scale(1.0));
    let parts = composed(&x, &kernels);
    let both =
        Var::concat(0, &parts.each_ref().map(|part| part.reshape([1, part.extent(0), part.extent(1)])).each_ref());
    let target = if i == 0 { &x } else { &kernels };
    let pulled = tape.vjp_recorded(&both, &g.slice(0, 0..2), &[target]);
    pulled.into_iter().next().expect("one input was asked for")
}

/// As [`to_latent`], in ordinary operations.
fn composed<T: Real>(x: &Var<T>, kernels: &Var<T>) -> [Var<T>; 2] {
    let part = |i: usize| kernels.slice(0, i..i + 1);
    let (log_weights, log_scales) = (part(0).log_softmax(&[2]), part(2));
    let each = [x.extent(0), x.extent(1), 1];
    let places = (x.reshape(each) - part(1)) * (-&log_scales).exp();
    let left = (log_weights.detach() + places.detach().log_sigmoid()).logsumexp(&[2]);
    // 1 where F is the lighter tail, −1 where 1 − F is: the places as they are, or mirrored.
    let side = left.shift(LN_2).step().affine(-2.0, 1.0);
    let places = places * side.reshape(each);
    let parts = log_weights + places.log_sigmoid();
    let quantile = parts.logsumexp(&[2]).log_normal_quantile();
    // Two sums over the same largest part: their logarithms would otherwise be far larger than their difference.
    let relative = &parts - parts.detach().max(&[2]).reshape(each);
    let log_hazard = (&relative + (-places).log_sigmoid() - log_scales).logsumexp(&[2]) - relative.logsumexp(&[2]);
    let log_deriv = log_hazard - quantile.normal_score().ln();
    [quantile * side, log_deriv]
}
