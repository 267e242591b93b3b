//! Random programs over the vocabulary, whose steps share values: all ways to differentiate them must agree with each
//! other and with finite differences.

use super::case::View;
use super::derivatives::{order_one, order_two, recorded_vjp};
use super::draw::{REAL, noise, tensor};
use super::{Outcome, close, config, hold, same_bits};
use autograd::{ConvSpec, Tape, Tensor, Var, diff};
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::Arc;

/// One step: which function, of which two of the values so far.
pub(super) type Step = (u8, Index, Index);

/// A program on a matrix of `rows × cols`.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) x: Tensor<f64>,
}

pub(super) fn programs() -> impl Strategy<Value = Program> {
    let steps = prop::collection::vec((0..KINDS, any::<Index>(), any::<Index>()), 3..10);
    ([1..4usize, 1..5], steps)
        .prop_flat_map(|(shape, steps)| tensor(&shape, REAL).prop_map(move |x| Program { steps: steps.clone(), x }))
}

const KINDS: u8 = 26;

/// A smooth function of two matrices that keeps values small; the result has their shape.
pub(super) fn step(kind: u8, a: &Var<f64>, b: &Var<f64>) -> Var<f64> {
    let (rows, cols) = (a.extent(0), a.extent(1));
    match kind {
        0 => a + b,
        1 => a - b,
        2 => a.tanh() * b,
        3 => a / (b.softplus() + b.square().shift(1.0)),
        4 => a.sigmoid(),
        5 => a.softplus() - b.log_sigmoid(),
        6 => a.sin() + b.cos(),
        7 => a.tanh().exp(),
        8 => (a.square() + b.square()).shift(0.5).sqrt(),
        9 => a.square().shift(1.0).ln(),
        10 => a.log_normal_cdf().scale(0.3),
        11 => a.normal_cdf() * b.erf(),
        12 => a.tanh().normal_score(),
        13 => a.square().shift(0.5).pow(&b.tanh()),
        14 => a.square().shift(1.0).recip() * b,
        15 => a - a.logsumexp(&[1]).reshape([rows, 1]),
        16 => a.softmax(&[0]) * b,
        17 => a * b.mean(&[0]),
        18 => a.matmul_t(b).matmul(b).scale(0.2).tanh(),
        19 => a.t_matmul(b).sum(&[0]).scale(0.3).tanh() + a,
        20 => Var::concat(1, &[&a.slice(1, cols / 2..cols), &b.slice(1, 0..cols / 2)]),
        21 => a.flip(1).transpose().reshape([rows, cols]),
        22 => {
            let indices: Arc<[usize]> = (0..cols).map(|i| i * i % cols).collect();
            a.gather(1, &indices) + b.scatter_add(1, &indices, cols)
        }
        23 => a.conv1d_of_rows(b),
        24 => a.images_convolved_with(b),
        _ => a.tanh().map(autograd::elementwise::Unary::Expm1) - b.square().ln1p(),
    }
}

/// Convolutions that keep a matrix's shape.
trait Convolved {
    fn conv1d_of_rows(&self, other: &Self) -> Self;
    fn images_convolved_with(&self, other: &Self) -> Self;
}

impl Convolved for Var<f64> {
    fn conv1d_of_rows(&self, other: &Self) -> Self {
        let (rows, cols) = (self.extent(0), self.extent(1));
        let kernel = other.mean_all().reshape([1, 1, 1]).broadcast_to([1, 1, 2]);
        self.reshape([rows, 1, cols]).conv1d(&kernel, 1, 1, 0).reshape([rows, cols])
    }

    fn images_convolved_with(&self, other: &Self) -> Self {
        let (rows, cols) = (self.extent(0), self.extent(1));
        let kernel = other.tanh().slice(0, 0..1).slice(1, 0..1).broadcast_to([3, 3]).reshape([1, 1, 3, 3]);
        let images = self.reshape([1, 1, rows, cols]);
        let there = images.conv2d(&kernel, ConvSpec::padded(1)).tanh();
        there.conv2d_transposed(&kernel, ConvSpec::padded(1), [rows, cols]).scale(0.2).reshape([rows, cols])
    }
}

