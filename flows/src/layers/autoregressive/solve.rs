//! The sequential direction as one operation of the tape.

use super::{Reads, by_dimension};
use crate::nn::Causal;
use crate::univariate::{Elementwise, Univariate};
use autograd::{CustomOp, Real, Tensor, Var, diff};
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

/// An identity operation whose backward pass turns g, the gradient by its output, into λ.
///
/// It stands behind the solution y of `y = f(t, n(y))`, where f maps each dimension and n is the network. Its input,
/// which is also its output, is f(t, o) with its log-determinant as the last column, `[batch, D + 1]`. The ordinary
/// rules see how it depends on t, and on the network's weights and condition where o = n(y) has y held fixed. What they
/// do not see is that another y gives another o. With N = ∂n/∂y, and g and h the gradients by the solution and by the
/// log-determinant, the whole gradient λ by f(t, o) is
///
/// ```text
/// λ = g + Nᵀ·(∂f/∂o∘λ + h·∂(log-determinant)/∂o)
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
    /// t, `[batch, D]`.
    pub(super) target: Tensor<T>,
    /// o, `[batch, D·P]`.
    pub(super) outputs: Tensor<T>,
}

/// f(t, o) and its log-determinant, `[batch, D + 1]`.
pub(super) fn mapped<T: Real>(univariate: &impl Univariate<T>, reads: Reads, t: &Var<T>, outputs: &Var<T>) -> Var<T> {
    let theta = by_dimension(univariate, t, outputs);
    let Elementwise { value, log_deriv } = match reads {
        Reads::Data => univariate.to_data(t, &theta),
        Reads::Latent => univariate.to_latent(t, &theta),
    };
    let log_det = log_deriv.sum_per_sample();
    Var::concat(1, &[&value, &log_det.reshape([value.extent(0), 1])])
}

impl<T: Real, N: Causal<T>, U: Univariate<T> + 'static> CustomOp<T> for Solve<T, N, U> {
    fn name(&self) -> &str {
        "in order"
    }

    fn evaluate(&self, inputs: &[Tensor<T>]) -> Tensor<T> {
        inputs[0].clone()
    }

    fn derivative(&self, _: usize, _: &[Var<T>], _: &Var<T>, _: &Var<T>) -> Var<T> {
        panic!("in order: for derivatives of derivatives, use with_reference(model, Reference::RecordedUnits, …)")
    }

    fn fast_derivative(&self, _: usize, _: &[Tensor<T>], _: &Tensor<T>, g: &Tensor<T>) -> Option<Tensor<T>> {
        let (t, dims, g) = (Var::from(self.target.clone()), self.target.shape()[1], Var::from(g.clone()));
        let (of_value, of_log_det) = (0..dims, dims..dims + 1);
        let h = g.slice(1, of_log_det.clone());
        // `slopes` are derivatives of these columns of `mapped` by o. An output belongs to one dimension, and changes
        // only this dimension's value and its term of the log-determinant. So the gradient of the sum over all rows and
        // columns has the derivatives of all dimensions side by side.
        let slopes = |columns: Range<usize>| {
            let sum = |o: &Var<T>| mapped(&*self.univariate, self.reads, &t, o).slice(1, columns.clone()).sum_all();
            diff::gradient(sum, &self.outputs)
        };
        // a = ∂f/∂o and b = h·∂(log-determinant)/∂o, both `[batch, D·P]`. `total` is λ, the solution of λ = g +
        // Nᵀ·(a∘λ + b) with the g of the solution's columns.
        let (a, b) = (slopes(of_value.clone()), (Var::from(slopes(of_log_det)) * &h).into_value());
        let total = self.net.adjoint(&self.kept, g.slice(1, of_value).value(), &a, &b);
        Some(Var::concat(1, &[&total.into(), &h]).into_value())
    }
}
