//! Every operation's derivative, stated here and nowhere else.
//!
//! A rule takes the gradient `g` of the result and gives the gradient of one input, in terms of
//! operations on [`Var`]s. Run on plain values it is a gradient; run on recorded ones it is
//! itself recorded, and derivatives of derivatives need no second table.
//!
//! Rules for broadcast operands give a gradient of the broadcast shape: the sweep sums it down.

use crate::elementwise::{Binary, Unary};
use crate::marginal;
use crate::op::Op;
use crate::real::Real;
use crate::shape::Axes;
use crate::tape::{Node, NodeId, Tape};
use crate::var::{Operands, Place, Var, apply};
use smallvec::smallvec;
use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// What of an operation must be kept for its rules.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reads {
    inputs: u8,
    pub(crate) output: bool,
}

impl Reads {
    pub(crate) fn input(self, i: usize) -> bool {
        i < 8 && self.inputs & (1 << i) != 0
    }
}

/// What the rules of the inputs that ask for gradients will read.
pub(crate) fn reads(op: &Op, parents: &[Option<NodeId>]) -> Reads {
    let wanted = |i: usize| parents.get(i).is_some_and(Option::is_some);
    // For a product: each side's rule reads the other side.
    let other_sides = u8::from(wanted(1)) | u8::from(wanted(0)) << 1;
    let (inputs, output) = match op {
        Op::Unary(f) => match f {
            // A falling slope turns the sign, and the output no longer tells the sides apart.
            Unary::LeakyRelu(slope) if *slope < 0.0 => (1, false),
            Unary::Affine { .. } | Unary::Sign | Unary::Step | Unary::Within { .. } => (0, false),
            Unary::Sqrt
            | Unary::Recip
            | Unary::Exp
            | Unary::Expm1
            | Unary::Tanh
            | Unary::Sigmoid
            | Unary::Softplus
            | Unary::LogSigmoid
            | Unary::Relu
            | Unary::LeakyRelu(_)
            | Unary::Elu
            | Unary::LogNormalQuantile => (0, true),
            Unary::NormalScore => (1, true),
            _ => (1, false),
        },
        Op::Binary(f) => match f {
            Binary::Add | Binary::Sub => (0, false),
            Binary::Mul | Binary::TanhGrad | Binary::SigmoidGrad => match f {
                Binary::Mul => (other_sides, false),
                _ => (u8::from(wanted(1)) | 2, false),
            },
            Binary::Div => (2, wanted(1)),
            Binary::Pow => (3, wanted(1)),
            Binary::StepMul => (2, false),
            _ => (3, false),
        },
        Op::Select => (1, false),
        Op::Marginal => (3, true),
        Op::Max(_) | Op::LogSumExp(_) => (1, true),
        Op::MatMul { .. } => (other_sides, false),
        Op::StaircaseMask(_) | Op::StairsByInput(_) | Op::StairsByWeight(_) => (other_sides, false),
        Op::Conv(_) | Op::ConvByInput(_) | Op::ConvByWeight(_) => (other_sides, false),
        Op::KernelMask(..) | Op::TapsByInput(..) | Op::TapsByWeight(..) => (other_sides, false),
        _ => (0, false),
    };
    Reads { inputs, output }
}

/// A recorded operation, seen by its rules.
pub(crate) struct At<T: Real> {
    pub(crate) node: Node<T>,
    /// The tape, where the sweep is itself recorded.
    pub(crate) tape: Option<Tape<T>>,
    pub(crate) id: NodeId,
}

impl<T: Real> At<T> {
    /// Input `i`'s value.
    fn x(&self, i: usize) -> Var<T> {
        let parent = &self.node.parents[i];
        let value = parent.value.clone().expect("`reads` names every input that a rule uses");
        match &self.tape {
            Some(tape) => Var::placed(value, Place { tape: tape.clone(), node: parent.node }),
            None => Var::from(value),
        }
    }

    /// The result's value.
    fn y(&self) -> Var<T> {
        let value = self.node.output.clone().expect("`reads` says where a rule uses the output");
        match &self.tape {
            Some(tape) => Var::placed(value, Place { tape: tape.clone(), node: Some(self.id) }),
            None => Var::from(value),
        }
    }
}

