//! Every operation's derivative, stated here and nowhere else.
//!
//! A rule takes the gradient `g` of the result and gives the gradient of one input, in terms of
//! operations on [`Var`]s. Run on plain values it is a gradient; run on recorded ones it is
//! itself recorded, and derivatives of derivatives need no second table.
//!
//! Rules for broadcast operands give a gradient of the broadcast shape: the sweep sums it down.

use crate::bilinear::{Bilinear, Side};
use crate::elementwise::{Binary, Unary};
use crate::op::Op;
use crate::real::Real;
use crate::shape::Axes;
use crate::tape::{Node, NodeId, Tape};
use crate::tensor::Tensor;
use crate::var::{Place, Var};
use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// What a rule reads besides the gradient `g`, and the tape therefore keeps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saves {
    /// The value of one input.
    Input(usize),
    /// The values of all inputs.
    Inputs,
    /// The result.
    Output,
}

impl Saves {
    const NOTHING: &'static [Self] = &[];
    const INPUT: &'static [Self] = &[Self::Input(0)];
    const OUTPUT: &'static [Self] = &[Self::Output];
    const BOTH: &'static [Self] = &[Self::Inputs, Self::Output];
    /// The other operand of a product.
    const OTHER_SIDE: [&'static [Self]; 2] = [&[Self::Input(1)], &[Self::Input(0)]];

    /// Whether this says that input `i` is kept.
    pub(crate) fn input(self, i: usize) -> bool {
        self == Self::Inputs || self == Self::Input(i)
    }
}

/// What the rule of input `i` reads.
pub(crate) fn saves<T: Real>(op: &Op<T>, i: usize) -> &'static [Saves] {
    use Saves::{Input, Inputs, Output};
    match op {
        Op::Unary(f) => match f {
            // A falling slope turns the sign, and the output no longer tells the sides apart.
            Unary::LeakyRelu(slope) if *slope < 0.0 => Saves::INPUT,
            Unary::Affine { .. } | Unary::Sign | Unary::Step | Unary::Within { .. } => Saves::NOTHING,
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
            | Unary::LogNormalQuantile => Saves::OUTPUT,
            Unary::NormalScore => Saves::BOTH,
            _ => Saves::INPUT,
        },
        Op::Binary(f) => match (f, i) {
            (Binary::Add | Binary::Sub, _) => Saves::NOTHING,
            (Binary::Mul, _) => Saves::OTHER_SIDE[i],
            (Binary::Div | Binary::StepMul | Binary::TanhGrad | Binary::SigmoidGrad, 0) => &[Input(1)],
            (Binary::Div, _) => &[Input(1), Output],
            (Binary::StepMul, _) => Saves::NOTHING,
            (Binary::Pow, 1) => &[Input(0), Output],
            _ => &[Inputs],
        },
        Op::Select => Saves::INPUT,
        Op::Max(_) | Op::LogSumExp(_) | Op::Custom(_) => Saves::BOTH,
        Op::BiasedConv { .. } if i == 2 => Saves::NOTHING,
        Op::MatMul { .. } | Op::Bilinear(..) | Op::BiasedConv { .. } => Saves::OTHER_SIDE[i],
        _ => Saves::NOTHING,
    }
}

/// A recorded operation, as its rules see it.
pub(crate) struct Recorded<T: Real> {
    pub(crate) node: Node<T>,
    /// The tape, where the sweep is itself recorded.
    pub(crate) tape: Option<Tape<T>>,
    pub(crate) id: NodeId,
}

impl<T: Real> Recorded<T> {
    fn input(&self, i: usize) -> Var<T> {
        let parent = &self.node.parents[i];
        self.placed(parent.value.as_ref().expect("`saves` names every input that a rule reads"), parent.node)
    }

    fn output(&self) -> Var<T> {
        self.placed(self.node.output.as_ref().expect("`saves` says where a rule reads the output"), Some(self.id))
    }

