//! What many tests of flows use.

use autograd::{Real, Tensor};
use flows::Module;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(super) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Uniform random values between `lo` and `hi`.
pub(super) fn uniform(shape: &[usize], lo: f64, hi: f64, rng: &mut ChaCha8Rng) -> Tensor<f64> {
    Tensor::from_fn(shape, |_| rng.random_range(lo..hi))
}

pub(super) fn bits<T: Real>(tensor: &Tensor<T>) -> Vec<u64> {
    tensor.as_slice().iter().map(|x| x.to_f64().to_bits()).collect()
}

/// All parameters of a model, to the last bit.
pub(super) fn param_bits<T: Real>(module: &(impl Module<T> + ?Sized)) -> Vec<(String, Vec<u64>)> {
    module.params().into_iter().map(|(path, param)| (path, bits(&param.value()))).collect()
}

#[track_caller]
pub(super) fn near(found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(error <= tolerance, "{found} should be {expected}: off by {error:.2e}, more than {tolerance:.0e}");
}
