//! `MintNet`, over images and over rows, which are images of one pixel: [`models::MintNet`].

use super::prelude::*;
use flows::models::{MintNetConfig, MintScale};

/// The margin λ of the logit before images, that of the paper.
const MARGIN: f64 = 1e-6;
/// Each layer's diagonal starts a few percent above 1, as far from 0 as 40 layers allow without exploding. With the
/// paper's 0.005 layers start near the identity, which takes many steps to leave.
const GAIN: f64 = 0.3;
/// A few layers over rows do not explode. With smaller weights all modes stay merged for long.
const ROWS_GAIN: f64 = 1.0 / 3.0;
/// The multiplications for each row of a table that MintNet is meant for, with two or three columns.
const ROWS_WORK: f64 = 1e4;
/// How many times more of them are worth a warning.
const MUCH: f64 = 50.0;

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
            (_, Preset::Paper) => (scales(&[(10, 45)]), ROWS_GAIN, true),
            // Hidden layers have branches times columns units, and the work grows with their square.
            (_, Preset::Quick) => (scales(&[(4, (96 / image[0].max(1)).clamp(2, 16))]), ROWS_GAIN, true),
            (_, Preset::Standard) => (scales(&[(6, (256 / image[0].max(1)).clamp(4, 32))]), ROWS_GAIN, true),
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

    fn check(config: &MintNetConfig, space: Space) -> Result<[usize; 2]> {
        let MintNetConfig { image, scales, gain: _, logit, act_norm: _ } = config;
        check_image("mint-net", *image, space)?;
        if scales.is_empty() || logit.is_some() {
            bail!("these are not the sizes of a mint-net: use another checkpoint, this one is damaged");
        }
        let sizes: Vec<usize> = scales.iter().flat_map(|scale| [scale.pairs, scale.branches]).collect();
        check_positive("mint-net", &sizes)?;
        check_squeezes("mint-net", *image, scales.len() - 1)?;
        Ok([space.dims(), 0])
    }

    fn warning(config: &MintNetConfig, space: Space) -> Option<String> {
        let Space::Table { columns, .. } = space else { return None };
        let more = work(columns, &config.scales) / ROWS_WORK;
        (more > MUCH).then(|| {
            format!(
                "a step of this mint-net over {columns} columns takes about {more:.0} times the work of one over 2: maf and nice are faster"
            )
        })
    }

    fn build<T: Real>(config: &MintNetConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        behind_logit(models::MintNet::build(config, rng), space, MARGIN)
    }
}

/// The multiplications of a pass over one row of a table: about half of the weights are masked.
fn work(columns: usize, scales: &[MintScale]) -> f64 {
    let columns = columns as f64;
    let layer = |hidden: f64| 0.5 * hidden * (hidden + 2.0 * columns);
    scales.iter().map(|scale| 2.0 * scale.pairs as f64 * layer(scale.branches as f64 * columns)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::MintNet;

    fn table(columns: usize) -> Space {
        Space::Table { columns, standardized: true }
    }

    /// The warning before a training with a preset.
    fn warning(preset: Preset, space: Space) -> Option<String> {
        MintNet::warning(&MintNet::config(preset, space, 0).unwrap(), space)
    }

    #[test]
    fn wide_tables_get_few_branches_or_a_warning() {
        for (preset, most) in [(Preset::Quick, 20.0), (Preset::Standard, 60.0)] {
            for columns in [1, 2, 3, 8, 17, 40] {
                let config = MintNet::config(preset, table(columns), 0).unwrap();
                let more = work(columns, &config.scales) / ROWS_WORK;
                assert!(more < most, "{columns} columns take {more} times the work");
            }
        }
        assert_eq!(warning(Preset::Quick, table(17)), None);
        assert_eq!(warning(Preset::Paper, Space::Images { channels: 1, height: 28, width: 28 }), None);
        let long = warning(Preset::Paper, table(17)).unwrap();
        assert!(long.contains("over 17 columns") && long.contains("times the work"), "{long}");
        assert!(warning(Preset::Quick, table(500)).is_some());
    }

    /// Weights are what a pass multiplies by, so they measure its work.
    #[test]
    fn layers_over_tables_have_one_tap_and_those_over_images_nine() {
        let images = Space::Images { channels: 1, height: 28, width: 28 };
        for (space, taps) in [(table(17), [1, 1]), (images, [3, 3])] {
            let blueprint = Kind::MintNet.blueprint(Preset::Quick, space, 0).unwrap();
            let params = blueprint.outline(u64::MAX).unwrap();
            let kernels: Vec<_> = params.iter().map(|(_, param)| param.shape()).filter(|s| s.rank() == 4).collect();
            assert!(!kernels.is_empty() && kernels.iter().all(|kernel| kernel[2..] == taps), "{kernels:?}");
        }
    }
}
