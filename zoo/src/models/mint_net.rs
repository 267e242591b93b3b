//! `MintNet`, over images and over rows, which are images of one pixel: [`models::MintNet`].

use super::prelude::*;
use flows::models::{MintNetConfig, MintScale};

/// The margin λ of the logit before images, that of the paper.
const MARGIN: f64 = 1e-6;
/// Each layer's diagonal starts a few percent above 1, as far from 0 as 40 layers allow without exploding. With the
/// paper's 0.005 layers start near the identity, which takes many steps to leave.
const GAIN: f64 = 0.3;
/// A few layers over rows do not explode. With smaller weights all modes stay merged for long.
const ROWS_GAIN: f64 = 1.0;

impl ModelSpec for super::MintNet {
    type Config = MintNetConfig;
    type Options = options::NoOptions;

    const ABOUT: About = About {
        published: "0.98",
        conditional: false,
        ..About::new(Kind::MintNet, "mint-net", "lecture 8, masked convolutions", "Song, Meng & Ermon: MintNet (2019)")
    };

    fn config(preset: Preset, space: Space, _classes: usize) -> Result<MintNetConfig> {
        let (image, published) = (as_image("mint-net", space)?, MintNetConfig::mnist());
        let scales = |sizes: &[(usize, usize)]| {
            sizes.iter().map(|&(pairs, branches)| MintScale { pairs, branches }).collect::<Vec<_>>()
        };
        let MintNetConfig { scales: full, gain, act_norm, .. } = published;
        let (mut scales, gain, act_norm) = match (space, preset) {
            (Space::Images { .. }, Preset::Quick) => (scales(&[(2, 16), (3, 8), (3, 2)]), GAIN, true),
            (Space::Images { .. }, Preset::Standard) => (full, GAIN, true),
            (Space::Images { .. }, Preset::Paper) => (full, gain, act_norm),
            _ => (scales(&[preset.pick([(4, 16), (6, 32), (10, 45)])]), ROWS_GAIN, true),
        };
        scales.truncate(1 + halvings(image[1], image[2]));
        // The logit stands before the model, as with the other flows over images.
        Ok(MintNetConfig { image, scales, gain, logit: None, act_norm })
    }

    fn recipe(preset: Preset, space: Space) -> Recipe {
        let adam = AdamConfig { amsgrad: true, ..AdamConfig::default() };
        let clip = Some(100.0);
        if !matches!(space, Space::Images { .. }) {
            let steps = preset.pick([5_000, 20_000, 50_000]);
            return Recipe { adam, clip, ..Recipe::new(Budget::Steps(steps), 256, 8e-3) };
        }
        let budget = preset.pick([Budget::Minutes(5.0), Budget::Minutes(60.0), Budget::Epochs(350.0)]);
        let lr = preset.pick([8e-3, 8e-3, 1e-3]);
        // Activations of a few rows at a time stay in the cores' caches.
        let shards = Some(4);
        Recipe { adam, clip, warmup: 200, shards, ..Recipe::new(budget, 32, lr).constant_in_paper(preset) }
    }

    fn check(config: &MintNetConfig, space: Space) -> Result<Checked> {
        let MintNetConfig { image, scales, gain: _, logit, act_norm: _ } = config;
        check_image("mint-net", *image, space)?;
        if scales.is_empty() || logit.is_some() {
            bail!("these are not the sizes of a mint-net: use another checkpoint, this one is damaged");
        }
        let sizes: Vec<usize> = scales.iter().flat_map(|scale| [scale.pairs, scale.branches]).collect();
        check_sizes("mint-net", &sizes, &[])?;
        check_squeezes("mint-net", *image, scales.len() - 1)?;
        // In both layers of a pair: t for each pixel, and the first convolution.
        let weights = scales.iter().enumerate().map(|(i, &MintScale { pairs, branches })| {
            let channels = image[0] << (2 * i);
            2.0 * pairs as f64 * (space.dims() as f64 + 9.0 * dense_weights(&[channels, channels * branches]))
        });
        Ok(([elements(*image), 0], weights.sum()))
    }

    fn build<T: Real>(config: &MintNetConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        behind_logit(models::MintNet::build(config, rng), space, MARGIN)
    }
}
