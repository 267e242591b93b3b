//! The registry of workloads, by topic.

pub mod conv;
pub mod dense;
pub mod gaussianization;
pub mod maf;
pub mod map;
pub mod mintnet;
pub mod nice;
pub mod realnvp;

use crate::Workload;
use autograd::Tensor;
use flows::nn::Adam;
use flows::{Context, Flow};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// The topics, one file each.
const TOPICS: [&[Workload]; 8] =
    [&dense::ALL, &map::ALL, &conv::ALL, &nice::ALL, &realnvp::ALL, &maf::ALL, &mintnet::ALL, &gaussianization::ALL];

/// Every workload.
pub fn all() -> impl Iterator<Item = &'static Workload> {
    TOPICS.into_iter().flatten()
}

/// The random generator that every workload starts from.
fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(0)
}

/// Uniform in [0, 1).
fn uniform(shape: &[usize], rng: &mut ChaCha8Rng) -> Tensor<f32> {
    Tensor::from_fn(shape, |_| rng.random())
}

/// Normal with standard deviation `scale`.
fn normal(shape: &[usize], scale: f32, rng: &mut ChaCha8Rng) -> Tensor<f32> {
    Tensor::from_fn(shape, |_| scale * rng.sample::<f32, _>(StandardNormal))
}

/// One maximum-likelihood step with Adam: forward, backward, update.
fn train_step(flow: &Flow<f32>, adam: &mut Adam<f32>, batch: &Tensor<f32>, shards: usize) {
    let evaluated = autograd::sharded(batch.shape()[0], shards, |tape, rows| {
        let x = tape.constant(if shards == 1 { batch.clone() } else { batch.rows(rows) });
        flow.loss(&x, Context::default())
    });
    adam.step(&evaluated.gradients, 1e-3);
}
