//! A square matrix product, whose rate stands for the machine's peak; dense layers; and a masked dense layer.

use super::{normal, rng};
use crate::{Peer, Repeats, Step, Workload};
use autograd::{StaircaseMask, Tape, Tensor, Var};
use std::hint::black_box;

const SIDE: usize = 1024;
const BATCH: usize = 128;
const WIDTH: usize = 1000;

/// The first layer of a MADE for MNIST.
const MADE_BATCH: usize = 100;
const PIXELS: usize = 784;
const HIDDEN: usize = 1024;

/// The reference for the rates of other workloads.
pub static PEAK: &Workload = &ALL[0];

/// The peak, and layers forward and backward.
pub static ALL: [Workload; 4] = [
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
    Workload {
        name: "linear_784_1024_b100_fwdbwd",
        flops: Some((2 * 3 * MADE_BATCH * PIXELS * HIDDEN) as f64),
        repeats: Repeats { warm: 5, timed: 100 },
        peers: &[Peer::torch("torch", "torch_ops.py")],
        prepare: || made(Var::matmul_t),
    },
    // No rate: it does a little over half of the operations above.
    Workload {
        name: "stairs_784_1024_b100_fwdbwd",
        flops: None,
        repeats: Repeats { warm: 5, timed: 100 },
        peers: &[],
        prepare: || {
            // Unit k has degree k mod 783 + 1 and sees that many pixels. Sorted by degree.
            let mut seen: Vec<usize> = (0..HIDDEN).map(|k| k % (PIXELS - 1) + 1).collect();
            seen.sort_unstable();
            let stairs = StaircaseMask::new(seen, PIXELS);
            made(move |x, weight| x.matmul_t_masked(weight, &stairs))
        },
    },
];

fn peak() -> Step {
    let mut rng = rng();
    let [x, y] = [(); 2].map(|()| normal(&[SIDE, SIDE], 1.0, &mut rng));
    Box::new(move || {
        black_box(Var::from(x.clone()).matmul(&Var::from(y.clone())));
    })
}

/// `relu(x·Wᵀ + b)`, and the vector–Jacobian products of ones by x, W and b.
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
        black_box(tape.vjp(&y, &ones, &[&x, &weight, &bias]));
    })
}

/// The product of pixels and a layer's weights, and the vector–Jacobian products of ones by both.
fn made(product: impl Fn(&Var<f32>, &Var<f32>) -> Var<f32> + Send + 'static) -> Step {
    let mut rng = rng();
    let x = normal(&[MADE_BATCH, PIXELS], 1.0, &mut rng);
    let weight = normal(&[HIDDEN, PIXELS], 0.02, &mut rng);
    Box::new(move || {
        let tape = Tape::new();
        let [x, weight] = [&x, &weight].map(|value| tape.variable(value.clone()));
        let y = product(&x, &weight);
        let ones = Var::from(Tensor::full(y.shape(), 1.0));
        black_box(tape.vjp(&y, &ones, &[&x, &weight]));
    })
}