    fn placed(&self, value: &Tensor<T>, node: Option<NodeId>) -> Var<T> {
        match &self.tape {
            Some(tape) => Var::placed(value.clone(), Place { tape: tape.clone(), node }),
            None => Var::from(value.clone()),
        }
    }
}

/// The gradient of input `i`, given the gradient `g` of the result.
pub(crate) fn derivative<T: Real>(op: &Recorded<T>, i: usize, g: Var<T>) -> Var<T> {
    let shape = &op.node.parents[i].shape;
    let (x, y) = (|| op.input(0), || op.output());
    match &op.node.op {
        Op::Leaf => g,
        Op::Unary(f) => unary(*f, op, g),
        Op::Binary(f) => binary(*f, op, i, g),
        Op::Select => {
            let (mask, zero) = (op.input(0), g.zeros_like());
            match i {
                1 => mask.select(&g, &zero),
                2 => mask.select(&zero, &g),
                _ => zero,
            }
        }
        Op::Sum(axes) => g.reshape(shape.squashed(axes)).broadcast_to(shape),
        Op::Max(axes) => {
            // Equal maxima share the gradient.
            let kept = shape.squashed(axes);
            let is_max = x().greater_equal(&y().reshape(&kept));
            let share = g.reshape(&kept) / is_max.sum(axes).reshape(&kept);
            is_max * share
        }
        Op::LogSumExp(axes) => {
            let kept = shape.squashed(axes);
            (x() - y().reshape(&kept)).exp() * g.reshape(&kept)
        }
        Op::Reshape(_) => g.reshape(shape),
        // The sweep sums over the stretched axes.
        Op::BroadcastTo(_) => g,
        Op::Permute(order) => {
            let mut back = Axes::from_elem(0, order.len());
            for (to, &from) in order.iter().enumerate() {
                back[from] = to;
            }
            g.permute(&back)
        }
        Op::Slice { axis, start, step, .. } => g.embed(*axis, *start, *step, shape[*axis]),
        Op::Embed { axis, start, step, .. } => g.slice_step(*axis, *start, *step, shape[*axis]),
        Op::Concat(axis) => {
            let start = op.node.parents[..i].iter().map(|p| p.shape[*axis]).sum();
            g.slice(*axis, start..start + shape[*axis])
        }
        Op::Gather { axis, indices } => g.scatter_add(*axis, indices, shape[*axis]),
        Op::ScatterAdd { axis, indices, .. } => g.gather(*axis, indices),
        Op::MatMul { ta, tb } => match (i, ta, tb) {
            (0, false, tb) => g.matmul_as(false, &op.input(1), !tb),
            (0, true, tb) => op.input(1).matmul_as(*tb, &g, true),
            (_, ta, false) => op.input(0).matmul_as(!ta, &g, false),
            (_, ta, true) => g.matmul_as(true, &op.input(0), *ta),
        },
        Op::Bilinear(product, side) => product.derivative(*side, i, g, op.input(1 - i)),
        Op::BiasedConv { .. } if i == 2 => g.sum(&[0, 2, 3]),
        Op::BiasedConv { geometry, .. } => Bilinear::Conv(*geometry).derivative(Side::Output, i, g, op.input(1 - i)),
        Op::Custom(custom) => {
            let inputs: Vec<Var<T>> = (0..op.node.parents.len()).map(|i| op.input(i)).collect();
            crate::custom::derivative(&**custom, i, &inputs, &y(), &g, op.tape.is_some())
        }
    }
}

