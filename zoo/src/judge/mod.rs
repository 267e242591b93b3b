//! A judge of samples: a small classifier of digits that says which class each sample looks like, and how sure it is.
//!
//! It is made of the engine and the networks of this workspace, and has no flow in it: an example of `autograd` by
//! itself. `zoo train-judge` trains it; the weights in the program are what that command wrote.

mod examples;
pub mod frechet;
pub mod judged;
mod network;
pub mod report;
pub mod train;

use crate::data::Space;
use crate::measure::sampling::batches;
use crate::runs::{interrupt, shipped};
use anyhow::Result;
use autograd::{Tensor, Var};
use flows::Module as _;
use network::{Found, Network};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensors;
use std::sync::LazyLock;

pub use network::FEATURES;
pub use report::{Reference, Report, chance, class_distance, report};

/// The judge knows the ten digits.
pub const CLASSES: usize = 10;
/// The height and the width of the images that it reads, in pixels.
pub const SIDE: usize = 28;
const DIMS: usize = SIDE * SIDE;
/// Images that are read at once.
const BATCH: usize = 500;

/// The format of the file of weights.
const FORMAT: &str = "flow-zoo-judge-1";

/// A classifier of digits.
#[derive(Debug)]
pub struct Judge {
    network: Network,
}

/// What a judge reads in some images.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The most probable class of each image.
    pub classes: Vec<usize>,
    /// Its probability.
    pub probabilities: Vec<f64>,
    /// The last hidden layer, `[images, FEATURES]`.
    pub features: Tensor<f32>,
}

impl Judge {
    /// The judge that the program has.
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<Judge> = LazyLock::new(|| {
            let network = Network::new(&mut ChaCha8Rng::seed_from_u64(0));
            let file = SafeTensors::deserialize(shipped::judge()).expect("the program has the judge's weights");
            for (name, param) in network.params() {
                let tensor = file.tensor(&name).expect("the judge's weights have every tensor");
                let values: Vec<f32> = bytemuck::pod_collect_to_vec(tensor.data());
                let values: Vec<f32> = values.iter().map(|x| f32::from_bits(u32::from_le(x.to_bits()))).collect();
                param.set(Tensor::from_slice(tensor.shape(), &values));
            }
            Judge { network }
        });
        &SHIPPED
    }

    /// Whether it reads images of this space.
    pub const fn reads(space: &Space) -> bool {
        matches!(space, Space::Images { channels: 1, height: SIDE, width: SIDE })
    }

    /// Reads images `[n, 784]` with pixels from 0 to 1. Each pixel is rounded down to one of the 256 levels first, so that
    /// samples, which are not quantized, and images of data are read alike. Fails only if it is interrupted.
    pub fn read(&self, pixels: &Tensor<f32>) -> Result<Reading> {
        let count = pixels.shape()[0];
        let (mut classes, mut probabilities, mut features) = (Vec::new(), Vec::new(), Vec::new());
        for rows in batches(count, BATCH) {
            interrupt::check()?;
            let x = pixels.rows(rows);
            let levels: Vec<f32> = x.as_slice().iter().map(|x| (256.0 * x).floor().clamp(0.0, 255.0) / 255.0).collect();
            let found = self.network.apply(&Var::from(Tensor::from_slice(x.shape(), &levels)));
            let Found { features: last, logits } = found;
            features.extend_from_slice(last.value().as_slice());
            for row in logits.softmax(&[1]).value().as_slice().chunks(CLASSES) {
                let most = (0..CLASSES).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
                classes.push(most);
                probabilities.push(f64::from(row[most]));
            }
        }
        Ok(Reading { classes, probabilities, features: Tensor::from_slice([count, FEATURES], &features) })
    }
}

/// Pixels from 0 to 1 of levels from 0 to 255: the middles of the intervals that dequantization spreads them over.
pub fn pixels(levels: &Tensor<f32>) -> Tensor<f32> {
    let values: Vec<f32> = levels.as_slice().iter().map(|level| (level + 0.5) / 256.0).collect();
    Tensor::from_slice(levels.shape(), &values)
}

#[cfg(test)]
mod tests;
