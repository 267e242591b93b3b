//! `MintNet` with the paper's MNIST configuration: a training step, and sampling.

use super::{normal, rng};
use crate::{Peer, Repeats, Step, Workload};
use autograd::Tensor;
use flows::models::{MintNet, MintNetConfig};
use flows::nn::{Adam, AdamConfig};
use flows::{Context, Flow, Module};
use std::hint::black_box;

/// Twenty pairs of layers with 45, 11 and 2 branches over 1×28×28, 4×14×14 and 16×7×7, batch 32, no logit. The batch is
/// split into shards of 8 images, which fit into the caches better.
///
/// Sampling inverts 32 latents. Weights drawn with a gain of 0.3 stand in for trained ones: a model at the paper's
/// initialization is so close to the identity that each root is found at once.
pub static ALL: [Workload; 2] = [
    Workload {
        name: "mintnet_mnist_train_b32",
        flops: None,
        repeats: Repeats { warm: 1, timed: 5 },
        peers: &[Peer::torch("torch", "torch_mintnet.py")],
        prepare: train,
    },
    Workload {
        name: "mintnet_mnist_sample_32",
        flops: None,
        repeats: Repeats { warm: 0, timed: 1 },
        peers: &[Peer::torch("torch", "torch_mintnet.py")],
        prepare: sample,
    },
];

const BATCH: usize = 32;

/// Gain of the weights that stand in for trained ones.
const TRAINED: f64 = 0.3;

fn config() -> MintNetConfig {
    MintNetConfig { logit: None, ..MintNetConfig::mnist() }
}

fn train() -> Step {
    let mut rng = rng();
    let flow = MintNet::build(&config(), &mut rng);
    let mut adam = Adam::new(flow.params(), AdamConfig { amsgrad: true, ..AdamConfig::default() });
    let batch: Tensor<f32> = normal(&[BATCH, 784], 1.0, &mut rng);
    Box::new(move || super::train_step(&flow, &mut adam, &batch, 4))
}

fn sample() -> Step {
    let mut rng = rng();
    let flow: Flow<f32> = MintNet::build(&MintNetConfig { gain: TRAINED, ..config() }, &mut rng);
    Box::new(move || {
        black_box(flow.sample(BATCH, Context::default(), 1.0, &mut rng));
    })
}
