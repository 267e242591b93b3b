//! `RealNVP`: a training step on points in the plane, and one on MNIST's dimensions.

use super::{normal, rng, train_step};
use crate::{Peer, Repeats, Step, Workload};
use flows::models::{Norm, RealNvp, RealNvpConfig, RealNvpImageConfig};
use flows::nn::{Adam, AdamConfig};
use flows::{Flow, Module};

/// In the plane: 8 couplings, the batch in a shard a thread. On images: 3 checkerboard couplings, squeeze,
/// 3 of channels, half leaves, 4 checkerboard, with networks of 4 blocks of 64 channels; the batch in
/// shards of 8 images, whose activations stay nearer to the cores than those of a half batch.
pub static ALL: [Workload; 2] = [
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
];

fn plane() -> Step {
    let mut rng = rng();
    let config = RealNvpConfig { dims: 2, couplings: 8, hidden: 64, depth: 2, norm: Norm::None, condition: 0 };
    step(RealNvp::build(&config, &mut rng), normal(&[256, 2], 1.0, &mut rng), 2)
}

fn images() -> Step {
    let mut rng = rng();
    let config = RealNvpImageConfig {
        image: [1, 28, 28],
        squeezes: 1,
        channels: 64,
        widening: 1,
        blocks: 4,
        weight_norm: false,
        norm: Norm::None,
        logit: None,
        condition: 0,
    };
    step(RealNvp::build_for_images(&config, &mut rng), normal(&[32, 784], 1.0, &mut rng), 4)
}

fn step(flow: Flow<f32>, batch: autograd::Tensor<f32>, shards: usize) -> Step {
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    Box::new(move || train_step(&flow, &mut adam, &batch, shards))
}
