//! Gaussianization flows.

use super::blueprint::{behind_logit, check_sizes};
use super::{About, Budget, Model, ModelSpec, Preset, Recipe, options, rbig};
use crate::data::Space;
use anyhow::{Result, bail};
use autograd::Real;
use flows::models::{GaussianizationConfig, GaussianizationFlow, PatchRotations};
use rand::Rng;

/// See [`GaussianizationFlow`].
#[derive(Debug)]
pub struct Gaussianization;

/// The own options of Gaussianization flows.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Layers of marginals [default: the preset's]
    #[arg(long, value_parser = options::count(1000), allow_negative_numbers = true)]
    layers: Option<usize>,
    /// Logistic kernels for each dimension of each layer [default: the preset's]
    #[arg(long, value_parser = options::count(100_000), allow_negative_numbers = true)]
    kernels: Option<usize>,
    /// Householder reflections in each rotation [default: the preset's]
    #[arg(long, value_parser = options::count(10_000), allow_negative_numbers = true)]
    reflections: Option<usize>,
}

impl ModelSpec for Gaussianization {
    type Config = GaussianizationConfig;
    type Options = Options;

    const ABOUT: About = About {
        name: "gaussianization",
        lecture: "lecture 8, Gaussianization",
        paper: "Meng et al.: Gaussianization Flows (2020)",
        published: "1.29",
        conditional: false,
        ..About::BASE
    };

    fn config(preset: Preset, space: Space, _classes: usize) -> Result<GaussianizationConfig> {
        let dims = space.dims();
        let Space::Images { channels, height, width } = space else {
            let (layers, kernels) = match preset {
                Preset::Quick => (6, 30),
                Preset::Standard => (10, 50),
                Preset::Paper => (10, 100),
            };
            // As many reflections as dimensions make every rotation. Beyond 64 that is not worth its time.
            return Ok(GaussianizationConfig { dims, layers, kernels, reflections: dims.clamp(1, 64), patches: None });
        };
        let (layers, kernels) = match preset {
            Preset::Quick => (8, 20),
            Preset::Standard => (12, 30),
            Preset::Paper => (5, 100),
        };
        // The largest patch of at most 7 pixels that tiles the image. Images with prime sides are rotated as a whole.
        let side = (2..=7).rev().find(|&side| height.is_multiple_of(side) && width.is_multiple_of(side));
        let patches = side.map(|side| PatchRotations { image: [channels, height, width], side, shared: false });
        // As many reflections as a patch has pixels make every rotation of it.
        let reflections = side.map_or(64, |side| side * side);
        Ok(GaussianizationConfig { dims, layers, kernels, reflections, patches })
    }

    fn recipe(preset: Preset, space: Space) -> Recipe {
        let (budget, batch, lr) = match (space, preset) {
            (Space::Images { .. }, Preset::Quick) => (Budget::Minutes(5.0), 200, 2e-2),
            (Space::Images { .. }, Preset::Standard) => (Budget::Minutes(60.0), 200, 2e-2),
            (Space::Images { .. }, Preset::Paper) => (Budget::Epochs(100.0), 500, 1e-3),
            (_, Preset::Quick) => (Budget::Steps(3_000), 256, 5e-3),
            (_, Preset::Standard) => (Budget::Steps(20_000), 256, 5e-3),
            (_, Preset::Paper) => (Budget::Steps(100_000), 256, 1e-3),
        };
        Recipe { clip: Some(1000.0), ..Recipe::new(budget, batch, lr).constant_in_paper(preset) }
    }

    fn adjust(config: &mut GaussianizationConfig, options: &Options, _space: Space, _seed: u64) -> Result<()> {
        config.layers = options.layers.unwrap_or(config.layers);
        config.kernels = options.kernels.unwrap_or(config.kernels);
        config.reflections = options.reflections.unwrap_or(config.reflections);
        Ok(())
    }

    fn inputs(config: &GaussianizationConfig, _space: Space) -> [usize; 2] {
        [config.dims, 0]
    }

    fn check(config: &GaussianizationConfig, space: Space) -> Result<()> {
        let &GaussianizationConfig { dims, layers, kernels, reflections, patches } = config;
        check_sizes("gaussianization", &[dims, layers, kernels, reflections], &[])?;
        let Some(PatchRotations { image, side, .. }) = patches else { return Ok(()) };
        let Space::Images { channels, height, width } = space else {
            bail!("there are no patches in {}: use another checkpoint, this one is damaged", space.describe());
        };
        if image != [channels, height, width] || side == 0 || !height.is_multiple_of(side) || !width.is_multiple_of(side) {
            bail!("patches of {side}×{side} do not tile images of {height}×{width}: use another checkpoint");
        }
        Ok(())
    }

    fn least_weights(config: &GaussianizationConfig) -> f64 {
        3.0 * config.dims as f64 * config.kernels as f64 * config.layers as f64
    }

    fn build<T: Real>(config: &GaussianizationConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        behind_logit(GaussianizationFlow::build(config, rng), space, rbig::MARGIN)
    }
}
