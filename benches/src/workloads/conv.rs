//! A 3×3 convolution with a bias, as in image couplings; and MintNet's masked convolutions, once with a kernel mask
//! that skips the zeros and once as a plain convolution of masked weights.

use super::{normal, rng};
use crate::{Peer, Repeats, Step, Workload};
use autograd::{ConvSpec, KernelMask, Tape, Tensor, Var};
use std::hint::black_box;

const BATCH: usize = 32;
const CHANNELS: usize = 64;
const SIDE: usize = 28;
const TAPS: usize = 3;

/// Operations of one direction, counting those on the padding's zeros.
const FLOPS: usize = 2 * BATCH * SIDE * SIDE * CHANNELS * CHANNELS * TAPS * TAPS;

/// The plain convolution forward, and forward with all three gradients. Then MintNet's masked convolutions, forward with
/// both gradients, on its three image sizes.
pub static ALL: [Workload; 8] = [
    entry("conv3x3_64_28_b32_fwd", FLOPS, forward),
    entry("conv3x3_64_28_b32_fwdbwd", 3 * FLOPS, forward_backward),
    masked("mintnet_conv_45_28_b32", || mintnet(1, 45, 28, true)),
    masked("mintnet_conv_45_28_b32_dense", || mintnet(1, 45, 28, false)),
    masked("mintnet_conv_44_14_b32", || mintnet(4, 11, 14, true)),
    masked("mintnet_conv_44_14_b32_dense", || mintnet(4, 11, 14, false)),
    masked("mintnet_conv_32_7_b32", || mintnet(16, 2, 7, true)),
    masked("mintnet_conv_32_7_b32_dense", || mintnet(16, 2, 7, false)),
];

/// A workload without a peer. Compare it with the `_dense` entry of the same size.
const fn masked(name: &'static str, prepare: fn() -> Step) -> Workload {
    Workload { name, flops: None, repeats: Repeats { warm: 3, timed: 30 }, peers: &[], prepare }
}

const fn entry(name: &'static str, flops: usize, prepare: fn() -> Step) -> Workload {
    const PEERS: &[Peer] = &[Peer::torch("torch", "torch_ops.py")];
    Workload { name, flops: Some(flops as f64), repeats: Repeats { warm: 3, timed: 30 }, peers: PEERS, prepare }
}

/// The images, the kernels, and a bias for each channel.
fn inputs() -> [Tensor<f32>; 3] {
    let mut rng = rng();
    let x = normal(&[BATCH, CHANNELS, SIDE, SIDE], 1.0, &mut rng);
    let weight = normal(&[CHANNELS, CHANNELS, TAPS, TAPS], 0.02, &mut rng);
    let bias = normal(&[CHANNELS], 0.02, &mut rng);
    [x, weight, bias]
}

fn forward() -> Step {
    let inputs = inputs();
    Box::new(move || {
        let [x, weight, bias] = inputs.each_ref().map(|value| Var::from(value.clone()));
        black_box(x.conv2d_biased(&weight, &bias, ConvSpec::padded(1)));
    })
}

fn forward_backward() -> Step {
    let inputs = inputs();
    Box::new(move || {
        let tape = Tape::new();
        let [x, weight, bias] = inputs.each_ref().map(|value| tape.variable(value.clone()));
        let y = x.conv2d_biased(&weight, &bias, ConvSpec::padded(1));
        let ones = Var::from(Tensor::full(y.shape(), 1.0));
        black_box(tape.vjp(&y, &ones, &[&x, &weight, &bias]));
    })
}

/// The middle convolution of a MintNet layer, with `each` hidden channels per each of `groups` image channels. `live`
/// skips the masked taps; otherwise they are multiplied by zero weights.
fn mintnet(groups: usize, each: usize, side: usize, live: bool) -> Step {
    let channels: Vec<usize> = (0..groups * each).map(|channel| channel / each).collect();
    let taps = KernelMask::preceding(&channels, &channels, [TAPS, TAPS]);
    let mut rng = rng();
    let x = normal(&[BATCH, channels.len(), side, side], 1.0, &mut rng);
    let weight = normal(&taps.shape(), 0.02, &mut rng);
    let (mask, dy) = (taps.mask::<f32>(), normal(x.shape(), 1.0, &mut rng));
    Box::new(move || {
        let tape = Tape::new();
        let [x, weight] = [&x, &weight].map(|value| tape.variable(value.clone()));
        let spec = ConvSpec::padded(1);
        let y = if live {
            x.conv2d_masked(&weight, spec, &taps)
        } else {
            x.conv2d(&(&weight * Var::from(mask.clone())), spec)
        };
        black_box(tape.vjp(&y, &Var::from(dy.clone()), &[&x, &weight]));
    })
}
