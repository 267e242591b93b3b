//! Parallel `WaveNet`, the student of a `WaveNet`: [`models::ParallelWaveNet`].

use super::WaveNet;
use super::prelude::*;
use super::wavenet::{check_dilations, check_track, steps};
use flows::models::ParallelWaveNetConfig;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Layers in each cycle of dilations [default: the preset's]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    layers: Option<usize>,
}

impl ModelSpec for super::ParallelWaveNet {
    type Config = ParallelWaveNetConfig;
    type Options = Options;

    const ABOUT: About = About {
        data: Speech::NAME,
        teachers: &["wavenet"],
        learns: Learns::FromTeacher,
        ..About::new(
            Kind::ParallelWaveNet,
            "parallel-wavenet",
            "lecture 8, Parallel WaveNet",
            "van den Oord et al.: Parallel WaveNet (2018)",
        )
    };

    fn config(preset: Preset, space: Space, condition: usize) -> Result<ParallelWaveNetConfig> {
        steps("parallel-wavenet", space)?;
        // In the paper there are four flows, and the last has three cycles.
        let (flows, channels, skip, layers) = preset.pick([(2, 16, 32, 8), (2, 32, 64, 8), (4, 64, 64, 10)]);
        Ok(ParallelWaveNetConfig { channels, skip, layers, cycles: vec![1; flows], condition, track: 0 })
    }

    fn recipe(preset: Preset, _space: Space) -> Recipe {
        let minutes = preset.pick([4.0, 30.0, 600.0]);
        // The power loss has a threshold from the whole batch, which must not be split.
        Recipe { warmup: 200, clip: Some(1e4), shards: Some(1), ..Recipe::new(Budget::Minutes(minutes), 6, 3e-3) }
    }

    fn adjust(config: &mut ParallelWaveNetConfig, options: &Options, _space: Space, _seed: u64) -> Result<()> {
        config.layers = options.layers.unwrap_or(config.layers);
        Ok(())
    }

    fn check(config: &ParallelWaveNetConfig, space: Space) -> Result<[usize; 2]> {
        let ParallelWaveNetConfig { channels, skip, layers, cycles, condition, track } = config;
        let positive =
            [&[steps("parallel-wavenet", space)?, *channels, *skip, *layers, cycles.len()], &**cycles].concat();
        check_dilations("parallel-wavenet", *layers, &positive)?;
        check_track("parallel-wavenet", *track, *condition)?;
        Ok([space.dims(), *condition])
    }

    fn track(config: &ParallelWaveNetConfig) -> usize {
        config.track
    }

    fn build<T: Real>(config: &ParallelWaveNetConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        Model::Flow(Arc::new(models::ParallelWaveNet::new(config, rng)).flow(space.dims(), config.condition))
    }

    fn student(teacher: &Blueprint, preset: Preset) -> Option<(ParallelWaveNetConfig, Recipe)> {
        let track = teacher.config::<WaveNet>()?.track;
        let config = Self::config(preset, teacher.space, teacher.classes).ok()?;
        Some((ParallelWaveNetConfig { track, ..config }, Self::recipe(preset, teacher.space)))
    }
}
