//! `RealNVP` over rows and over images: [`models::RealNvp`].

use super::nice::check_couplings;
use super::prelude::*;
use flows::models::{RealNvpConfig, RealNvpImageConfig};

/// The margin λ of the logit before images, that of the authors' code.
const MARGIN: f64 = 0.05;
/// Whether the quick and the standard preset squeeze images before the first coupling.
const SQUEEZE_FIRST: bool = false;

/// One of the two forms.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Config {
    /// Couplings of halves.
    Rows(RealNvpConfig),
    /// Couplings under masks, at several scales.
    Images(RealNvpImageConfig),
}

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Coupling layers; over images at each size, or N,LAST for another number at the smallest [default: 8; over images
    /// the preset's]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = options::whole(1..=1000))]
    #[arg(allow_negative_numbers = true)]
    layers: Option<Vec<usize>>,
    /// Images: channels in the networks of the first couplings; twice as many after each further squeeze [default: the
    /// preset's]
    #[arg(long, value_name = "N", value_parser = options::whole(1..=4096), allow_negative_numbers = true)]
    channels: Option<usize>,
    /// Images: residual blocks in each network [default: the preset's]
    #[arg(long, value_name = "N", value_parser = options::whole(0..=1000), allow_negative_numbers = true)]
    blocks: Option<usize>,
    /// Images: squeeze before the first coupling, so that most of them work at half of the size [default: the preset's]
    #[arg(long, value_name = "true|false")]
    squeeze_first: Option<bool>,
}

impl ModelSpec for super::RealNvp {
    type Config = Config;
    type Options = Options;

    const ABOUT: About = About {
        published: "1.06",
        ..About::new(
            Kind::RealNvp,
            "real-nvp",
            "lecture 7, affine coupling",
            "Dinh, Sohl-Dickstein & Bengio: RealNVP (2017)",
        )
    };

    fn config(preset: Preset, space: Space, condition: usize) -> Result<Config> {
        let Space::Images { channels: colors, height, width } = space else {
            let (hidden, norm) = preset.pick([(64, Norm::None), (128, Norm::None), (256, Norm::Batch)]);
            let (dims, couplings, depth) = (space.dims(), 8, 2);
            return Ok(Config::Rows(RealNvpConfig { dims, couplings, hidden, depth, norm, condition }));
        };
        // The paper has no MNIST: these are its sizes for CIFAR-10.
        let paper = (64, 8, true, Norm::Batch);
        let (channels, blocks, weight_norm, norm) =
            preset.pick([(16, 2, false, Norm::Act), (32, 2, false, Norm::Act), paper]);
        let image = [colors, height, width];
        let (squeezes, widening, logit) = (halvings(height, width).min(2), 2, Some(MARGIN));
        let config = RealNvpImageConfig {
            image,
            squeezes,
            squeeze_first: false,
            couplings: 3,
            last: 4,
            channels,
            widening,
            blocks,
            weight_norm,
            norm,
            logit,
            condition,
        };
        let squeeze_first = SQUEEZE_FIRST && preset != Preset::Paper && squeezes > 0;
        Ok(Config::Images(laid_out(config, squeeze_first)))
    }

    fn recipe(preset: Preset, space: Space) -> Recipe {
        if !matches!(space, Space::Images { .. }) {
            let steps = preset.pick([5_000, 20_000, 100_000]);
            return Recipe { clip: Some(100.0), ..Recipe::new(Budget::Steps(steps), 256, 3e-3) };
        }
        let budget = preset.pick([Budget::Minutes(5.0), Budget::Minutes(60.0), Budget::Epochs(500.0)]);
        let (batch, lr) = preset.pick([(32, 1.5e-3), (32, 1.5e-3), (64, 1e-3)]);
        // The paper's small L2 penalty on the lengths of normalized weights is left out.
        Recipe {
            warmup: 200,
            clip: Some(100.0),
            // Batch normalization must see the whole batch.
            shards: preset.pick([None, None, Some(1)]),
            ..Recipe::new(budget, batch, lr).constant_in_paper(preset)
        }
    }