/// The gradient of input `i`, given the gradient `g` of the result.
pub(crate) fn derivative<T: Real>(at: &At<T>, i: usize, g: Var<T>) -> Var<T> {
    let parent = &at.node.parents[i].shape;
    match &at.node.op {
        Op::Leaf => g,
        Op::Unary(f) => unary(*f, at, g),
        Op::Binary(f) => binary(*f, at, i, g),
        Op::Select => {
            let (mask, zero) = (at.x(0), g.zeros_like());
            match i {
                1 => mask.select(&g, &zero),
                2 => mask.select(&zero, &g),
                _ => zero,
            }
        }
        Op::Sum(axes) => g.reshape(parent.squashed(axes)).broadcast_to(parent),
        Op::Max(axes) => {
            // Where several elements are greatest, they share the gradient.
            let kept = parent.squashed(axes);
            let is_max = at.x(0).greater_equal(&at.y().reshape(&kept));
            let share = g.reshape(&kept) / is_max.sum(axes).reshape(&kept);
            is_max * share
        }
        Op::LogSumExp(axes) => {
            let kept = parent.squashed(axes);
            (at.x(0) - at.y().reshape(&kept)).exp() * g.reshape(&kept)
        }
        Op::Reshape(_) => g.reshape(parent),
        // The sweep sums over the stretched axes.
        Op::BroadcastTo(_) => g,
        Op::Permute(order) => {
            let mut back = Axes::from_elem(0, order.len());
            for (to, &from) in order.iter().enumerate() {
                back[from] = to;
            }
            g.permute(&back)
        }
        Op::Slice { axis, start, step, .. } => g.embed(*axis, *start, *step, parent[*axis]),
        Op::Embed { axis, start, step, .. } => g.slice_step(*axis, *start, *step, parent[*axis]),
        Op::Concat(axis) => {
            let start = at.node.parents[..i].iter().map(|p| p.shape[*axis]).sum();
            g.slice(*axis, start..start + parent[*axis])
        }
        Op::Gather { axis, indices } => g.scatter_add(*axis, indices, parent[*axis]),
        Op::ScatterAdd { axis, indices, .. } => g.gather(*axis, indices),
        Op::Marginal => marginal(at, i, &g),
        Op::MatMul { ta, tb } => match (i, ta, tb) {
            (0, false, tb) => g.matmul_as(false, &at.x(1), !tb),
            (0, true, tb) => at.x(1).matmul_as(*tb, &g, true),
            (_, ta, false) => at.x(0).matmul_as(!ta, &g, false),
            (_, ta, true) => g.matmul_as(true, &at.x(0), *ta),
        },
        // The three products under stairs are each other's derivatives.
        Op::StaircaseMask(stairs) => match i {
            0 => of_two(Op::StairsByInput(stairs.clone()), g, at.x(1)),
            _ => of_two(Op::StairsByWeight(stairs.clone()), at.x(0), g),
        },
        Op::StairsByInput(stairs) => match i {
            0 => of_two(Op::StaircaseMask(stairs.clone()), g, at.x(1)),
            _ => of_two(Op::StairsByWeight(stairs.clone()), g, at.x(0)),
        },
        Op::StairsByWeight(stairs) => match i {
            0 => of_two(Op::StairsByInput(stairs.clone()), at.x(1), g),
            _ => of_two(Op::StaircaseMask(stairs.clone()), at.x(0), g),
        },
        // And so are the three convolutions, of all taps or of some.
        Op::Conv(geometry) => match i {
            0 => of_two(Op::ConvByInput(*geometry), g, at.x(1)),
            _ => of_two(Op::ConvByWeight(*geometry), at.x(0), g),
        },
        Op::ConvByInput(geometry) => match i {
            0 => of_two(Op::Conv(*geometry), g, at.x(1)),
            _ => of_two(Op::ConvByWeight(*geometry), g, at.x(0)),
        },
        Op::ConvByWeight(geometry) => match i {
            0 => of_two(Op::ConvByInput(*geometry), at.x(1), g),
            _ => of_two(Op::Conv(*geometry), at.x(0), g),
        },
        Op::KernelMask(geometry, taps) => match i {
            0 => of_two(Op::TapsByInput(*geometry, taps.clone()), g, at.x(1)),
            _ => of_two(Op::TapsByWeight(*geometry, taps.clone()), at.x(0), g),
        },
        Op::TapsByInput(geometry, taps) => match i {
            0 => of_two(Op::KernelMask(*geometry, taps.clone()), g, at.x(1)),
            _ => of_two(Op::TapsByWeight(*geometry, taps.clone()), g, at.x(0)),
        },
        Op::TapsByWeight(geometry, taps) => match i {
            0 => of_two(Op::TapsByInput(*geometry, taps.clone()), at.x(1), g),
            _ => of_two(Op::KernelMask(*geometry, taps.clone()), at.x(0), g),
        },
    }
}

fn of_two<T: Real>(op: Op, a: Var<T>, b: Var<T>) -> Var<T> {
    let operands: Operands<T> = smallvec![a, b];
    apply(op, operands)
}

/// By x, from what the forward pass found; by the kernels, in a pass of its own. Where the sweep is recorded, the
/// derivative is that of the same thing made of ordinary operations.
fn marginal<T: Real>(at: &At<T>, i: usize, g: &Var<T>) -> Var<T> {
    let (x, kernels) = (at.x(0), at.x(1));
    if let Some(tape) = &at.tape {
        return marginal::pulled(tape, [&x, &kernels], i, g);
    }
    let row = |all: &Var<T>, part: usize| all.slice(0, part..part + 1).reshape(x.shape());
    let found = at.y();
    if i == 0 {
        // The third result is the derivative of the second, and has none of its own.
        let (by_z, by_slope) = (row(g, 0), row(g, 1));
        return by_z * row(&found, 1).exp() + by_slope * row(&found, 2);
    }
    Var::from(marginal::by_kernels([x.value(), kernels.value()], found.value(), g.value()))
}

