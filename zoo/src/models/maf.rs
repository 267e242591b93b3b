//! MAF.

use super::autoregressive::{self, AskedOrder, MARGIN};
use super::blueprint::behind_logit;
use super::prelude::*;
use flows::models::{self, AutoregressiveConfig, Norm};

/// See [`models::Maf`].
#[derive(Debug)]
pub struct Maf;

/// MAF's own options.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Autoregressive layers [default: 5]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    layers: Option<usize>,
    /// The order of the dimensions in the first layer; it is reversed from layer to layer [default: given]
    #[arg(long, value_enum)]
    order: Option<AskedOrder>,
    /// Gaussians in each conditional of the last layer [default: 1]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    components: Option<usize>,
}

impl ModelSpec for Maf {
    type Config = AutoregressiveConfig;
    type Options = Options;

    const ABOUT: About = About {
        published: "1.89",
        ..About::new(Kind::Maf, "maf", "lecture 8, MAF", "Papamakarios, Pavlakou & Murray: MAF (2017)")
    };

    fn config(preset: Preset, space: Space, classes: usize) -> Result<AutoregressiveConfig> {
        Ok(autoregressive::config(preset, space, classes))
    }

    fn recipe(preset: Preset, space: Space) -> Recipe {
        autoregressive::recipe(preset, space)
    }

    fn adjust(config: &mut AutoregressiveConfig, options: &Options, _space: Space, seed: u64) -> Result<()> {
        config.layers = options.layers.unwrap_or(config.layers);
        config.order = options.order.map_or(config.order, |order| order.order(seed));
        config.components = options.components.unwrap_or(config.components);
        Ok(())
    }

    fn inputs(config: &AutoregressiveConfig, _space: Space) -> [usize; 2] {
        [config.dims, config.condition]
    }

    fn check(config: &AutoregressiveConfig, _space: Space) -> Result<f64> {
        autoregressive::check("maf", config)
    }

    fn build<T: Real>(config: &AutoregressiveConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        behind_logit(models::Maf::build(config, rng), space, MARGIN)
    }

    fn uses_batch_statistics(config: &AutoregressiveConfig) -> bool {
        config.norm == Norm::Batch
    }
}
