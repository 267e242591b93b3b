//! MAF beside IAF (lecture 8): the one has its densities in one pass and its samples dimension by dimension, the
//! other the reverse. How long each takes.

use crate::measure::timing::median_seconds;
use anyhow::Result;
use autograd::Tensor;
use flows::layers::Gate;
use flows::models::{AutoregressiveConfig, Iaf, Maf, Norm, Order};
use flows::{Context, Flow, Inversion};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use serde::Serialize;
use std::hint::black_box;

/// The models that are measured, apart from their dimensions.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Units in the hidden layer of each network.
    pub hidden: usize,
    /// Autoregressive layers.
    pub layers: usize,
    /// Rows in a batch.
    pub rows: usize,
}

/// Microseconds per row, at one number of dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    /// Dimensions D.
    pub dims: usize,
    /// MAF's density: one pass.
    pub maf_density: f64,
    /// MAF's sample: dimension by dimension.
    pub maf_sample: f64,
    /// IAF's sample: one pass.
    pub iaf_sample: f64,
    /// IAF's density: dimension by dimension.
    pub iaf_density: f64,
    /// MAF's sample by D passes of the whole network, as other libraries do it, where that was asked for.
    pub by_passes: Option<f64>,
}

/// Decides parameters and data. They do not matter to the times.
const SEED: u64 = 0;

/// The fewest repetitions that a median is of.
const FEWEST: usize = 3;

/// Measures models of `dims` dimensions with fresh parameters, and `by_passes` too if that is asked for.
///
/// # Errors
/// If a model does not take its own data.
pub fn measure(dims: usize, sizes: &Sizes, by_passes: bool) -> Result<Times> {
    let Sizes { hidden, layers, rows } = *sizes;
    let config = AutoregressiveConfig {
        dims,
        layers,
        order: Order::Given,
        hidden: vec![hidden],
        norm: Norm::None,
        components: 1,
        condition: 0,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let x = Tensor::from_fn([rows, dims], |_| StandardNormal.sample(&mut rng));
    let per_row = |batch: &mut dyn FnMut()| median_seconds(FEWEST, batch) * 1e6 / rows as f64;
    let density = |flow: &Flow<f32>| -> Result<f64> {
        flow.check(&x)?;
        Ok(per_row(&mut || drop(black_box(flow.log_prob_of(&x)))))
    };
    let mut sample = |flow: &Flow<f32>, inversion| {
        let cx = Context { inversion, ..Context::default() };
        per_row(&mut || drop(black_box(flow.sample(rows, cx, 1.0, &mut rng))))
    };
    let fresh = || ChaCha8Rng::seed_from_u64(SEED);
    // One model at a time: both together need twice the memory.
    let maf = Maf::build(&config, &mut fresh());
    let (maf_density, maf_sample) = (density(&maf)?, sample(&maf, Inversion::InOrder));
    let by_passes = by_passes.then(|| sample(&maf, Inversion::ByPasses));
    drop(maf);
    let iaf = Iaf::build(&config, Gate::None, &mut fresh());
    let (iaf_density, iaf_sample) = (density(&iaf)?, sample(&iaf, Inversion::InOrder));
    Ok(Times { dims, maf_density, maf_sample, iaf_sample, iaf_density, by_passes })
}
