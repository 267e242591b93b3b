//! What the benches share: the workloads, under the names that `peers/` uses too.

use autograd::Tensor;
use flows::nn::Adam;
use flows::{Context, Flow};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The generator that every workload starts from.
#[must_use]
pub fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(0)
}

/// Uniform numbers in [0, 1).
#[must_use]
pub fn uniform(shape: &[usize], rng: &mut ChaCha8Rng) -> Tensor<f32> {
    Tensor::from_fn(shape, |_| rng.random())
}

/// One maximum-likelihood step with Adam: forward, backward, update.
pub fn train_step(flow: &Flow<f32>, adam: &mut Adam<f32>, batch: &Tensor<f32>, shards: usize) {
    let evaluated = autograd::sharded(batch.shape()[0], shards, |tape, rows| {
        let x = tape.constant(if shards == 1 { batch.clone() } else { batch.rows(rows) });
        flow.loss(&x, Context::default())
    });
    adam.step(&evaluated.gradients, 1e-3);
}