/// `f'(x)·g`.
fn unary<T: Real>(f: Unary, at: &At<T>, g: Var<T>) -> Var<T> {
    match f {
        Unary::Affine { scale, .. } => g.scale(scale),
        Unary::Sign | Unary::Step | Unary::Within { .. } => g.zeros_like(),
        Unary::Abs => g * at.x(0).sign(),
        Unary::Square => g * at.x(0).scale(2.0),
        Unary::Sqrt => g.scale(0.5) / at.y(),
        Unary::Recip => -(g * at.y().square()),
        Unary::Powf(p) => g * at.x(0).powf(p - 1.0).scale(p),
        Unary::Exp => g * at.y(),
        Unary::Expm1 => g * at.y().shift(1.0),
        Unary::Ln => g / at.x(0),
        Unary::Ln1p => g / at.x(0).shift(1.0),
        Unary::Sin => g * at.x(0).cos(),
        Unary::Cos => -(g * at.x(0).sin()),
        Unary::Tanh => fused(Binary::TanhGrad, g, at.y()),
        Unary::Sigmoid => fused(Binary::SigmoidGrad, g, at.y()),
        // σ(x) = 1 − e^−softplus(x), and 1 − σ(x) = 1 − e^log σ(x).
        Unary::Softplus => -(g * (-at.y()).expm1()),
        Unary::LogSigmoid => -(g * at.y().expm1()),
        Unary::Relu => fused(Binary::StepMul, g, at.y()),
        Unary::LeakyRelu(slope) => {
            let above = if slope < 0.0 { at.x(0).step() } else { at.y().step() };
            g * above.affine(1.0 - slope, slope)
        }
        // 1 above zero, eˣ = y + 1 below; both are min(y, 0) + 1.
        Unary::Elu => g * at.y().clamp(f64::NEG_INFINITY, 0.0).shift(1.0),
        Unary::Clamp { lo, hi } => g * at.x(0).within(lo, hi),
        Unary::Erf => g * (-at.x(0).square()).exp().scale(FRAC_2_SQRT_PI),
        Unary::NormalCdf => g * log_density(&at.x(0)).exp(),
        Unary::LogNormalCdf => g * at.x(0).normal_score(),
        // r' = −r·(x + r)
        Unary::NormalScore => -(g * (at.x(0) + at.y()) * at.y()),
        Unary::LogNormalQuantile => g / at.y().normal_score(),
    }
}

/// `ln φ(x)`, the standard normal's log density.
fn log_density<T: Real>(x: &Var<T>) -> Var<T> {
    x.square().affine(-0.5, -0.5 * (2.0 * PI).ln())
}

#[track_caller]
fn fused<T: Real>(f: Binary, a: Var<T>, b: Var<T>) -> Var<T> {
    a.zip(b, f)
}

/// `∂f(a, b)/∂aᵢ·g`.
fn binary<T: Real>(f: Binary, at: &At<T>, i: usize, g: Var<T>) -> Var<T> {
    let (a, b) = (|| at.x(0), || at.x(1));
    match (f, i) {
        (Binary::Add, _) | (Binary::Sub, 0) => g,
        (Binary::Sub, _) => -g,
        (Binary::Mul, 0) => g * b(),
        (Binary::Mul, _) => g * a(),
        (Binary::Div, 0) => g / b(),
        (Binary::Div, _) => -(g * at.y() / b()),
        (Binary::Pow, 0) => g * b() * a().pow(&b().shift(-1.0)),
        (Binary::Pow, _) => g * at.y() * a().ln(),
        // Where both are equal, each takes half.
        (Binary::Maximum, 0) => g * share(&a(), &b()),
        (Binary::Maximum, _) => g * share(&b(), &a()),
        (Binary::Minimum, 0) => g * share(&b(), &a()),
        (Binary::Minimum, _) => g * share(&a(), &b()),
        (Binary::Greater | Binary::GreaterEqual, _) => g.zeros_like(),
        (Binary::StepMul, 0) => fused(Binary::StepMul, g, b()),
        (Binary::StepMul, _) => g.zeros_like(),
        (Binary::TanhGrad, 0) => fused(Binary::TanhGrad, g, b()),
        (Binary::TanhGrad, _) => g * a() * b().scale(-2.0),
        (Binary::SigmoidGrad, 0) => fused(Binary::SigmoidGrad, g, b()),
        (Binary::SigmoidGrad, _) => g * a() * b().affine(-2.0, 1.0),
    }
}

/// 1 where `a > b`, ½ where they are equal, else 0.
fn share<T: Real>(a: &Var<T>, b: &Var<T>) -> Var<T> {
    (a.greater(b) + a.greater_equal(b)).scale(0.5)
}
