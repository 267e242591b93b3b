//! Broadcasting against its definition, and undone in the backward sweep.

use super::draw::{self, REAL, noise, tensor};
use super::{Outcome, close, hold, same_bits};
use autograd::elementwise::Binary;
use autograd::{Shape, Tape, Tensor, Var, parallel};
use proptest::prelude::*;

/// The element of `x`, broadcast to `shape`, at flat position `i`: the definition, digit by digit.
fn stretched(x: &Tensor<f64>, shape: &Shape, i: usize) -> f64 {
    let (mut rest, mut at, mut stride) = (i, 0, 1);
    for axis in 0..shape.rank() {
        let from_end = shape[shape.rank() - 1 - axis];
        let digit = rest % from_end;
        rest /= from_end;
        if axis < x.shape().rank() {
            let own = x.shape()[x.shape().rank() - 1 - axis];
            at += if own == 1 { 0 } else { digit * stride };
            stride *= own;
        }
    }
    x.as_slice()[at]
}

/// A function of two values, and its definition.
type Defined = (Binary, fn(f64, f64) -> f64);

const PLAIN: [Defined; 6] = [
    (Binary::Add, |a, b| a + b),
    (Binary::Sub, |a, b| a - b),
    (Binary::Mul, |a, b| a * b),
    (Binary::Maximum, f64::max),
    (Binary::Minimum, f64::min),
    (Binary::Greater, |a, b| f64::from(a > b)),
];

fn as_defined(a: &Tensor<f64>, b: &Tensor<f64>) -> Outcome {
    let shape = a.shape().broadcast(b.shape()).expect("drawn to broadcast");
    for (f, plain) in PLAIN {
        let expected = Tensor::from_fn(&shape, |i| plain(stretched(a, &shape, i), stretched(b, &shape, i)));
        let (a, b) = (Var::from(a.clone()), Var::from(b.clone()));
        let got = a.zip(b, f).into_value();
        // The compiler may fuse these; there is one rounding either way.
        close(&format!("{f:?}"), &got, &expected, 0.0)?;
    }
    let expected = Tensor::from_fn(&shape, |i| stretched(a, &shape, i));
    same_bits("broadcast_to", &Var::from(a.clone()).broadcast_to(&shape).into_value(), &expected)
}

fn pairs() -> impl Strategy<Value = (Tensor<f64>, Tensor<f64>)> {
    draw::broadcasting(2).prop_flat_map(|shapes| (tensor(&shapes[0], REAL), tensor(&shapes[1], REAL)))
}

#[test]
fn every_element_meets_its_partner() {
    hold(400, &pairs(), |(a, b)| as_defined(&a, &b)).unwrap();
}

#[test]
fn and_so_it_is_where_the_work_is_split_over_threads() {
    let shapes: [([usize; 4], [usize; 4]); 6] = [
        ([40, 6, 17, 31], [1, 6, 1, 1]),
        ([40, 6, 17, 31], [40, 1, 1, 31]),
        ([1, 6, 17, 31], [40, 1, 17, 1]),
        ([3, 1, 177, 231], [1, 1, 1, 1]),
        ([1, 1, 1, 131_073], [2, 1, 1, 1]),
        ([131_073, 1, 1, 1], [1, 1, 1, 2]),
    ];
    for (a, b) in shapes {
        parallel::with_threads(2, || as_defined(&noise(a, 1), &noise(b, 2))).unwrap();
    }
}

/// The gradient by a broadcast operand is the one by the operand stretched, summed back.
#[test]
fn undone_in_the_sweep() {
    let triples = draw::broadcasting(3)
        .prop_flat_map(|shapes| (tensor(&shapes[0], REAL), tensor(&shapes[1], REAL), tensor(&shapes[2], REAL)));
    hold(200, &triples, |(a, b, c)| {
        let shape = a.shape().broadcast(b.shape()).and_then(|s| s.broadcast(c.shape())).expect("drawn to broadcast");
        // Division and select have rules that use an operand more than once.
        let f =
            |a: &Var<f64>, b: &Var<f64>, c: &Var<f64>| (a * b + b / c.square().shift(1.0) - c) * c.select(a, b).tanh();
        let tape = Tape::new();
        let small: Vec<Var<f64>> = [&a, &b, &c].map(|x| tape.variable(x.clone())).into();
        let y = f(&small[0], &small[1], &small[2]).broadcast_to(&shape);
        let seed = Var::from(noise(&shape, 3));
        let narrow = tape.vjp(&y, &seed, &small.iter().collect::<Vec<_>>());

        let full = |x: &Tensor<f64>| tape.variable(Var::from(x.clone()).broadcast_to(&shape).into_value());
        let large: Vec<Var<f64>> = [&a, &b, &c].map(full).into();
        let y = f(&large[0], &large[1], &large[2]);
        let wide = tape.vjp(&y, &seed, &large.iter().collect::<Vec<_>>());
        for (i, (narrow, wide)) in narrow.iter().zip(&wide).enumerate() {
            let mut summed = Tensor::zeros(narrow.shape());
            for (at, &part) in wide.value().as_slice().iter().enumerate() {
                // A tensor of positions shows where each element went.
                let positions = Tensor::from_fn(narrow.shape(), |i| i as f64);
                summed.as_mut_slice()[stretched(&positions, &shape, at) as usize] += part;
            }
            close(&format!("operand {i}"), narrow.value(), &summed, 1e-12)?;
        }
        Ok(())
    })
    .unwrap();
}
