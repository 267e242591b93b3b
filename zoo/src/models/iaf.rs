//! IAF, trained on data or as the student of a MADE or a MAF: [`models::Iaf`].

use super::prelude::*;
use super::{Made, Maf};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Autoregressive layers [default: 5]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    layers: Option<usize>,
    /// Combine old and new values by gates, as in the paper, instead of scaling freely
    #[arg(long)]
    gated: bool,
    /// Units in each hidden layer of each network, as in 1024,1024 [default: the preset's, or the teacher's]
    #[arg(long, value_name = "UNITS", value_delimiter = ',', value_parser = options::whole(1..=65_536))]
    #[arg(allow_negative_numbers = true)]
    hidden: Option<Vec<usize>>,
    /// The order of the dimensions in the first layer; it is reversed from layer to layer [default: given]
    #[arg(long, value_parser = options::order())]
    order: Option<Order>,
}

impl ModelSpec for super::Iaf {
    type Config = AutoregressiveConfig;
    type Options = Options;

    const ABOUT: About = About {
        teachers: &["made", "maf"],
        ..About::new(Kind::Iaf, "iaf", "lecture 8, IAF", "Kingma et al.: IAF (2016)")
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
        if options.gated {
            config.gate = Gate::Sigmoid;
        }
        Ok(())
    }

    fn renew(config: &mut AutoregressiveConfig, new: &AutoregressiveConfig) {
        config.outliers = new.outliers;
    }

    fn check(config: &AutoregressiveConfig, _space: Space) -> Result<[usize; 2]> {
        if config.components != 1 {
            bail!("iaf has no mixtures: use another checkpoint, this one is damaged");
        }
        autoregressive::check("iaf", config)
    }

    fn build<T: Real>(config: &AutoregressiveConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        behind_logit(models::Iaf::build(config, rng), space, autoregressive::MARGIN)
    }

    fn uses_batch_statistics(config: &AutoregressiveConfig) -> bool {
        config.norm == Norm::Batch
    }

    fn student(teacher: &Blueprint, preset: Preset) -> Option<(AutoregressiveConfig, Recipe)> {
        // One layer is not enough to draw what one autoregressive layer draws.
        let made = || teacher.config::<Made>().map(|made| AutoregressiveConfig { layers: 5, ..made });
        let sizes = teacher.config::<Maf>().or_else(made)?;
        let AutoregressiveConfig { norm, .. } = autoregressive::config(preset, teacher.space, teacher.classes);
        let (order, components) = (Order::Given, 1);
        let config = AutoregressiveConfig { norm, order, components, gate: Gate::None, ..sizes };
        let large = teacher.space.dims() > 100;
        let (budget, batch, lr) = if large {
            (Budget::Steps(preset.pick([1_000, 6_000, 30_000])), 200, 2e-3)
        } else {
            (Budget::Steps(preset.pick([2_000, 10_000, 50_000])), 256, 1e-3)
        };
        let shards = large.then_some(1);
        // The forward KL alone leaves out of real images what the teacher does not draw. The reverse KL draws nothing but
        // black images from a student that is not yet close.
        let lessons = vec![(if large { Lesson::WithData } else { Lesson::Forward }, 1.0)];
        let recipe = Recipe { warmup: 200, clip: Some(100.0), shards, lessons, ..Recipe::new(budget, batch, lr) };
        Some((config, recipe))
    }
}
