//! The networks of autoregressive layers, and the sequential direction.

use super::Network;
use crate::Mapped;
use autograd::{Real, Tensor, Var, parallel};
use std::fmt::Debug;

/// The map of one dimension over some rows of a batch: given the targets `t` and the network's outputs, output j of row
/// r at `outputs[j·rows + r]`, it sets the results `y` and their log-derivatives `log|∂y/∂t|`.
pub type Step<'a, T> = dyn Fn(&[T], &[T], &mut [T], &mut [T]) + Sync + 'a;

/// The same on a tape: targets `[batch, n]` and outputs `[batch, n·outputs]` of n dimensions to results `[batch, n]`.
pub type RecordedStep<'a, T> = dyn Fn(&Var<T>, &Var<T>) -> Var<T> + 'a;

/// One network for all conditionals of an autoregressive density, `[batch, D] → [batch, D·outputs]`: outputs
/// `i·outputs … (i+1)·outputs` belong to dimension i and depend only on the inputs before i.
///
/// # The sequential direction: each unit once
///
/// To invert an autoregressive layer, solve `yᵢ = stepᵢ(tᵢ, outputs of dimension i given y_<i)` for i = 1 … D in order.
/// The target t is given, and y is sought: in a MAF t is z and y is x, in an IAF t is x and y is z.
///
/// Usually that takes D passes of the network, each for the outputs of one dimension ([`Causal::by_passes`]). But a
/// hidden unit can be computed as soon as its last input is known. [`Made`](super::Made) sorts its hidden units by degree,
/// so after each dimension the next few of each layer are ready. [`WaveNet`](super::WaveNet) keeps what each layer read,
/// for the step that is one dilation later. The whole inverse then costs the multiply-adds of one pass.
///
/// # Its derivative: each unit once more
///
/// The same holds for the reverse sweep, which takes the dimensions from the last to the first: a unit's adjoint is
/// complete once all later dimensions that see the unit have theirs ([`Causal::adjoint`]).
pub trait Causal<T: Real>: Network<T> + 'static {
    /// What a pass leaves for [`Causal::adjoint`]: weights and activations.
    type Kept: Debug + Send + Sync;

    /// Outputs for each dimension.
    fn outputs(&self) -> usize;

    /// [`Network::apply`], and what it leaves.
    fn apply_keeping(&self, x: &Var<T>, condition: Option<&Var<T>>) -> (Var<T>, Self::Kept);

    /// Solves `λ = g + Nᵀ·(a∘λ + b)` for λ `[batch, D]`, with each unit visited once, where N = ∂outputs/∂input at the
    /// input of the pass that left `kept`. N is strictly triangular, so λᵢ needs only the λ of later dimensions. `g` is
    /// `[batch, D]`, `a` and `b` are `[batch, D·outputs]`; in a∘λ, each output's `a` is multiplied by its dimension's λ.
    ///
    /// # Panics
    /// If the shapes do not match.
    fn adjoint(&self, kept: &Self::Kept, g: &Tensor<T>, a: &Tensor<T>, b: &Tensor<T>) -> Tensor<T>;

    /// Solves for y on plain values, with each unit computed once. The log-determinant is that of the map from t to y.
    ///
    /// # Panics
    /// If `t` is not `[batch, D]`.
    fn in_order(&self, t: &Tensor<T>, condition: Option<&Tensor<T>>, step: &Step<'_, T>) -> Mapped<T>;

    /// Solves for y on the tape of `t`, with each unit computed once.
    ///
    /// # Panics
    /// If `t` is not `[batch, D]`.
    fn in_order_recorded(&self, t: &Var<T>, condition: Option<&Var<T>>, step: &RecordedStep<'_, T>) -> Var<T>;

    /// Solves for y by D whole passes: the reference for tests and timings.
    fn by_passes(&self, t: &Var<T>, condition: Option<&Var<T>>, step: &RecordedStep<'_, T>) -> Var<T> {
        let mut y = t.zeros_like();
        for _ in 0..t.extent(1) {
            y = step(t, &self.apply(&y, condition));
        }
        y
    }
}

/// Solves groups of `each` rows side by side. `solve(first, t, rows)` gets the index of the first row in the batch, the
/// group's targets, and for each row D results to set with the sum of log-derivatives behind them.
pub(super) fn in_groups<T: Real>(
    t: &Tensor<T>,
    each: usize,
    solve: impl Fn(usize, &[T], &mut [T]) + Sync,
) -> Mapped<T> {
    let (batch, dims) = (t.shape()[0], t.shape()[1]);
    let width = dims + 1;
    let solved = rows_in_groups([batch, width], each, |first, solved| {
        solve(first, &t.as_slice()[first * dims..(first + solved.len() / width) * dims], solved);
    });
    let (mut value, mut log_det) = (Tensor::zeros(t.shape()), Tensor::zeros([batch]));
    let rows = value.as_mut_slice().chunks_exact_mut(dims.max(1)).zip(log_det.as_mut_slice());
    for ((value, log_det), solved) in rows.zip(solved.as_slice().chunks_exact(width)) {
        value.copy_from_slice(&solved[..dims]);
        *log_det = solved[dims];
    }
    Mapped { value: value.into(), log_det: log_det.into() }
}

/// Computes rows of `[batch, width]` in groups of `each`, side by side: `solve(first, rows)` sets a group's rows, of which
/// the first is row `first` of the batch.
pub(super) fn rows_in_groups<T: Real>(
    [batch, width]: [usize; 2],
    each: usize,
    solve: impl Fn(usize, &mut [T]) + Sync,
) -> Tensor<T> {
    let mut solved = Tensor::zeros([batch, width]);
    parallel::side_by_side(solved.as_mut_slice(), each * width, &|start, solved| {
        // With one thread the whole batch comes at once.
        for (group, rows) in solved.chunks_mut(each * width).enumerate() {
            solve(start / width + group * each, rows);
        }
    });
    solved
}
