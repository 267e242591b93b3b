//! The closed vocabulary of operations, and what each computes.
//!
//! [`Op::evaluate`] is the whole forward side of the engine; [`crate::rules`] is the whole backward
//! side. Operations whose derivative is zero (comparisons, signs) are evaluated but never recorded.

use crate::elementwise::{Binary, Unary};
use crate::eval;
use crate::kernels::Conv2d;
use crate::marginal;
use crate::real::Real;
use crate::shape::{Axes, Shape};
use crate::stairs::StaircaseMask;
use crate::taps::KernelMask;
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::sync::Arc;

/// One operation with everything about it but its inputs.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// A place where gradients arrive: a parameter or a variable.
    Leaf,
    /// A function of each element.
    Unary(Unary),
    /// A function of pairs of elements, after broadcasting.
    Binary(Binary),
    /// `a` where `mask > 0`, else `b`; inputs `mask, a, b` of one shape.
    Select,
    /// The sum over these axes, which vanish.
    Sum(Axes),
    /// The greatest over these axes, which vanish.
    Max(Axes),
    /// `ln Σ exp` over these axes, which vanish.
    LogSumExp(Axes),
    /// The same elements under another shape.
    Reshape(Shape),
    /// Stretched to a larger shape.
    BroadcastTo(Shape),
    /// Axis `i` of the result is axis `order[i]` of the input.
    Permute(Axes),
    /// Along one axis, `len` elements from `start`, `step` apart.
    Slice { axis: usize, start: usize, step: usize, len: usize },
    /// The adjoint of `Slice`: the input among zeros, on an axis of extent `size`. Also padding.
    Embed { axis: usize, start: usize, step: usize, size: usize },
    /// All inputs one after another along an axis.
    Concat(usize),
    /// Along one axis, the elements at these indices.
    Gather { axis: usize, indices: Arc<[usize]> },
    /// The adjoint of `Gather`: each element is added where it came from, on an axis of extent `size`.
    ScatterAdd { axis: usize, indices: Arc<[usize]>, size: usize },
    /// z under mixtures of logistic distributions, of inputs `x, kernels`; with the logarithm of its slope, and that
    /// one's derivative by x, one after another.
    Marginal,
    /// The product of matrices, or of equally many matrices, either of them transposed first.
    MatMul { ta: bool, tb: bool },
    /// `x·(M∘w)ᵀ` of inputs `x, w`, two matrices, where M is the mask of the stairs.
    StaircaseMask(StaircaseMask),
    /// The adjoint of `StaircaseMask` in `x`, of inputs `dy, w`.
    StairsByInput(StaircaseMask),
    /// The adjoint of `StaircaseMask` in `w`, of inputs `x, dy`.
    StairsByWeight(StaircaseMask),
    /// `x ⋆ w` of inputs `x, w`.
    Conv(Conv2d),
    /// The adjoint of `Conv` in `x`, of inputs `dy, w`.
    ConvByInput(Conv2d),
    /// The adjoint of `Conv` in `w`, of inputs `x, dy`.
    ConvByWeight(Conv2d),
    /// `x ⋆ (M∘w)` of inputs `x, w`, where M is the mask of the taps.
    KernelMask(Conv2d, KernelMask),
    /// The adjoint of `KernelMask` in `x`, of inputs `dy, w`.
    TapsByInput(Conv2d, KernelMask),
    /// The adjoint of `KernelMask` in `w`, of inputs `x, dy`.
    TapsByWeight(Conv2d, KernelMask),
}

/// The tensors an operation reads.
pub(crate) type Inputs<T> = SmallVec<[Tensor<T>; 3]>;

impl Op {
    /// The name that errors and traces use.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Leaf => "leaf".to_owned(),
            Self::Unary(f) => lower(&format!("{f:?}")),
            Self::Binary(f) => lower(&format!("{f:?}")),
            other => lower(&format!("{other:?}")),
        }
    }

    /// Whether the derivative is zero wherever it exists.
    pub(crate) fn is_piecewise_constant(&self) -> bool {
        matches!(
            self,
            Self::Unary(Unary::Sign | Unary::Step | Unary::Within { .. })
                | Self::Binary(Binary::Greater | Binary::GreaterEqual)
        )
    }

    /// The result, written over an input's buffer where nobody else holds it.
    /// Shapes were checked where the operation was called.
    pub(crate) fn evaluate<T: Real>(&self, mut inputs: Inputs<T>) -> Tensor<T> {
        match self {
            Self::Leaf => inputs.remove(0),
            Self::Unary(f) => eval::unary(*f, inputs.remove(0)),
            Self::Binary(f) => {
                let b = inputs.remove(1);
                eval::binary(*f, inputs.remove(0), b)
            }
            Self::Select => eval::select(&inputs[0], &inputs[1], &inputs[2]),
            Self::Sum(axes) => eval::reduce(&inputs[0], axes, T::sum_axis),
            Self::Max(axes) => eval::reduce(&inputs[0], axes, T::max_axis),
            Self::LogSumExp(axes) => eval::reduce(&inputs[0], axes, T::logsumexp_axis),
            Self::Reshape(shape) => inputs.remove(0).reshape(shape),
            Self::BroadcastTo(shape) => eval::broadcast_to(&inputs[0], shape),
            Self::Permute(order) => eval::permute(&inputs[0], order),
            Self::Slice { axis, start, step, len } => eval::slice(&inputs[0], *axis, *start, *step, *len),
            Self::Embed { axis, start, step, size } => eval::embed(&inputs[0], *axis, *start, *step, *size),
            Self::Concat(axis) => eval::concat(&inputs, *axis),
            Self::Gather { axis, indices } => eval::gather(&inputs[0], *axis, indices),
            Self::ScatterAdd { axis, indices, size } => eval::scatter_add(&inputs[0], *axis, indices, *size),
            Self::Marginal => marginal::evaluate(&inputs[0], &inputs[1]),
            Self::MatMul { ta, tb } => eval::matmul(&inputs[0], *ta, &inputs[1], *tb),
            Self::StaircaseMask(stairs) => eval::stairs(stairs, &inputs[0], &inputs[1]),
            Self::StairsByInput(stairs) => eval::stairs_by_input(stairs, &inputs[0], &inputs[1]),
            Self::StairsByWeight(stairs) => eval::stairs_by_weight(stairs, &inputs[0], &inputs[1]),
            Self::Conv(geometry) => eval::conv(geometry, &inputs[0], &inputs[1]),
            Self::ConvByInput(geometry) => eval::conv_by_input(geometry, &inputs[0], &inputs[1]),
            Self::ConvByWeight(geometry) => eval::conv_by_weight(geometry, &inputs[0], &inputs[1]),
            Self::KernelMask(geometry, taps) => eval::taps(geometry, taps, &inputs[0], &inputs[1]),
            Self::TapsByInput(geometry, taps) => eval::taps_by_input(geometry, taps, &inputs[0], &inputs[1]),
            Self::TapsByWeight(geometry, taps) => eval::taps_by_weight(geometry, taps, &inputs[0], &inputs[1]),
        }
    }
}

/// `LogSigmoid` → `log_sigmoid`, up to the first bracket.
fn lower(debug: &str) -> String {
    let mut name = String::new();
    for c in debug.chars().take_while(|c| c.is_alphanumeric()) {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}
