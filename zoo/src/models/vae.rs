//! The variational autoencoder, which is not a flow: [`models::Vae`].

use super::prelude::*;
use flows::layers::{ActNorm, Logit};
use flows::models::{Coder, Likelihood, Refinement, VaeConfig};

/// The margin λ of the logit before images, that of MAF, so that bits per dimension compare with those of flows.
const MARGIN: f64 = 1e-6;
/// Channels of convolutional networks, from the image inwards.
const CHANNELS: [usize; 2] = [32, 64];
/// Layers of a refined posterior.
const PLANAR: usize = 10;
const AUTOREGRESSIVE: usize = 2;
/// Features of x that condition those layers.
const FEATURES: usize = 32;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Dimensions of z [default: the preset's]
    #[arg(long, value_parser = options::whole(1..=10_000), allow_negative_numbers = true)]
    latents: Option<usize>,
    /// Encoder and decoder: layers over the whole row, or convolutions over images [default: dense]
    #[arg(long, value_parser = ["dense", "conv"])]
    coder: Option<String>,
    /// The decoder's distribution of each value. bernoulli samples each pixel as 0 or 1, anew in each step, and is
    /// measured in nats [default: logistic; bernoulli for images with the paper's preset]
    #[arg(long, value_parser = options::one_of([
        ("bernoulli", Likelihood::Bernoulli), ("gaussian", Likelihood::Gaussian), ("logistic", Likelihood::Logistic),
    ]))]
    likelihood: Option<Likelihood>,
    /// q(z|x): the encoder's Gaussian, alone or refined by planar or inverse autoregressive layers [default: gaussian]
    #[arg(long, value_parser = ["gaussian", "planar", "iaf"])]
    posterior: Option<String>,
}

impl ModelSpec for super::Vae {
    type Config = VaeConfig;
    type Options = Options;

    const ABOUT: About = About {
        conditional: false,
        ..About::new(Kind::Vae, "vae", "lectures 5 and 6, recap", "Kingma & Welling: Auto-Encoding VB (2014)")
    };

    fn config(preset: Preset, space: Space, _classes: usize) -> Result<VaeConfig> {
        let image = as_image("vae", space)?;
        let logistic = Likelihood::Logistic;
        let (latents, hidden, likelihood) = match space {
            Space::Images { .. } => preset.pick([
                (32, vec![500], logistic),
                (32, vec![1000, 500], logistic),
                (20, vec![500], Likelihood::Bernoulli),
            ]),
            _ => (space.dims().clamp(2, 32), preset.pick([vec![64, 64], vec![128, 128], vec![500]]), logistic),
        };
        Ok(VaeConfig { image, latents, coder: Coder::Dense(hidden), likelihood, refinement: Refinement::None })
    }

    fn recipe(preset: Preset, space: Space) -> Recipe {
        let (budget, batch) = if matches!(space, Space::Images { .. }) {
            // The paper's figure goes to 10⁸ images.
            (preset.pick([Budget::Minutes(2.0), Budget::Minutes(12.0), Budget::Steps(1_000_000)]), 100)
        } else {
            (Budget::Steps(preset.pick([5_000, 20_000, 50_000])), 256)
        };
        let lr = preset.pick([2e-3, 2e-3, 1e-3]);
        Recipe { warmup: 200, clip: Some(1000.0), ..Recipe::new(budget, batch, lr).constant_in_paper(preset) }
    }

    fn adjust(config: &mut VaeConfig, options: &Options, space: Space, _seed: u64) -> Result<()> {
        config.latents = options.latents.unwrap_or(config.latents);
        if options.coder.as_deref() == Some("conv") {
            config.coder = convolutional(space)?;
        }
        config.likelihood = options.likelihood.unwrap_or(config.likelihood);
        match options.posterior.as_deref() {
            Some("gaussian") => config.refinement = Refinement::None,
            Some("planar") => config.refinement = Refinement::Planar { layers: PLANAR, features: FEATURES },
            Some("iaf") => {
                let hidden = vec![(10 * config.latents).clamp(32, 320)];
                config.refinement = Refinement::Iaf { layers: AUTOREGRESSIVE, hidden, features: FEATURES };
            }
            _ => {}
        }
        Ok(())
    }

    fn check(config: &VaeConfig, space: Space) -> Result<[usize; 2]> {
        let VaeConfig { image, latents, coder, likelihood, refinement } = config;
        check_image("vae", *image, space)?;
        let images = matches!(space, Space::Images { .. });
        if likelihood.is_discrete() && !images {
            bail!("bernoulli is a likelihood of pixels that are 0 or 1: choose --likelihood gaussian or logistic");
        }
        if let Likelihood::FixedGaussian { std } = likelihood
            && !(std.is_finite() && *std > 0.0)
        {
            bail!("a Gaussian likelihood cannot have the standard deviation {std}: use another checkpoint");
        }
        let (Coder::Dense(widths) | Coder::Convolutional(widths)) = coder;
        if let Coder::Convolutional(channels) = coder {
            if !images || channels.is_empty() {
                bail!("a convolutional coder is for images: choose --coder dense");
            }
            check_squeezes("a convolutional coder", *image, channels.len())?;
        }
        let refined = if let Refinement::Iaf { hidden, .. } = refinement { &**hidden } else { &[] };
        check_positive("vae", &[&[*latents], &**widths, refined].concat())?;
        Ok([space.dims(), 0])
    }

    /// Pixels that are 0 or 1 come as they are; others on the real line, with mean 0 and variance 1.
    fn build<T: Real>(config: &VaeConfig, space: Space, rng: &mut dyn Rng) -> Model<T> {
        let vae = models::Vae::build(config, rng);
        Model::Vae(match space {
            Space::Images { .. } if !config.likelihood.is_discrete() => {
                vae.preceded_by(ActNorm::new(space.dims())).preceded_by(Logit::new(MARGIN))
            }
            _ => vae,
        })
    }
}

/// Convolutional networks over images, halved as often as they can be.
fn convolutional(space: Space) -> Result<Coder> {
    let Space::Images { height, width, .. } = space else {
        bail!("{} have no neighbors to convolve: leave out --coder", space.describe());
    };
    let halvings = halvings(height, width).min(CHANNELS.len());
    if halvings == 0 {
        bail!("images of {height}×{width} cannot be halved: choose --coder dense");
    }
    Ok(Coder::Convolutional(CHANNELS[..halvings].to_vec()))
}
