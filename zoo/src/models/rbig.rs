//! RBIG, which is fitted and not trained: [`models::Rbig`].

use super::prelude::*;
use flows::models::RbigConfig;
use flows::rbig::{Axes, Marginals};

/// The margin λ of the logit before images, that of RBIG's published figure on MNIST.
pub(super) const MARGIN: f64 = 1e-5;
/// Kernels by default. With few the estimate is too smooth.
const KERNELS: usize = 500;

/// What is fitted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The sizes of the model.
    pub layers: RbigConfig,
    /// What the rotations align with.
    pub axes: Axes,
}

#[derive(Debug, clap::Args)]
pub struct Options {
    /// The most layers of marginals [default: the preset's]
    #[arg(long, value_parser = options::whole(1..=1000), allow_negative_numbers = true)]
    layers: Option<usize>,
    /// What to rotate to: principal axes, independent axes where they are better, or random axes
    /// [default: pca for images, else ica]
    #[arg(long, value_parser = options::one_of([
        ("pca", Axes::Principal), ("ica", Axes::Independent), ("random", Axes::Random),
    ]))]
    rotation: Option<Axes>,
    /// How to estimate the distribution of each column [default: histogram, or kernels with --kernels]
    #[arg(long, value_parser = ["histogram", "kernels"])]
    marginals: Option<String>,
    /// Bins of each histogram, at most the square root of the rows it is fitted to [default: the preset's]
    #[arg(long, value_parser = options::whole(2..=100_000), allow_negative_numbers = true)]
    bins: Option<usize>,
    /// Logistic kernels for each column [default: 500]
    #[arg(long, value_parser = options::whole(1..=100_000), allow_negative_numbers = true)]
    kernels: Option<usize>,
}

impl Options {
    /// The marginals asked for, if any are.
    fn marginals(&self) -> Result<Option<Marginals>> {
        Ok(Some(match (self.marginals.as_deref(), self.bins, self.kernels) {
            (Some("histogram"), _, Some(_)) => bail!("a histogram has no kernels: leave out --kernels"),
            (Some("kernels"), Some(_), _) => bail!("kernels have no bins: leave out --bins"),
            (None, Some(_), Some(_)) => bail!("marginals have bins or kernels: leave out --bins or --kernels"),
            (_, Some(bins), _) => Marginals::Histogram { bins },
            (_, _, Some(kernels)) => Marginals::Kernels { kernels },
            (Some("kernels"), ..) => Marginals::Kernels { kernels: KERNELS },
            // A histogram is every preset's choice.
            _ => return Ok(None),
        }))
    }

    /// Changes the sizes as these options ask.
    /// Fails if they contradict each other.
    pub fn adjust(&self, config: &mut Config) -> Result<()> {
        config.layers.layers = self.layers.unwrap_or(config.layers.layers);
        config.layers.marginals = self.marginals()?.unwrap_or(config.layers.marginals);
        config.axes = self.rotation.unwrap_or(config.axes);
        Ok(())
    }
}

/// Layers, bins, and the rows that each layer is fitted to.
fn sizes(preset: Preset, space: Space) -> (usize, usize, usize) {
    preset.pick(match space {
        Space::Images { .. } => [(10, 60, 5_000), (40, 100, 20_000), (100, 200, 50_000)],
        _ => [(30, 50, 5_000), (60, 100, 20_000), (200, 200, 60_000)],
    })
}

impl ModelSpec for super::Rbig {
    type Config = Config;
    type Options = Options;

    const ABOUT: About = About {
        conditional: false,
        learns: Learns::ByFitting,
        ..About::new(Kind::Rbig, "rbig", "lecture 8, Gaussianization", "Laparra, Camps-Valls & Malo: RBIG (2011)")
    };

    fn config(preset: Preset, space: Space, _classes: usize) -> Result<Config> {
        let (layers, bins, _) = sizes(preset, space);
        let layers = RbigConfig { dims: space.dims(), layers, marginals: Marginals::Histogram { bins } };
        // Once nothing is correlated, principal axes are arbitrary. But for images the others take minutes a layer.
        let axes = if matches!(space, Space::Images { .. }) { Axes::Principal } else { Axes::Independent };
        Ok(Config { layers, axes })
    }

    /// Only the batch matters: the rows that each layer is fitted to.
    fn recipe(preset: Preset, space: Space) -> Recipe {
        Recipe::new(Budget::Epochs(1.0), sizes(preset, space).2, 0.0)
    }

    fn adjust(config: &mut Config, options: &Options, _space: Space, _seed: u64) -> Result<()> {
        options.adjust(config)
    }

    fn check(config: &Config, _space: Space) -> Result<[usize; 2]> {
        let RbigConfig { dims, layers, marginals } = config.layers;
        let (Marginals::Histogram { bins: each } | Marginals::Kernels { kernels: each }) = marginals;
        check_positive("rbig", &[dims, layers, each])?;
        Ok([dims, 0])
    }

    fn build<T: Real>(config: &Config, space: Space, _rng: &mut dyn Rng) -> Model<T> {
        behind_logit(models::Rbig::build(&config.layers), space, MARGIN)
    }
}
