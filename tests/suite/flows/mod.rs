//! The flows: every property over every bijection of one registry, the densities, and training.
//! A new bijection or model is one line in `registry/`; a new univariate map is one line of `univariate::examples`.

mod autoregressive;
mod conditions;
mod density;
mod determinism;
mod distillation;
mod energy;
mod histogram;
mod image_mutations;
mod images;
mod marginal;
mod mint;
mod mint_mutations;
mod mixture;
mod mutations;
mod normalizing;
mod optimizers;
mod planar;
mod planar_mutations;
mod preprocessing;
mod properties;
mod rbig;
mod registry;
mod training;
mod vae;
mod wave_net;

use autograd::{Real, Tensor};
use flows::Module;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Uniform samples between two bounds.
fn uniform(shape: &[usize], lo: f64, hi: f64, rng: &mut ChaCha8Rng) -> Tensor<f64> {
    Tensor::from_fn(shape, |_| rng.random_range(lo..hi))
}

fn bits<T: Real>(tensor: &Tensor<T>) -> Vec<u64> {
    tensor.as_slice().iter().map(|x| x.to_f64().to_bits()).collect()
}

/// All parameters of a model, to the last bit.
fn param_bits<T: Real>(module: &(impl Module<T> + ?Sized)) -> Vec<(String, Vec<u64>)> {
    module.params().into_iter().map(|(path, param)| (path, bits(&param.value()))).collect()
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(error <= tolerance, "{found} should be {expected}: off by {error:.2e}, more than {tolerance:.0e}");
}
