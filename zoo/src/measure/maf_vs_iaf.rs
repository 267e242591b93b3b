//! Timings of MAF and IAF (lecture 8): MAF computes densities in one pass and samples one dimension at a time, IAF the
//! reverse. A training step is by maximum likelihood, so IAF's needs the derivative of its sequential direction.

use crate::measure::timing::median_seconds;
use crate::runs::memory;
use anyhow::Result;
use autograd::{Tape, Tensor};
use flows::layers::{Reference, with_reference};
use flows::models::{AutoregressiveConfig, Iaf, Maf};
use flows::nn::{Adam, AdamConfig};
use flows::{Context, Flow, Module as _};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use serde::Serialize;
use std::hint::black_box;

/// The sizes of the models and of the batches.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Units in each network's hidden layer.
    pub hidden: usize,
    /// Autoregressive layers.
    pub layers: usize,
    /// Rows per batch.
    pub rows: usize,
}

/// Times for one dimension D, in microseconds per row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    pub dims: usize,
    /// MAF's density, in one pass.
    pub maf_density: f64,
    /// MAF's sample, one dimension at a time.
    pub maf_sample: f64,
    /// IAF's sample, in one pass.
    pub iaf_sample: f64,
    /// IAF's density, one dimension at a time.
    pub iaf_density: f64,
    /// MAF's training step.
    pub maf_step: f64,
    /// IAF's training step.
    pub iaf_step: f64,
    /// MAF's sample by D passes of the whole network, as in most libraries, if requested.
    pub by_passes: Option<f64>,
}

/// The seed for parameters and data. The times do not depend on it.
const SEED: u64 = 0;

/// So small that the steps of a measurement leave the model about where it starts.
const LEARNING_RATE: f64 = 1e-6;

/// The fewest repetitions per median.
const FEWEST: usize = 3;

/// Measures untrained models of dimension `dims`, including naive sampling if `by_passes`.
pub fn measure(dims: usize, sizes: &Sizes, by_passes: bool) -> Result<Times> {
    let Sizes { hidden, layers, rows } = *sizes;
    // One model with three matrices in each layer, their gradients and moments, and what a step keeps of each row.
    let weights = 4.0 * 3.0 * layers as f64 * hidden as f64 * dims as f64;
    let what = format!("a model of {layers} layers and {hidden} units over {dims} dimensions");
    let activations = (layers * rows) as f64 * (4 * hidden + 24 * dims) as f64;
    memory::require(4.0 * (weights + activations), &what, "choose smaller sizes")?;
    let config = AutoregressiveConfig::new(dims, layers, vec![hidden]);
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let x = Tensor::from_fn([rows, dims], |_| StandardNormal.sample(&mut rng));
    let per_row = |batch: &mut dyn FnMut()| median_seconds(FEWEST, batch) * 1e6 / rows as f64;
    let density = |flow: &Flow<f32>| -> Result<f64> {
        flow.check(&x)?;
        Ok(per_row(&mut || drop(black_box(flow.log_prob_of(&x)))))
    };
    let mut sample =
        |flow: &Flow<f32>| per_row(&mut || drop(black_box(flow.sample(rows, Context::default(), 1.0, &mut rng))));
    let step = |flow: &Flow<f32>| {
        let mut adam = Adam::new(flow.params(), AdamConfig::default());
        per_row(&mut || {
            let tape = Tape::new();
            let loss = flow.loss(&tape.constant(x.clone()), Context::default());
            adam.step(&tape.backward(&loss), LEARNING_RATE);
        })
    };
    let fresh = || ChaCha8Rng::seed_from_u64(SEED);
    // One model at a time, to halve the memory.
    let maf = Maf::build(&config, &mut fresh());
    let (maf_density, maf_sample, maf_step) = (density(&maf)?, sample(&maf), step(&maf));
    let by_passes = by_passes.then(|| with_reference(&maf, Reference::WholePasses, || sample(&maf)));
    drop(maf);
    let iaf = Iaf::build(&config, &mut fresh());
    let (iaf_density, iaf_sample, iaf_step) = (density(&iaf)?, sample(&iaf), step(&iaf));
    Ok(Times { dims, maf_density, maf_sample, iaf_sample, iaf_density, maf_step, iaf_step, by_passes })
}
