//! The closed vocabulary of operations, and what each computes.
//!
//! [`Op::evaluate`] is the whole forward side of the engine; [`crate::rules`] is the whole backward
//! side. Operations whose derivative is zero (comparisons, signs) are evaluated but never recorded.

use crate::bilinear::{Bilinear, Side};
use crate::custom::CustomOp;
use crate::elementwise::{Binary, Unary};
use crate::forward;
use crate::kernels::Conv2d;
use crate::real::Real;
use crate::shape::{Axes, Shape};
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::sync::Arc;

/// One operation with everything about it but its inputs.
#[derive(Clone, Debug)]
pub(crate) enum Op<T: Real> {
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
    /// The maximum over these axes, which vanish.
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
    /// The product of matrices, or of equally many matrices, either of them transposed first.
    MatMul { ta: bool, tb: bool },
    /// One side of a bilinear product, from the other two.
    Bilinear(Bilinear, Side),
    /// A convolution with a bias for each channel; inputs `x, w, b`. Where `relu`, the result is already that of the `Relu`
    /// that is recorded after it.
    BiasedConv { geometry: Conv2d, relu: bool },
    /// A user's own.
    Custom(Arc<dyn CustomOp<T>>),
}

/// The tensors an operation reads.
pub(crate) type Inputs<T> = SmallVec<[Tensor<T>; 3]>;

impl<T: Real> Op<T> {
    /// The name that errors and traces use: that of the method where there is one.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Unary(f) => snake_case(&format!("{f:?}")),
            Self::Binary(f) => snake_case(&format!("{f:?}")),
            Self::MatMul { .. } => "matmul".to_owned(),
            Self::Bilinear(product, Side::Output) => product.name().to_owned(),
            Self::Bilinear(product, Side::Input) => format!("{} by input", product.name()),
            Self::Bilinear(product, Side::Weight) => format!("{} by weight", product.name()),
            Self::BiasedConv { .. } => "conv2d_biased".to_owned(),
            Self::Custom(op) => op.name().to_owned(),
            other => snake_case(&format!("{other:?}")),
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
    pub(crate) fn evaluate(&self, mut inputs: Inputs<T>) -> Tensor<T> {
        match self {
            Self::Leaf => inputs.remove(0),
            Self::Unary(f) => forward::unary(*f, inputs.remove(0)),
            Self::Binary(f) => {
                let b = inputs.remove(1);
                forward::binary(*f, inputs.remove(0), b)
            }
            Self::Select => forward::select(&inputs[0], &inputs[1], &inputs[2]),
            Self::Sum(axes) => forward::reduce(&inputs[0], axes, T::sum_axis),
            Self::Max(axes) => forward::reduce(&inputs[0], axes, T::max_axis),
            Self::LogSumExp(axes) => forward::reduce(&inputs[0], axes, T::logsumexp_axis),
            Self::Reshape(shape) => inputs.remove(0).reshape(shape),
            Self::BroadcastTo(shape) => forward::broadcast_to(&inputs[0], shape),
            Self::Permute(order) => forward::permute(&inputs[0], order),
            Self::Slice { axis, start, step, len } => forward::slice(&inputs[0], *axis, *start, *step, *len),
            Self::Embed { axis, start, step, size } => forward::embed(&inputs[0], *axis, *start, *step, *size),
            Self::Concat(axis) => forward::concat(&inputs, *axis),
            Self::Gather { axis, indices } => forward::gather(&inputs[0], *axis, indices),
            Self::ScatterAdd { axis, indices, size } => forward::scatter_add(&inputs[0], *axis, indices, *size),
            Self::MatMul { ta, tb } => forward::matmul(&inputs[0], *ta, &inputs[1], *tb),
            Self::Bilinear(product, side) => product.evaluate(*side, &inputs[0], &inputs[1]),
            Self::BiasedConv { geometry, relu } => forward::biased_conv(geometry, &inputs, *relu),
            Self::Custom(op) => op.evaluate(&inputs),
        }
    }
}

/// `LogSigmoid` → `log_sigmoid`, up to the first bracket.
fn snake_case(debug: &str) -> String {
    let mut name = String::new();
    for c in debug.chars().take_while(|c| c.is_alphanumeric()) {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}
