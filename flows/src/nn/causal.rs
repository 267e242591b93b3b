//! What stands inside an autoregressive layer.

use super::Network;
use autograd::{Real, Tensor, Var};

/// One dimension's own map, over some rows of a batch: given the targets `t` and the network's outputs,
/// output j of row r at `outputs[j·rows + r]`, sets the results `y` and their log-derivatives `log|∂y/∂t|`.
pub type Step<'a, T> = dyn Fn(&[T], &[T], &mut [T], &mut [T]) + Sync + 'a;

/// The same, recorded: targets `[batch, n]` and outputs `[batch, n·outputs]` of n dimensions to results `[batch, n]`.
pub type RecordedStep<'a, T> = dyn Fn(&Var<T>, &Var<T>) -> Var<T> + 'a;

/// What goes through the dimensions in order gives: the results `[batch, D]`, and for each row the sum of
/// the log-derivatives, `[batch]`.
#[derive(Clone, Debug)]
pub struct InOrder<T: Real> {
    /// The results.
    pub value: Tensor<T>,
    /// The log-determinant of the map from targets to results.
    pub log_det: Tensor<T>,
}

/// One network for all conditionals of an autoregressive density, `[batch, D] → [batch, D·outputs]`: numbers
/// `i·outputs … (i+1)·outputs` belong to dimension i and depend on the inputs before i alone.
///
/// The sequential direction of an autoregressive layer solves `yᵢ = stepᵢ(tᵢ, outputs of dimension i given y_<i)`,
/// dimension by dimension. A network knows which of its units can be computed once and for all, and when.
pub trait Causal<T: Real>: Network<T> {
    /// Numbers that each dimension has as outputs.
    fn outputs(&self) -> usize;

    /// Solves for y, each unit of the network computed once, on plain values.
    ///
    /// # Panics
    /// If `t` is not `[batch, D]`.
    #[must_use]
    fn in_order(&self, t: &Tensor<T>, condition: Option<&Tensor<T>>, step: &Step<'_, T>) -> InOrder<T>;

    /// Solves for y, recorded where `t`, the condition or a parameter is. Each unit is computed once here too.
    ///
    /// # Panics
    /// If `t` is not `[batch, D]`.
    #[must_use]
    fn in_order_recorded(&self, t: &Var<T>, condition: Option<&Var<T>>, step: &RecordedStep<'_, T>) -> Var<T>;

    /// Solves for y by D whole passes, as other libraries do: the reference that the fast ways are compared with.
    #[must_use]
    fn by_passes(&self, t: &Var<T>, condition: Option<&Var<T>>, step: &RecordedStep<'_, T>) -> Var<T> {
        let mut y = t.zeros_like();
        for _ in 0..t.extent(1) {
            y = step(t, &self.apply(&y, condition));
        }
        y
    }
}
