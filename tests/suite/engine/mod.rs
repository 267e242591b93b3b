//! The engine, tested through its public API against finite differences, independent values and other ways to compute
//! the same thing. A new operation is one line in `operations.rs`; every property here then covers it.

mod broadcasting;
mod case;
mod convolution;
mod custom;
mod derivatives;
mod draw;
mod empty;
mod expressions;
mod kernel_mask;
mod operations;
mod panics;
mod pooling;
mod products;
mod reuse;
mod sharding;
mod single;
mod special;
mod special_values;
mod staircase;
mod sums;
mod tape;
mod teeth;
mod tracing;

use autograd::{Real, Tensor, check, parallel};
use proptest::prelude::{ProptestConfig, TestCaseError, prop_assert};
use proptest::strategy::Strategy;
use proptest::test_runner::TestRunner;
use std::env;
use std::fmt::Debug;

/// The result of a property: nothing, or why it fails.
type Outcome = Result<(), TestCaseError>;

/// This many cases, or as many as the environment's `PROPTEST_CASES` asks for. No files are written
/// next to the sources, as failures are printed in full.
fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if env::var_os("PROPTEST_CASES").is_some() { default.cases } else { cases };
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 400, ..default }
}

/// Tests `property` on drawn values; the error names the values, shrunk.
fn hold<S: Strategy>(cases: u32, drawn: &S, property: impl Fn(S::Value) -> Outcome) -> Result<(), String>
where
    S::Value: Debug,
{
    TestRunner::new(config(cases)).run(drawn, property).map_err(|failure| failure.to_string())
}

/// The one comparison of all derivative tests: within `tolerance`, relative to `max(1, |b|)`.
fn close(what: &str, a: &Tensor<f64>, b: &Tensor<f64>, tolerance: f64) -> Outcome {
    if a.shape() != b.shape() {
        return Err(TestCaseError::fail(format!("{what}: shapes {} and {}", a.shape(), b.shape())));
    }
    let worst = check::max_error(a, b);
    if worst <= tolerance {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("{what}: off by {worst:.3e}, more than {tolerance:.1e}\n one: {a:?}\n two: {b:?}")))
}

/// The products under a mask are the same whatever the masked weights hold, and those get the gradient +0. `products` are
/// the output, and the gradients of the input and of the weights.
fn masked_counts_as_zero<T: Real>(
    ones: &Tensor<T>,
    weight: &Tensor<T>,
    products: impl Fn(&Tensor<T>) -> [Tensor<T>; 3],
) -> Outcome {
    let mut poisoned = weight.clone();
    let poisons = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30];
    for (i, (w, &one)) in poisoned.as_mut_slice().iter_mut().zip(ones.as_slice()).enumerate() {
        if one == T::ZERO {
            *w = T::from_f64(poisons[i % 4]);
        }
    }
    let (clean, other) = (products(weight), products(&poisoned));
    for (clean, other) in clean.iter().zip(&other) {
        same_bits("masked weights", clean, other)?;
    }
    let masked = ones.as_slice().iter().zip(clean[2].as_slice()).filter(|(one, _)| **one == T::ZERO);
    for (_, dw) in masked {
        prop_assert!(dw.to_f64().to_bits() == 0, "the gradient of a masked weight: {dw}");
    }
    Ok(())
}

/// Equal to the last bit, NaN included.
fn same_bits<T: Real>(what: &str, a: &Tensor<T>, b: &Tensor<T>) -> Outcome {
    let equal = a.shape() == b.shape()
        && a.as_slice().iter().zip(b.as_slice()).all(|(a, b)| a.to_f64().to_bits() == b.to_f64().to_bits());
    if equal {
        Ok(())
    } else {
        Err(TestCaseError::fail(format!("{what}: not the same bits\n one: {a:?}\n two: {b:?}")))
    }
}

/// The same bits whatever the number of threads.
#[track_caller]
fn same_on_threads<T: Real, const N: usize>(results: impl Fn() -> [Tensor<T>; N] + Sync) {
    let alone = parallel::with_threads(1, &results);
    for threads in [2, 3] {
        for (found, alone) in parallel::with_threads(threads, &results).iter().zip(&alone) {
            same_bits(&format!("{threads} threads"), found, alone).unwrap();
        }
    }
}

/// `Σ aᵢ·bᵢ`, and the sum of its terms' sizes, to which its rounding is relative.
fn inner(a: &Tensor<f64>, b: &Tensor<f64>) -> (f64, f64) {
    let terms = || a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a * b);
    (terms().sum(), terms().map(f64::abs).sum())
}
