//! What MADE, MAF and IAF share: they differ in the number of layers and in what their networks read.

use super::blueprint::check_sizes;
use super::{Budget, Preset, Recipe};
use crate::data::Space;
use anyhow::Result;
use clap::ValueEnum;
use flows::models::{AutoregressiveConfig, Norm, Order};
use flows::nn::AdamConfig;

/// The margin λ of the logit before images, that of MAF's paper.
pub(super) const MARGIN: f64 = 1e-6;

/// An order of the dimensions; a random one is drawn from the run's seed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum AskedOrder {
    Given,
    Reversed,
    Random,
}

impl AskedOrder {
    pub(super) const fn order(self, seed: u64) -> Order {
        match self {
            Self::Given => Order::Given,
            Self::Reversed => Order::Reversed,
            Self::Random => Order::Random(seed),
        }
    }
}

/// The sizes of a MAF of Gaussian conditionals.
pub(super) fn config(preset: Preset, space: Space, condition: usize) -> AutoregressiveConfig {
    let (hidden, norm) = match (space, preset) {
        (Space::Images { .. }, _) => (vec![1024], Norm::Batch),
        (_, Preset::Quick) => (vec![64; 2], Norm::Act),
        (_, Preset::Standard) => (vec![128; 2], Norm::Act),
        (_, Preset::Paper) => (vec![100], Norm::Batch),
    };
    let (dims, layers, order, components) = (space.dims(), 5, Order::Given, 1);
    AutoregressiveConfig { dims, layers, order, hidden, norm, components, condition }
}

pub(super) fn recipe(preset: Preset, space: Space) -> Recipe {
    let images = matches!(space, Space::Images { .. });
    let paper = preset == Preset::Paper;
    let budget = match (images, preset) {
        (true, Preset::Quick) => Budget::Minutes(5.0),
        (true, Preset::Standard) => Budget::Minutes(20.0),
        // The paper stops after 30 epochs without improvement; here the best weights are kept.
        (_, Preset::Paper) => Budget::Epochs(200.0),
        (false, Preset::Quick) => Budget::Steps(5_000),
        (false, Preset::Standard) => Budget::Steps(20_000),
    };
    let lr = match (images, paper) {
        (_, true) => 1e-4,
        (true, false) => 3e-4,
        (false, false) => 2e-3,
    };
    // Large weights make the scales of unusual images extreme.
    let weight_decay = if images && !paper { 0.3 } else { 0.0 };
    Recipe {
        adam: AdamConfig { weight_decay, ..AdamConfig::default() },
        clip: Some(1000.0),
        // Weights outweigh activations, and batch normalization must see the whole batch.
        shards: (images || paper).then_some(1),
        ..Recipe::new(budget, if images || paper { 100 } else { 256 }, lr).constant_in_paper(preset)
    }
}

pub(super) fn check(model: &str, config: &AutoregressiveConfig) -> Result<()> {
    let AutoregressiveConfig { dims, layers, hidden, components, condition, .. } = config;
    let others = [*layers, hidden.len(), *condition];
    check_sizes(model, &[&[*dims, *components], &**hidden].concat(), &others)
}

/// The weights of the layers, except those of the condition.
pub(super) fn least_weights(config: &AutoregressiveConfig) -> f64 {
    let (dims, layers, components) = (config.dims as f64, config.layers as f64, config.components as f64);
    let hidden: Vec<f64> = config.hidden.iter().map(|&width| width as f64).collect();
    let between: f64 = hidden.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let (first, last) = (hidden.first().copied().unwrap_or(0.0), hidden.last().copied().unwrap_or(dims));
    // A mixture has three outputs a component where a Gaussian has two in all.
    let more = if config.components > 1 && config.layers > 0 { 3.0 * components - 2.0 } else { 0.0 };
    layers * (dims * first + between + 2.0 * dims * last) + more * dims * last
}
