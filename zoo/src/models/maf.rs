//! MAF: [`models::Maf`].

use super::prelude::*;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Autoregressive layers [default: 5]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    layers: Option<usize>,
    /// Units in each hidden layer of each network, as in 1024,1024 [default: the preset's, or the teacher's]
    #[arg(long, value_name = "UNITS", value_delimiter = ',', value_parser = options::whole(1..=65_536))]
    #[arg(allow_negative_numbers = true)]
    hidden: Option<Vec<usize>>,
    /// The order of the dimensions in the first layer; it is reversed from layer to layer [default: given]
    #[arg(long, value_parser = options::order())]
    order: Option<Order>,
    /// Gaussians in each conditional of the last layer [default: 1]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    components: Option<usize>,
}

impl super::Maf {
    /// The smallest model and the shortest recipe of digits that a person can read: three layers given the class.
    /// Fails if there is none of such data.
    pub fn demonstration(space: Space, classes: usize, budget: Budget) -> Result<(Blueprint, Recipe)> {
        let config = AutoregressiveConfig { layers: 3, ..autoregressive::config(Preset::Quick, space, classes) };
        let recipe = Recipe { budget, half: true, ..autoregressive::recipe(Preset::Quick, space) };
        Ok((Blueprint::new::<Self>(&config, space, classes)?, recipe))
    }
}

impl ModelSpec for super::Maf {
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
        autoregressive::set_order(config, options.order, seed);
        autoregressive::set_hidden(config, options.hidden.as_deref());
        config.components = options.components.unwrap_or(config.components);
        Ok(())
    }

    fn renew(config: &mut AutoregressiveConfig, new: &AutoregressiveConfig) {
        config.outliers = new.outliers;
    }

    fn check(config: &AutoregressiveConfig, _space: Space) -> Result<[usize; 2]> {
        autoregressive::check("maf", config)
    }

    fn build<T: Real>(config: &AutoregressiveConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        behind_logit(models::Maf::build(config, rng), space, autoregressive::MARGIN)
    }

    fn uses_batch_statistics(config: &AutoregressiveConfig) -> bool {
        config.norm == Norm::Batch
    }
}