    fn adjust(config: &mut Config, options: &Options, _space: Space, _seed: u64) -> Result<()> {
        let &Options { ref layers, channels, blocks, squeeze_first } = options;
        match config {
            Config::Rows(_) if channels.or(blocks).is_some() || squeeze_first.is_some() => {
                bail!(
                    "real-nvp over a table has no images to convolve: leave out --channels, --blocks and --squeeze-first"
                )
            }
            Config::Rows(rows) => match layers.as_deref() {
                None => {}
                Some(&[layers]) => rows.couplings = layers,
                Some(_) => bail!("real-nvp over a table has layers of one size: give --layers one number"),
            },
            Config::Images(images) => {
                *images = laid_out(*images, squeeze_first.unwrap_or(images.squeeze_first));
                (images.couplings, images.last) = match layers.as_deref() {
                    None => (images.couplings, images.last),
                    Some(&[layers]) => (layers, layers),
                    Some(&[layers, last]) => (layers, last),
                    Some(_) => bail!("real-nvp takes at most two numbers of layers: give --layers N or N,LAST"),
                };
                images.channels = channels.unwrap_or(images.channels);
                images.blocks = blocks.unwrap_or(images.blocks);
            }
        }
        Ok(())
    }

    fn check(config: &Config, space: Space) -> Result<[usize; 2]> {
        let name = Self::ABOUT.name;
        match *config {
            Config::Rows(RealNvpConfig { dims, couplings, hidden, condition, .. }) => {
                check_couplings(name, [dims, couplings, hidden, condition])
            }
            Config::Images(images) => {
                let RealNvpImageConfig { image, squeezes, squeeze_first, couplings, last, .. } = images;
                let RealNvpImageConfig { channels, widening, condition, logit, .. } = images;
                check_image(name, image, space)?;
                if logit.is_some_and(|margin| !(margin > 0.0 && margin < 0.5)) {
                    bail!("a logit's margin is between 0 and 0.5: use another checkpoint, this one is damaged");
                }
                check_positive(name, &[couplings, last, channels, widening])?;
                check_squeezes(name, image, squeezes)?;
                if squeeze_first && squeezes == 0 {
                    bail!("real-nvp cannot squeeze {} first: leave out --squeeze-first", space.describe());
                }
                Ok([space.dims(), condition])
            }
        }
    }

    fn build<T: Real>(config: &Config, _space: Space, rng: &mut dyn Rng) -> Model<T> {
        Model::Flow(match config {
            Config::Rows(rows) => models::RealNvp::build(rows, rng),
            Config::Images(images) => models::RealNvp::build_for_images(images, rng),
        })
    }

    fn uses_batch_statistics(config: &Config) -> bool {
        match config {
            Config::Rows(rows) => rows.norm == Norm::Batch,
            Config::Images(images) => images.norm == Norm::Batch,
        }
    }
}

/// The same squeezed first or not, at about the same cost in multiplications.
fn laid_out(config: RealNvpImageConfig, squeeze_first: bool) -> RealNvpImageConfig {
    match (config.squeeze_first, squeeze_first) {
        (false, true) => {
            // Most couplings are at the larger of the sizes; at the smallest, networks have the most weights.
            let last = if config.squeezes > 1 { 4 } else { 14 };
            RealNvpImageConfig { squeeze_first, couplings: 14, last, channels: 2 * config.channels, ..config }
        }
        (true, false) => {
            let channels = config.channels.div_ceil(2);
            RealNvpImageConfig { squeeze_first, couplings: 3, last: 4, channels, ..config }
        }
        _ => config,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::RealNvp;
    use serde_json::json;

    const MNIST: Space = Space::Images { channels: 1, height: 28, width: 28 };

    fn standard(squeeze_first: bool) -> Blueprint {
        let Config::Images(images) = RealNvp::config(Preset::Standard, MNIST, 0).unwrap() else { panic!("no images") };
        Blueprint::new::<RealNvp>(&Config::Images(laid_out(images, squeeze_first)), MNIST, 0).unwrap()
    }

    #[test]
    fn both_layouts_have_weights_that_can_ship() {
        for squeeze_first in [false, true] {
            let blueprint = standard(squeeze_first);
            blueprint.check().unwrap();
            let params = blueprint.outline(u64::MAX).unwrap();
            let couplings = params.iter().filter(|(name, _)| name.ends_with("net.output.weight")).count();
            assert_eq!(couplings, if squeeze_first { 14 + 4 } else { 3 * 4 + 4 });
            let weights = params.iter().map(|(_, param)| param.shape().elements()).sum::<usize>();
            assert!(weights < 5_300_000, "{weights}");
        }
    }

    #[test]
    fn files_without_a_layout_have_the_papers() {
        let old = json!({ "model": "real-nvp", "sizes": { "images": {
            "image": [1, 28, 28], "squeezes": 2, "channels": 32, "widening": 2, "blocks": 2, "weight_norm": false,
            "norm": "act", "logit": 0.05, "condition": 0
        } }, "space": { "kind": "images", "channels": 1, "height": 28, "width": 28 }, "classes": 0 });
        let old: Blueprint = serde_json::from_value(old).unwrap();
        assert_eq!(old.completed().unwrap(), standard(false));
    }
}
