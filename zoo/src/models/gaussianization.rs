//! Gaussianization flows: [`GaussianizationFlow`].

use super::prelude::*;
use super::rbig;
use flows::models::{GaussianizationConfig, GaussianizationFlow, PatchRotations};

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Layers of marginals [default: the preset's]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    layers: Option<usize>,
    /// Logistic kernels for each dimension of each layer [default: the preset's]
    #[arg(long, value_parser = options::whole(1..=100_000), allow_negative_numbers = true)]
    kernels: Option<usize>,
    /// Householder reflections in each rotation [default: the preset's]
    #[arg(long, value_parser = options::whole(1..=10_000), allow_negative_numbers = true)]
    reflections: Option<usize>,
}

impl ModelSpec for super::Gaussianization {
    type Config = GaussianizationConfig;
    type Options = Options;

    const ABOUT: About = About {
        published: "1.29",
        conditional: false,
        ..About::new(
            Kind::Gaussianization,
            "gaussianization",
            "lecture 8, Gaussianization",
            "Meng et al.: Gaussianization Flows (2020)",
        )
    };

    fn config(preset: Preset, space: Space, _classes: usize) -> Result<GaussianizationConfig> {
        let dims = space.dims();
        let Space::Images { channels, height, width } = space else {
            let (layers, kernels) = preset.pick([(6, 30), (10, 50), (10, 100)]);
            // As many reflections as dimensions make every rotation. Beyond 64 that is not worth its time.
            return Ok(GaussianizationConfig { dims, layers, kernels, reflections: dims.clamp(1, 64), patches: None });
        };
        let (layers, kernels) = preset.pick([(8, 20), (12, 30), (5, 100)]);
        // The largest patch of at most 7 pixels that tiles the image. Images with prime sides are rotated as a whole.
        let side = (2..=7).rev().find(|&side| height.is_multiple_of(side) && width.is_multiple_of(side));
        let patches = side.map(|side| PatchRotations { image: [channels, height, width], side, shared: false });
        // As many reflections as a patch has pixels make every rotation of it.
        let reflections = side.map_or(dims.clamp(1, 64), |side| side * side);
        Ok(GaussianizationConfig { dims, layers, kernels, reflections, patches })
    }

    fn recipe(preset: Preset, space: Space) -> Recipe {
        let (budget, batch, lr) = if matches!(space, Space::Images { .. }) {
            let budget = preset.pick([Budget::Minutes(5.0), Budget::Minutes(60.0), Budget::Epochs(100.0)]);
            (budget, preset.pick([200, 200, 500]), preset.pick([2e-2, 2e-2, 1e-3]))
        } else {
            (Budget::Steps(preset.pick([3_000, 20_000, 100_000])), 256, preset.pick([5e-3, 5e-3, 1e-3]))
        };
        Recipe { clip: Some(1000.0), ..Recipe::new(budget, batch, lr).constant_in_paper(preset) }
    }

    fn adjust(config: &mut GaussianizationConfig, options: &Options, _space: Space, _seed: u64) -> Result<()> {
        config.layers = options.layers.unwrap_or(config.layers);
        config.kernels = options.kernels.unwrap_or(config.kernels);
        config.reflections = options.reflections.unwrap_or(config.reflections);
        Ok(())
    }

    fn check(config: &GaussianizationConfig, space: Space) -> Result<[usize; 2]> {
        let &GaussianizationConfig { dims, layers, kernels, reflections, patches } = config;
        check_positive("gaussianization", &[dims, layers, kernels, reflections])?;
        let mut rotated = dims;
        if let Some(PatchRotations { image, side, .. }) = patches {
            check_image("gaussianization", image, space)?;
            if side == 0 || image[1..].iter().any(|sides| !sides.is_multiple_of(side)) {
                bail!("patches of {side}×{side} do not tile {}: use another checkpoint", space.describe());
            }
            rotated = image[0] * side * side;
        }
        if reflections > rotated {
            bail!(
                "rotations of {rotated} dimensions take no more than {rotated} reflections: choose fewer --reflections"
            );
        }
        Ok([dims, 0])
    }

    fn build<T: Real>(config: &GaussianizationConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        behind_logit(GaussianizationFlow::build(config, rng), space, rbig::MARGIN)
    }
}
