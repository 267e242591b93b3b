//! MADE: a MAF of one layer.

use super::autoregressive::{self, AskedOrder, MARGIN};
use super::blueprint::behind_logit;
use super::prelude::*;
use flows::models::{AutoregressiveConfig, Maf, Norm};

/// See [`Maf`].
#[derive(Debug)]
pub struct Made;

/// MADE's own options.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The order of the dimensions [default: given]
    #[arg(long, value_enum)]
    order: Option<AskedOrder>,
    /// Gaussians in each conditional [default: 1]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    components: Option<usize>,
}

impl ModelSpec for Made {
    type Config = AutoregressiveConfig;
    type Options = Options;

    const ABOUT: About = About {
        published: "2.04",
        ..About::new(Kind::Made, "made", "lecture 8, autoregressive", "Germain et al.: MADE (2015)")
    };

    fn config(preset: Preset, space: Space, classes: usize) -> Result<AutoregressiveConfig> {
        Ok(AutoregressiveConfig { layers: 1, norm: Norm::None, ..autoregressive::config(preset, space, classes) })
    }

    fn recipe(preset: Preset, space: Space) -> Recipe {
        autoregressive::recipe(preset, space)
    }

    fn adjust(config: &mut AutoregressiveConfig, options: &Options, _space: Space, seed: u64) -> Result<()> {
        config.order = options.order.map_or(config.order, |order| order.order(seed));
        config.components = options.components.unwrap_or(config.components);
        Ok(())
    }

    fn inputs(config: &AutoregressiveConfig, _space: Space) -> [usize; 2] {
        [config.dims, config.condition]
    }

    fn check(config: &AutoregressiveConfig, _space: Space) -> Result<f64> {
        if config.layers != 1 {
            bail!("made is one layer, not {}: use another checkpoint, this one is damaged", config.layers);
        }
        autoregressive::check("made", config)
    }

    fn build<T: Real>(config: &AutoregressiveConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        behind_logit(Maf::build(config, rng), space, MARGIN)
    }
}
