//! MAF and IAF with MNIST's dimensions: a training step and the sequential direction of each.

use super::{normal, rng, train_step};
use crate::{Peer, Repeats, Step, Workload};
use autograd::Var;
use flows::models::{AutoregressiveConfig, Iaf, Maf};
use flows::nn::{Adam, AdamConfig};
use flows::{Context, Flow, Module};
use rand::Rng;
use std::hint::black_box;

/// Five layers with one hidden layer of 1024 each, order reversed between layers, batch 100.
pub static ALL: [Workload; 4] = [
    Workload {
        name: "maf_mnist_train_b100",
        flops: None,
        repeats: Repeats { warm: 2, timed: 20 },
        peers: &[Peer::jax("flowjax", "jax_maf.py")],
        prepare: train,
    },
    Workload {
        name: "maf_mnist_sample_100",
        flops: None,
        repeats: Repeats { warm: 1, timed: 5 },
        peers: &[Peer::jax("flowjax", "jax_maf.py")],
        prepare: sample,
    },
    Workload {
        name: "iaf_mnist_density_100",
        flops: None,
        repeats: Repeats { warm: 1, timed: 5 },
        peers: &[Peer::jax("flowjax", "jax_maf.py")],
        prepare: density,
    },
    Workload {
        name: "iaf_mnist_mle_b100",
        flops: None,
        repeats: Repeats { warm: 2, timed: 10 },
        peers: &[Peer::jax("flowjax", "jax_maf.py")],
        prepare: maximum_likelihood,
    },
];

const BATCH: usize = 100;
const DIMS: usize = 784;

fn config() -> AutoregressiveConfig {
    AutoregressiveConfig::new(DIMS, 5, vec![1024])
}

/// A training step by maximum likelihood.
fn step_of(build: fn(&AutoregressiveConfig, &mut dyn Rng) -> Flow<f32>) -> Step {
    let mut rng = rng();
    let flow = build(&config(), &mut rng);
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    let batch = normal(&[BATCH, DIMS], 1.0, &mut rng);
    Box::new(move || train_step(&flow, &mut adam, &batch, 1))
}

fn train() -> Step {
    step_of(Maf::build)
}

/// The sequential direction and its derivative.
fn maximum_likelihood() -> Step {
    step_of(Iaf::build)
}

fn sample() -> Step {
    let mut rng = rng();
    let flow = Maf::build::<f32>(&config(), &mut rng);
    Box::new(move || {
        black_box(flow.sample(BATCH, Context::default(), 1.0, &mut rng));
    })
}

fn density() -> Step {
    let mut rng = rng();
    let flow = Iaf::build::<f32>(&config(), &mut rng);
    let batch = normal(&[BATCH, DIMS], 1.0, &mut rng);
    Box::new(move || {
        black_box(flow.log_prob(&Var::from(batch.clone()), Context::default()));
    })
}
