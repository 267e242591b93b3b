//! Bilinear operations: products `y = B(x, w)` of an input and weights, linear in each.
//!
//! Such a product has three sides, and each is had from the other two: the output itself, and the
//! adjoints in the input and in the weights,
//!
//! ```text
//! ⟨g, B(x, w)⟩ = ⟨B_input(g, w), x⟩ = ⟨B_weight(x, g), w⟩    for all x, w, g.
//! ```
//!
//! So one operation, [`Op::Bilinear`], and one rule serve derivatives of any order.

use crate::kernel_mask::KernelMask;
use crate::kernels::{self, Conv2d};
use crate::op::Op;
use crate::parallel::threads;
use crate::real::Real;
use crate::shape::Shape;
use crate::staircase::StaircaseMask;
use crate::tensor::Tensor;
use crate::var::{Var, apply};
use smallvec::smallvec;

/// A product of an input and weights.
#[derive(Clone, Debug)]
pub(crate) enum Bilinear {
    /// `x·(M∘w)ᵀ` of two matrices, where M is a staircase mask.
    Linear(StaircaseMask),
    /// The convolution `x ⋆ w`.
    Conv(Conv2d),
    /// The convolution `x ⋆ (M∘w)`, where M is a kernel mask.
    MaskedConv(Conv2d, KernelMask),
}

/// A side of a bilinear product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Output,
    Input,
    Weight,
}

impl Side {
    /// The two sides from which this one is computed, in the order of the operands.
    fn operands(self) -> [Self; 2] {
        match self {
            Self::Output => [Self::Input, Self::Weight],
            Self::Input => [Self::Output, Self::Weight],
            Self::Weight => [Self::Input, Self::Output],
        }
    }

    /// What belongs to the operands and to the result of the product that computes this side, in the
    /// order input, weight, output.
    pub(crate) fn sorted<V>(self, a: V, b: V, result: V) -> [V; 3] {
        match self {
            Self::Output => [a, b, result],
            Self::Input => [result, b, a],
            Self::Weight => [a, result, b],
        }
    }
}

impl Bilinear {
    /// The method that computes the output.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Linear(_) => "matmul_t_masked",
            Self::Conv(_) => "conv2d",
            Self::MaskedConv(..) => "conv2d_masked",
        }
    }

    /// One side of the product, recorded where an operand asks for gradients.
    #[track_caller]
    pub(crate) fn side<T: Real>(self, side: Side, a: Var<T>, b: Var<T>) -> Var<T> {
        apply(Op::Bilinear(self, side), smallvec![a, b])
    }

    /// The derivative by operand `i` of the product that computes `side`, from the gradient `g` of that side and the
    /// other operand: the product that computes that operand's side.
    pub(crate) fn derivative<T: Real>(&self, side: Side, i: usize, g: Var<T>, other: Var<T>) -> Var<T> {
        let wanted = side.operands()[i];
        let [a, b] = if wanted.operands()[0] == side { [g, other] } else { [other, g] };
        self.clone().side(wanted, a, b)
    }

    pub(crate) fn evaluate<T: Real>(&self, side: Side, a: &Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
        let batch = a.shape()[0];
        Tensor::computed(self.shape(side, batch), |out| {
            let (threads, a, b) = (threads(), a.as_slice(), b.as_slice());
            match self {
                Self::Linear(mask) => kernels::staircase::product(mask, side, batch, threads, a, b, out),
                Self::Conv(geometry) => kernels::conv::product(geometry, side, threads, a, b, out),
                Self::MaskedConv(geometry, mask) => {
                    kernels::conv::masked::product(mask, geometry, side, threads, a, b, out);
                }
            }
        })
    }

    fn shape(&self, side: Side, batch: usize) -> Shape {
        match (self, side) {
            (Self::Linear(mask), Side::Output) => [batch, mask.outputs()].into(),
            (Self::Linear(mask), Side::Input) => [batch, mask.inputs()].into(),
            (Self::Linear(mask), Side::Weight) => [mask.outputs(), mask.inputs()].into(),
            (Self::Conv(geometry) | Self::MaskedConv(geometry, _), side) => geometry.shape(side).into(),
        }
    }
}
