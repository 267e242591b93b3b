//! A 3×3 convolution with a bias, as it occurs in image couplings.

use super::{normal, rng};
use crate::{Peer, Repeats, Step, Workload};
use autograd::{ConvSpec, Tape, Tensor, Var};
use std::hint::black_box;

const BATCH: usize = 32;
const CHANNELS: usize = 64;
const SIDE: usize = 28;
const TAPS: usize = 3;

/// The products of one direction, those with the zeros of the padding included.
const FLOPS: usize = 2 * BATCH * SIDE * SIDE * CHANNELS * CHANNELS * TAPS * TAPS;

/// Forward alone, and forward with all three gradients.
pub static ALL: [Workload; 2] =
    [entry("conv3x3_64_28_b32_fwd", FLOPS, forward), entry("conv3x3_64_28_b32_fwdbwd", 3 * FLOPS, forward_backward)];

const fn entry(name: &'static str, flops: usize, prepare: fn() -> Step) -> Workload {
    const PEERS: &[Peer] = &[Peer::torch("torch", "torch_ops.py")];
    Workload { name, flops: Some(flops as f64), repeats: Repeats { warm: 3, timed: 30 }, peers: PEERS, prepare }
}

/// The images, the kernels, and a bias that broadcasts over the images.
fn inputs() -> [Tensor<f32>; 3] {
    let mut rng = rng();
    let x = normal(&[BATCH, CHANNELS, SIDE, SIDE], 1.0, &mut rng);
    let weight = normal(&[CHANNELS, CHANNELS, TAPS, TAPS], 0.02, &mut rng);
    let bias = normal(&[CHANNELS, 1, 1], 0.02, &mut rng);
    [x, weight, bias]
}

fn forward() -> Step {
    let inputs = inputs();
    Box::new(move || {
        let [x, weight, bias] = inputs.each_ref().map(|value| Var::from(value.clone()));
        black_box(x.conv2d(&weight, ConvSpec::padded(1)) + bias);
    })
}

fn forward_backward() -> Step {
    let inputs = inputs();
    Box::new(move || {
        let tape = Tape::new();
        let [x, weight, bias] = inputs.each_ref().map(|value| tape.variable(value.clone()));
        let y = x.conv2d(&weight, ConvSpec::padded(1)) + &bias;
        let ones = Var::from(Tensor::full(y.shape(), 1.0));
        black_box(tape.pull(&y, &ones, &[&x, &weight, &bias]));
    })
}