impl Program {
    /// All values, in order; the first is `x`.
    pub(super) fn trace(&self, x: &Var<f64>) -> Vec<Var<f64>> {
        let mut values = vec![x.clone()];
        for &(kind, a, b) in &self.steps {
            let next = step(kind, a.get(&values), b.get(&values));
            values.push(next);
        }
        values
    }

    pub(super) fn run(&self, x: &Var<f64>) -> Var<f64> {
        let values = self.trace(x);
        // Every value counts, so no step goes untested.
        let weights = noise([values.len()], 9);
        let parts = values.iter().zip(weights.as_slice()).map(|(value, &weight)| value.scale(weight));
        parts.reduce(|sum, part| sum + part).expect("there is at least x")
    }
}

fn agree(program: &Program) -> Outcome {
    let x = &program.x;
    let f = |x: &Var<f64>| program.run(x);
    let scalar = |x: &Var<f64>| (program.run(x).tanh() * Var::from(noise(x.shape(), 10))).sum_all();
    let (v, u) = (noise(x.shape(), 11), noise(x.shape(), 12));
    let n = x.shape().elements();
    let column = |x: &Tensor<f64>| Var::from(x.clone().reshape([n, 1]));

    let jacobian = diff::jacobian(f, x);
    let product = column(&v).t_matmul(&Var::from(jacobian.clone())).reshape(x.shape()).into_value();
    close("vjp and vᵀ·jacobian", &diff::vjp(f, x, &v).1, &product, 1e-11)?;
    let product = Var::from(jacobian).matmul(&column(&u)).reshape(x.shape()).into_value();
    close("jvp and jacobian·u", &diff::jvp(f, x, &u).1, &product, 1e-11)?;

    let gradient = diff::gradient(scalar, x);
    close("gradient and jacobian of a scalar", &gradient, &diff::jacobian(scalar, x).reshape(x.shape()), 0.0)?;
    let tape = Tape::new();
    let variable = tape.variable(x.clone());
    let loss = scalar(&variable);
    let swept = tape.backward(&loss);
    same_bits("gradient and Tape::backward", swept.wrt(&variable).expect("x is used"), &gradient)?;

    let one = Tensor::full([], 1.0);
    let hessian = diff::jacobian(|x| recorded_vjp(&scalar, x, &one), x);
    let transposed = Var::from(hessian.clone()).transpose().into_value();
    close("the Hessian and its transpose", &hessian, &transposed, 1e-10)?;
    let along = Var::from(hessian).matmul(&column(&u)).reshape(x.shape()).into_value();
    close("hvp and hessian·u", &diff::hvp(scalar, x, &u), &along, 1e-10)
}

#[test]
fn all_ways_to_differentiate_a_program_agree() {
    hold(128, &programs(), |program| agree(&program)).unwrap();
}

#[test]
fn programs_equal_their_differences() {
    proptest!(config(96), |(program in programs())| {
        let at = program.x.clone();
        let f = move |x: &Var<f64>| program.run(x).tanh();
        let view = View { by: "x".to_owned(), at, f: Box::new(f) };
        order_one(&view)?;
        order_two(&view)?;
    });
}

#[test]
fn third_derivatives_of_a_known_function() {
    // d³/dx³ of x⁵ is 60x²; each order records the one before.
    let x = Tensor::from_slice([2], &[1.3, -0.6]);
    let ones = Tensor::full([2], 1.0);
    let first = |x: &Var<f64>| recorded_vjp(&|x| x.powf(5.0), x, &ones);
    let second = |x: &Var<f64>| recorded_vjp(&first, x, &ones);
    let third = diff::vjp(second, &x, &ones).1;
    let exact = Tensor::from_fn([2], |i| 60.0 * x.as_slice()[i].powi(2));
    close("third derivative", &third, &exact, 1e-13).unwrap();
}
