//! IAF, trained on data or as the student of a MADE or a MAF.

use super::autoregressive::{self, AskedOrder, MARGIN};
use super::blueprint::behind_logit;
use super::prelude::*;
use super::{Made, Maf};
use flows::layers::Gate;
use flows::models::{self, AutoregressiveConfig, Norm, Order};
use serde::{Deserialize, Serialize};

/// See [`models::Iaf`].
#[derive(Debug)]
pub struct Iaf;

/// The sizes of an IAF.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its layers.
    pub layers: AutoregressiveConfig,
    /// What the outputs of its networks mean.
    pub gate: Gate,
}

/// IAF's own options.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Autoregressive layers [default: 5]
    #[arg(long, value_parser = options::count(1000), allow_negative_numbers = true)]
    layers: Option<usize>,
    /// Combine old and new values by gates, as in the paper, instead of scaling freely
    #[arg(long)]
    gated: bool,
    /// The order of the dimensions in the first layer; it is reversed from layer to layer [default: given]
    #[arg(long, value_enum)]
    order: Option<AskedOrder>,
}

impl ModelSpec for Iaf {
    type Config = Config;
    type Options = Options;

    const ABOUT: About = About {
        teachers: &["made", "maf"],
        ..About::new(Kind::Iaf, "iaf", "lecture 8, IAF", "Kingma et al.: IAF (2016)")
    };

    fn config(preset: Preset, space: Space, classes: usize) -> Result<Config> {
        let layers = AutoregressiveConfig { norm: Norm::Act, ..autoregressive::config(preset, space, classes) };
        Ok(Config { layers, gate: Gate::None })
    }

    fn recipe(preset: Preset, space: Space) -> Recipe {
        autoregressive::recipe(preset, space)
    }

    fn adjust(config: &mut Config, options: &Options, _space: Space, seed: u64) -> Result<()> {
        let layers = &mut config.layers;
        layers.layers = options.layers.unwrap_or(layers.layers);
        layers.order = options.order.map_or(layers.order, |order| order.order(seed));
        if options.gated {
            config.gate = Gate::Sigmoid;
        }
        Ok(())
    }

    fn inputs(config: &Config, _space: Space) -> [usize; 2] {
        [config.layers.dims, config.layers.condition]
    }

    fn check(config: &Config, _space: Space) -> Result<f64> {
        if config.layers.components != 1 {
            bail!("iaf has no mixtures: use another checkpoint, this one is damaged");
        }
        autoregressive::check("iaf", &config.layers)
    }

    fn build<T: Real>(config: &Config, space: Space, rng: &mut dyn Rng) -> Model<T> {
        behind_logit(models::Iaf::build(&config.layers, config.gate, rng), space, MARGIN)
    }

    fn uses_batch_statistics(config: &Config) -> bool {
        config.layers.norm == Norm::Batch
    }

    fn student(teacher: &Blueprint, preset: Preset) -> Option<(Config, Recipe)> {
        // One layer is not enough to draw what one autoregressive layer draws.
        let made = || teacher.config::<Made>().map(|made| AutoregressiveConfig { layers: 5, ..made });
        let sizes = teacher.config::<Maf>().or_else(made)?;
        let layers = AutoregressiveConfig { norm: Norm::Act, order: Order::Given, components: 1, ..sizes };
        let large = teacher.space.dims() > 100;
        let (budget, batch, lr) = if large {
            (Budget::Minutes(preset.pick([5.0, 20.0, 120.0])), 100, 5e-4)
        } else {
            (Budget::Steps(preset.pick([2_000, 10_000, 50_000])), 256, 1e-3)
        };
        let shards = large.then_some(1);
        let recipe = Recipe { warmup: 200, clip: Some(100.0), shards, ..Recipe::new(budget, batch, lr) };
        Some((Config { layers, gate: Gate::None }, recipe))
    }
}
