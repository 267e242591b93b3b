//! `WaveNet`, a density of signals: [`WaveNetFlow`].

use super::prelude::*;
use flows::models::{WaveNetFlow, WaveNetFlowConfig};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Layers in each cycle of dilations [default: the preset's]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    layers: Option<usize>,
    /// Logistic distributions in each conditional [default: 10]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    components: Option<usize>,
    /// Learn p(x) without the track of pitch, formants, and loudness that comes with speech
    #[arg(long)]
    unconditional: bool,
}

impl ModelSpec for super::WaveNet {
    type Config = WaveNetFlowConfig;
    type Options = Options;

    const ABOUT: About = About {
        data: Speech::NAME,
        ..About::new(Kind::WaveNet, "wavenet", "lecture 8, Parallel WaveNet", "van den Oord et al.: WaveNet (2016)")
    };

    fn config(preset: Preset, space: Space, condition: usize) -> Result<WaveNetFlowConfig> {
        // The paper's own sizes are larger still, and it trains for days.
        let (channels, skip, layers, cycles) = preset.pick([(16, 32, 8, 1), (32, 64, 8, 2), (64, 256, 10, 3)]);
        let length = steps("wavenet", space)?;
        let track = if condition == 0 { Speech::TRACK } else { 0 };
        Ok(WaveNetFlowConfig { length, channels, skip, layers, cycles, components: 10, condition, track })
    }

    fn recipe(preset: Preset, _space: Space) -> Recipe {
        let minutes = preset.pick([3.0, 20.0, 600.0]);
        // The activations of one signal stay close to the core.
        Recipe { clip: Some(1e4), shards: Some(8), ..Recipe::new(Budget::Minutes(minutes), 8, 2e-3) }
    }

    fn adjust(config: &mut WaveNetFlowConfig, options: &Options, _space: Space, _seed: u64) -> Result<()> {
        config.layers = options.layers.unwrap_or(config.layers);
        config.components = options.components.unwrap_or(config.components);
        if options.unconditional {
            config.track = 0;
        }
        Ok(())
    }

    fn check(config: &WaveNetFlowConfig, space: Space) -> Result<[usize; 2]> {
        let &WaveNetFlowConfig { length, channels, skip, layers, cycles, components, condition, track } = config;
        steps("wavenet", space)?;
        check_dilations("wavenet", layers, &[length, channels, skip, layers, cycles, components])?;
        check_track("wavenet", track, condition)?;
        // The parameters of one signal: they take memory that its few weights do not show.
        if length.saturating_mul(components) > MOST_PARAMETERS {
            bail!("wavenet cannot have {components} components at {length} steps: choose fewer --components");
        }
        Ok([length, condition])
    }

    fn track(config: &WaveNetFlowConfig) -> usize {
        config.track
    }

    fn build<T: Real>(config: &WaveNetFlowConfig, _space: Space, rng: &mut dyn Rng) -> Model<T> {
        Model::Flow(WaveNetFlow::build(config, rng))
    }
}

/// The most components in a signal. Each has three parameters.
const MOST_PARAMETERS: usize = 1 << 22;

/// Refuses other tracks than those of speech.
pub(super) fn check_track(model: &str, track: usize, condition: usize) -> Result<()> {
    if track != 0 && (track != Speech::TRACK || condition != 0) {
        bail!("{model} knows no track of {track} features: use another checkpoint, this one is damaged");
    }
    Ok(())
}

/// The time steps of a signal.
pub(super) fn steps(model: &str, space: Space) -> Result<usize> {
    match space {
        Space::Signal { samples, .. } => Ok(samples),
        _ => bail!("{model} is a model of signals, but the data are {}: choose --data speech", space.describe()),
    }
}

/// The most layers in a cycle: beyond it a dilation is longer than any signal.
const MOST_DILATIONS: usize = 24;

/// As [`check_positive`], and refuses more layers in a cycle than there can be dilations.
pub(super) fn check_dilations(model: &str, layers: usize, positive: &[usize]) -> Result<()> {
    check_positive(model, positive)?;
    if layers > MOST_DILATIONS {
        bail!("{model} cannot have the sizes {positive:?}: choose --layers up to {MOST_DILATIONS}");
    }
    Ok(())
}
