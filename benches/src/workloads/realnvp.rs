//! `RealNVP`: a training step in the plane; a training step and sampling with MNIST's dimensions.

use super::{normal, rng, train_step};
use crate::{Peer, Repeats, Step, Workload};
use autograd::Tensor;
use flows::models::{Norm, RealNvp, RealNvpConfig, RealNvpImageConfig};
use flows::nn::{Adam, AdamConfig};
use flows::{Context, Flow, Module};
use std::hint::black_box;

/// In the plane: 8 couplings, one shard per thread. On images: 3 checkerboard couplings, a squeeze, 3 channel-wise
/// couplings, half of the channels factored out, 4 checkerboard couplings; networks of 4 blocks of 64 channels. The
/// batch is split into shards of 8 images, whose activations fit into the caches better than those of 16.
pub static ALL: [Workload; 3] = [
    Workload {
        name: "realnvp_2d_train_b256",
        flops: None,
        repeats: Repeats { warm: 20, timed: 200 },
        peers: &[Peer::jax("flowjax", "jax_realnvp.py"), Peer::torch("nflows", "torch_realnvp.py")],
        prepare: plane,
    },
    Workload {
        name: "realnvp_mnist_train_b32",
        flops: None,
        repeats: Repeats { warm: 1, timed: 7 },
        peers: &[Peer::torch("torch", "torch_realnvp.py")],
        prepare: images,
    },
    Workload {
        name: "realnvp_mnist_sample_1000",
        flops: None,
        repeats: Repeats { warm: 1, timed: 3 },
        peers: &[Peer::torch("torch", "torch_realnvp.py")],
        prepare: samples,
    },
];

fn plane() -> Step {
    let mut rng = rng();
    let config = RealNvpConfig { dims: 2, couplings: 8, hidden: 64, depth: 2, norm: Norm::None, condition: 0 };
    step(RealNvp::build(&config, &mut rng), normal(&[256, 2], 1.0, &mut rng), 2)
}

const IMAGES: RealNvpImageConfig = RealNvpImageConfig {
    image: [1, 28, 28],
    squeezes: 1,
    squeeze_first: false,
    couplings: 3,
    last: 4,
    channels: 64,
    widening: 1,
    blocks: 4,
    weight_norm: false,
    norm: Norm::None,
    logit: None,
    condition: 0,
};

fn images() -> Step {
    let mut rng = rng();
    step(RealNvp::build_for_images(&IMAGES, &mut rng), normal(&[32, 784], 1.0, &mut rng), 4)
}

fn samples() -> Step {
    let mut rng = rng();
    let flow = RealNvp::build_for_images::<f32>(&IMAGES, &mut rng);
    Box::new(move || {
        black_box(flow.sample(1000, Context::default(), 1.0, &mut rng));
    })
}

fn step(flow: Flow<f32>, batch: Tensor<f32>, shards: usize) -> Step {
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    Box::new(move || train_step(&flow, &mut adam, &batch, shards))
}
