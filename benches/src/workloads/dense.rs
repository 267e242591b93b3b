//! A square matrix product, which is the machine's own peak, and a dense layer.

use super::{normal, rng};
use crate::{Peer, Repeats, Step, Workload};
use autograd::{Tape, Tensor, Var};
use std::hint::black_box;

const SIDE: usize = 1024;
const BATCH: usize = 128;
const WIDTH: usize = 1000;

/// What other workloads' rates are held against.
pub static PEAK: &Workload = &ALL[0];

/// The peak, and one layer forward and backward.
pub static ALL: [Workload; 2] = [
    Workload {
        name: "gemm_peak_1024",
        flops: Some((2 * SIDE * SIDE * SIDE) as f64),
        repeats: Repeats { warm: 5, timed: 30 },
        peers: &[Peer::torch("torch", "torch_ops.py")],
        prepare: peak,
    },
    Workload {
        name: "linear1000_relu_b128_fwdbwd",
        flops: Some((2 * 3 * BATCH * WIDTH * WIDTH) as f64),
        repeats: Repeats { warm: 5, timed: 60 },
        peers: &[Peer::torch("torch", "torch_ops.py")],
        prepare: linear,
    },
];

fn peak() -> Step {
    let mut rng = rng();
    let [x, y] = [(); 2].map(|()| normal(&[SIDE, SIDE], 1.0, &mut rng));
    Box::new(move || {
        black_box(Var::from(x.clone()).matmul(&Var::from(y.clone())));
    })
}

/// `relu(x·Wᵀ + b)`, and its pullback of ones to x, W and b.
fn linear() -> Step {
    let mut rng = rng();
    let x = normal(&[BATCH, WIDTH], 1.0, &mut rng);
    let weight = normal(&[WIDTH, WIDTH], 0.02, &mut rng);
    let bias = Tensor::zeros([WIDTH]);
    Box::new(move || {
        let tape = Tape::new();
        let [x, weight, bias] = [&x, &weight, &bias].map(|value| tape.variable(value.clone()));
        let y = (x.matmul_t(&weight) + &bias).relu();
        let ones = Var::from(Tensor::full(y.shape(), 1.0));
        black_box(tape.pull(&y, &ones, &[&x, &weight, &bias]));
    })
}