/// `f'(x)·g`.
fn unary<T: Real>(f: Unary, op: &Recorded<T>, g: Var<T>) -> Var<T> {
    let (x, y) = (|| op.input(0), || op.output());
    match f {
        Unary::Affine { scale, .. } => g.scale(scale),
        Unary::Sign | Unary::Step | Unary::Within { .. } => g.zeros_like(),
        Unary::Abs => g * x().sign(),
        Unary::Square => g * x().scale(2.0),
        Unary::Sqrt => g.scale(0.5) / y(),
        Unary::Recip => -(g * y().square()),
        Unary::Powf(p) => g * x().powf(p - 1.0).scale(p),
        Unary::Exp => g * y(),
        Unary::Expm1 => g * y().shift(1.0),
        Unary::Ln => g / x(),
        Unary::Ln1p => g / x().shift(1.0),
        Unary::Sin => g * x().cos(),
        Unary::Cos => -(g * x().sin()),
        Unary::Tanh => g.zip(y(), Binary::TanhGrad),
        Unary::Sigmoid => g.zip(y(), Binary::SigmoidGrad),
        // σ(x) = 1 − e^−softplus(x), and 1 − σ(x) = 1 − e^log σ(x).
        Unary::Softplus => -(g * (-y()).expm1()),
        Unary::LogSigmoid => -(g * y().expm1()),
        Unary::Relu => g.zip(y(), Binary::StepMul),
        Unary::LeakyRelu(slope) => {
            let above = if slope < 0.0 { x().step() } else { y().step() };
            g * above.affine(1.0 - slope, slope)
        }
        // 1 above zero, eˣ = y + 1 below; both are min(y, 0) + 1.
        Unary::Elu => g * y().clamp(f64::NEG_INFINITY, 0.0).shift(1.0),
        Unary::Clamp { lo, hi } => g * x().within(lo, hi),
        Unary::Erf => g * (-x().square()).exp().scale(FRAC_2_SQRT_PI),
        Unary::NormalCdf => g * log_density(&x()).exp(),
        Unary::LogNormalCdf => g * x().normal_score(),
        // r' = −r·(x + r)
        Unary::NormalScore => -(g * (x() + y()) * y()),
        Unary::LogNormalQuantile => g / y().normal_score(),
    }
}

/// `ln φ(x)`, the standard normal's log density.
fn log_density<T: Real>(x: &Var<T>) -> Var<T> {
    x.square().affine(-0.5, -0.5 * (2.0 * PI).ln())
}

/// `∂f(a, b)/∂a·g` for `i = 0`, `∂f(a, b)/∂b·g` for `i = 1`.
fn binary<T: Real>(f: Binary, op: &Recorded<T>, i: usize, g: Var<T>) -> Var<T> {
    let (a, b, y) = (|| op.input(0), || op.input(1), || op.output());
    match (f, i) {
        (Binary::Add, _) | (Binary::Sub, 0) => g,
        (Binary::Sub, _) => -g,
        (Binary::Mul, 0) => g * b(),
        (Binary::Mul, _) => g * a(),
        (Binary::Div, 0) => g / b(),
        (Binary::Div, _) => -(g * y() / b()),
        (Binary::Pow, 0) => g * b() * a().pow(&b().shift(-1.0)),
        (Binary::Pow, _) => g * y() * a().ln(),
        // Where both are equal, each takes half.
        (Binary::Maximum, 0) => g * share(&a(), &b()),
        (Binary::Maximum, _) => g * share(&b(), &a()),
        (Binary::Minimum, 0) => g * share(&b(), &a()),
        (Binary::Minimum, _) => g * share(&a(), &b()),
        (Binary::Greater | Binary::GreaterEqual, _) => g.zeros_like(),
        (Binary::StepMul, 0) => g.zip(b(), Binary::StepMul),
        (Binary::StepMul, _) => g.zeros_like(),
        (Binary::TanhGrad, 0) => g.zip(b(), Binary::TanhGrad),
        (Binary::TanhGrad, _) => g * a() * b().scale(-2.0),
        (Binary::SigmoidGrad, 0) => g.zip(b(), Binary::SigmoidGrad),
        (Binary::SigmoidGrad, _) => g * a() * b().affine(-2.0, 1.0),
    }
}

/// 1 where `a > b`, ½ where they are equal, else 0.
fn share<T: Real>(a: &Var<T>, b: &Var<T>) -> Var<T> {
    (a.greater(b) + a.greater_equal(b)).scale(0.5)
}
