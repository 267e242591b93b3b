//! The paper's NICE with MNIST's dimensions: one training step.

use super::{rng, train_step, uniform};
use crate::{Peer, Repeats, Step, Workload};
use flows::Module;
use flows::models::{Nice, NiceConfig};
use flows::nn::{Adam, AdamConfig};

const BATCH: usize = 128;

/// One step that splits each operation over the threads, and one that splits the batch instead.
pub static ALL: [Workload; 2] = [
    Workload {
        name: "nice_mnist_train_b128",
        flops: Some(flops()),
        repeats: REPEATS,
        peers: &[Peer::jax("jax", "jax_nice.py"), Peer::torch("torch", "torch_nice.py")],
        prepare: || step(1),
    },
    Workload {
        name: "nice_mnist_train_b128_batch_split",
        flops: Some(flops()),
        repeats: REPEATS,
        peers: &[],
        prepare: || step(2),
    },
];

const REPEATS: Repeats = Repeats { warm: 3, timed: 15 };

/// Each weight takes part in three products (forward, and the gradients by input and by weight) for each row.
const fn flops() -> f64 {
    let NiceConfig { dims, couplings, hidden, depth, condition: _ } = NiceConfig::mnist();
    let weights = couplings * (dims * hidden + (depth - 1) * hidden * hidden);
    (2 * 3 * BATCH * weights) as f64
}

fn step(shards: usize) -> Step {
    let mut rng = rng();
    let config = NiceConfig::mnist();
    let flow = Nice::build::<f32>(&config, &mut rng);
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    let batch = uniform(&[BATCH, config.dims], &mut rng);
    Box::new(move || train_step(&flow, &mut adam, &batch, shards))
}
