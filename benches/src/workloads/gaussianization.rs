//! A Gaussianization flow with MNIST's dimensions: a training step, and sampling.

use super::{normal, rng, train_step};
use crate::{Peer, Repeats, Step, Workload};
use autograd::{Tensor, Var};
use flows::models::{GaussianizationConfig, GaussianizationFlow};
use flows::nn::{Adam, AdamConfig};
use flows::{Context, Flow, Module};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

/// Five layers of 100 kernels in each of 784 dimensions, with a rotation of 64 reflections between two layers; batch 500.
/// The kernels are initialized from data with two modes.
pub static ALL: [Workload; 2] = [
    Workload {
        name: "gaussianization_train_b500",
        flops: None,
        repeats: Repeats { warm: 1, timed: 7 },
        peers: &[Peer::torch("torch", "torch_gaussianization.py")],
        prepare: train,
    },
    Workload {
        name: "gaussianization_sample_100",
        flops: None,
        repeats: Repeats { warm: 1, timed: 5 },
        peers: &[Peer::torch("torch", "torch_gaussianization.py")],
        prepare: sample,
    },
];

const DIMS: usize = 784;
const LAYERS: usize = 5;
const KERNELS: usize = 100;
const REFLECTIONS: usize = 64;
const BATCH: usize = 500;
const SAMPLES: usize = 100;

/// Each element is −1.5 or 1.5, plus normal noise of standard deviation 0.5.
fn data(rng: &mut ChaCha8Rng) -> Tensor<f32> {
    let (middle, side) = (normal(&[BATCH, DIMS], 0.5, rng), normal(&[BATCH, DIMS], 1.0, rng));
    Tensor::from_fn([BATCH, DIMS], |i| middle.as_slice()[i] + 1.5f32.copysign(side.as_slice()[i]))
}

fn flow(rng: &mut ChaCha8Rng, batch: &Tensor<f32>) -> Flow<f32> {
    let config =
        GaussianizationConfig { dims: DIMS, layers: LAYERS, kernels: KERNELS, reflections: REFLECTIONS, patches: None };
    let flow = GaussianizationFlow::build(&config, rng);
    flow.initialize(&Var::from(batch.clone()), Context::default());
    flow
}

fn train() -> Step {
    let mut rng = rng();
    let batch = data(&mut rng);
    let flow = flow(&mut rng, &batch);
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    Box::new(move || train_step(&flow, &mut adam, &batch, 1))
}

/// Sampling. Before the timed runs it prints the error of the round trip z → x → z to standard error.
fn sample() -> Step {
    let mut rng = rng();
    let batch = data(&mut rng);
    let flow = flow(&mut rng, &batch);
    let z = Var::from(normal(&[SAMPLES, DIMS], 1.0, &mut rng));
    let x = flow.bijection().to_data(&z, Context::default()).value;
    let back = flow.bijection().to_latent(&x, Context::default()).value.into_value();
    let pairs = back.as_slice().iter().zip(z.value().as_slice());
    let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    eprintln!("gaussianization_sample_100: z → x → z within {error:.1e}");
    Box::new(move || {
        black_box(flow.sample(SAMPLES, Context::default(), 1.0, &mut rng));
    })
}
