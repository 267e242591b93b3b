//! MADE: a [`Maf`](models::Maf) of one layer.

use super::prelude::*;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Units in each hidden layer of each network, as in 1024,1024 [default: the preset's, or the teacher's]
    #[arg(long, value_name = "UNITS", value_delimiter = ',', value_parser = options::whole(1..=65_536))]
    #[arg(allow_negative_numbers = true)]
    hidden: Option<Vec<usize>>,
    /// The order of the dimensions [default: given]
    #[arg(long, value_parser = options::order())]
    order: Option<Order>,
    /// Gaussians in each conditional [default: 1]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    components: Option<usize>,
}

impl ModelSpec for super::Made {
    type Config = AutoregressiveConfig;
    type Options = Options;

    const ABOUT: About = About {
        published: "2.04",
        ..About::new(Kind::Made, "made", "lecture 8, autoregressive", "Germain et al.: MADE (2015)")
    };

    fn config(preset: Preset, space: Space, classes: usize) -> Result<AutoregressiveConfig> {
        let (layers, norm, outliers) = (1, Norm::None, false);
        Ok(AutoregressiveConfig { layers, norm, outliers, ..autoregressive::config(preset, space, classes) })
    }

    fn recipe(preset: Preset, space: Space) -> Recipe {
        autoregressive::recipe(preset, space)
    }

    fn adjust(config: &mut AutoregressiveConfig, options: &Options, _space: Space, seed: u64) -> Result<()> {
        autoregressive::set_order(config, options.order, seed);
        autoregressive::set_hidden(config, options.hidden.as_deref());
        config.components = options.components.unwrap_or(config.components);
        Ok(())
    }

    fn check(config: &AutoregressiveConfig, _space: Space) -> Result<[usize; 2]> {
        if config.layers != 1 {
            bail!("made is one layer, not {}: use another checkpoint, this one is damaged", config.layers);
        }
        autoregressive::check("made", config)
    }

    fn build<T: Real>(config: &AutoregressiveConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        behind_logit(models::Maf::build(config, rng), space, autoregressive::MARGIN)
    }
}
