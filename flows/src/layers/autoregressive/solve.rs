//! The sequential direction as one operation of the tape.

use super::{Reads, by_dimension};
use crate::nn::Causal;
use crate::univariate::{Elementwise, Univariate};
use autograd::{CustomOp, Real, Tensor, Var, diff};
use std::fmt::Debug;
use std::sync::Arc;

/// Makes the solution y of `y = f(t, n(y))` depend on itself, where f maps each dimension and n is the network.
///
/// The inputs are `f(t, o)` with its log-determinant as the last column, `[batch, D + 1]`; t; the network's outputs o at
/// y; and its condition, if it has one. The output is the first input. The ordinary rules see how that depends on t and
/// on the network's weights where o = n(y) has y held fixed. What they do not see is that another y gives another o. With
/// N = ∂n/∂y, and g and h the gradients by the solution and by the log-determinant, the whole gradient λ by f(t, o) is
///
/// ```text
/// λ = g + Nᵀ·(∂f/∂o∘λ + ∂(log-determinant)/∂o·h)
/// ```
///
/// which [`Causal::adjoint`] solves in the work of one pass. λ then goes on by the ordinary rules to t and, in one
/// ordinary reverse pass, to the weights.
#[derive(Debug)]
pub(super) struct Solve<T: Real, N: Causal<T>, U> {
    pub(super) net: Arc<N>,
    pub(super) univariate: Arc<U>,
    pub(super) reads: Reads,
    pub(super) kept: N::Kept,
    pub(super) precision: std::marker::PhantomData<T>,
}

impl<T: Real, N: Causal<T>, U: Univariate<T>> Solve<T, N, U> {
    /// f(t, o) and its log-determinant, `[batch, D + 1]`.
    pub(super) fn mapped(univariate: &U, reads: Reads, t: &Var<T>, outputs: &Var<T>) -> Var<T> {
        let theta = by_dimension(univariate, t, outputs);
        let Elementwise { value, log_deriv } = match reads {
            Reads::Data => univariate.to_data(t, &theta),
            Reads::Latent => univariate.to_latent(t, &theta),
        };
        let log_det = log_deriv.sum_per_sample();
        Var::concat(1, &[&value, &log_det.reshape([value.extent(0), 1])])
    }

    fn at(&self, [t, outputs]: [&Var<T>; 2]) -> Var<T> {
        Self::mapped(&self.univariate, self.reads, t, outputs)
    }
}

impl<T: Real, N: Causal<T>, U: Univariate<T> + 'static> CustomOp<T> for Solve<T, N, U> {
    fn name(&self) -> &str {
        "in order"
    }

    fn evaluate(&self, inputs: &[Tensor<T>]) -> Tensor<T> {
        inputs[0].clone()
    }

    /// By D whole passes: the reference, and the one that can be differentiated again.
    fn derivative(&self, i: usize, inputs: &[Var<T>], output: &Var<T>, g: &Var<T>) -> Var<T> {
        if i > 0 {
            // Only there for derivatives of derivatives.
            return inputs[i].zeros_like();
        }
        let dims = inputs[1].extent(1);
        let (y, by_value) = (output.slice(1, 0..dims), g.slice(1, 0..dims));
        let by_log_det = g.slice(1, dims..dims + 1);
        let mut total = by_value.clone();
        for _ in 0..dims {
            let seed = Var::concat(1, &[&total, &by_log_det]);
            let by_outputs = diff::vjp_by(|both| self.at([&both[0], &both[1]]), &inputs[1..3], 1, &seed);
            let net = |y: &[Var<T>]| self.net.apply(&y[0], inputs.get(3));
            total = &by_value + diff::vjp_by(net, std::slice::from_ref(&y), 0, &by_outputs);
        }
        Var::concat(1, &[&total, &by_log_det])
    }

    fn fast_derivative(&self, i: usize, inputs: &[Tensor<T>], _: &Tensor<T>, g: &Tensor<T>) -> Option<Tensor<T>> {
        if i > 0 {
            return None;
        }
        let (t, dims, g) = (Var::from(inputs[1].clone()), inputs[1].shape()[1], Var::from(g.clone()));
        let columns = |from: usize, to: usize| g.slice(1, from..to);
        let by_log_det = columns(dims, dims + 1);
        // Each dimension's derivatives are its own: sums over all have them side by side.
        let slopes = |from: usize, to: usize| {
            let sum = |outputs: &Var<T>| self.at([&t, outputs]).slice(1, from..to).sum_all();
            diff::gradient(sum, &inputs[2])
        };
        let (of_value, of_log_det) = (slopes(0, dims), Var::from(slopes(dims, dims + 1)) * &by_log_det);
        let by_value = columns(0, dims).into_value();
        let total = self.net.adjoint(&self.kept, &by_value, &of_value, of_log_det.value());
        Some(Var::concat(1, &[&total.into(), &by_log_det]).into_value())
    }
}
