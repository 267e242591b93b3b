//! The recipes of the variational autoencoder.

use super::{Budget, Entry, Preset, Recipe};
use crate::blueprint::{Architecture, Space};
use anyhow::{Result, bail};
use flows::models::{Coder, Likelihood, Refinement};
use flows::nn::{AdamConfig, Schedule};

pub(super) const ENTRY: Entry = Entry {
    name: "vae",
    lecture: "lectures 5 and 6, recap",
    paper: "Kingma & Welling: Auto-Encoding VB (2014)",
    published: "-",
    data: "mnist",
    taught_by: None,
    recipe,
};

/// Channels of convolutional networks, from the image inwards.
const CHANNELS: [usize; 2] = [32, 64];
/// Layers of a bent posterior: planar ones, each a bend along one line, and autoregressive ones.
const PLANAR: usize = 10;
const AUTOREGRESSIVE: usize = 2;
/// Features of x that those layers are told.
const FEATURES: usize = 32;

fn recipe(preset: Preset, space: Space) -> Recipe {
    match space {
        Space::Images { .. } => images(preset),
        Space::Table { .. } | Space::Signal { .. } => rows(preset, space.dims()),
    }
}

fn images(preset: Preset) -> Recipe {
    let (latents, hidden, likelihood, budget) = match preset {
        Preset::Quick => (32, vec![500], Likelihood::Logistic, Budget::Minutes(2.0)),
        Preset::Standard => (32, vec![1000, 500], Likelihood::Logistic, Budget::Minutes(12.0)),
        // The paper's figure goes to 10⁸ images.
        Preset::Paper => (20, vec![500], Likelihood::Bernoulli, Budget::Steps(1_000_000)),
    };
    Recipe {
        architecture: Architecture::Vae {
            latents,
            coder: Coder::Dense(hidden),
            likelihood,
            refinement: Refinement::None,
        },
        budget,
        batch: 100,
        shards: None,
        ..common(preset)
    }
}

fn rows(preset: Preset, columns: usize) -> Recipe {
    let (hidden, steps) = match preset {
        Preset::Quick => (vec![64, 64], 5_000),
        Preset::Standard => (vec![128, 128], 20_000),
        Preset::Paper => (vec![500], 50_000),
    };
    Recipe {
        architecture: Architecture::Vae {
            latents: columns.clamp(2, 32),
            coder: Coder::Dense(hidden),
            likelihood: Likelihood::Logistic,
            refinement: Refinement::None,
        },
        budget: Budget::Steps(steps),
        batch: 256,
        ..common(preset)
    }
}

fn common(preset: Preset) -> Recipe {
    let paper = preset == Preset::Paper;
    Recipe {
        architecture: Architecture::Vae {
            latents: 2,
            coder: Coder::Dense(Vec::new()),
            likelihood: Likelihood::Logistic,
            refinement: Refinement::None,
        },
        budget: Budget::Epochs(1.0),
        batch: 100,
        lr: if paper { 1e-3 } else { 2e-3 },
        schedule: if paper { Schedule::Constant } else { Schedule::Cosine { floor: 0.02 } },
        warmup: 200,
        adam: AdamConfig::default(),
        clip: Some(1000.0),
        average: (!paper).then_some(0.999),
        shards: None,
        temperature: 1.0,
    }
}

/// Convolutional networks over images of these sides, as often halved as they can be.
///
/// # Errors
/// If a side is odd.
pub fn convolutional(sides: [usize; 2]) -> Result<Coder> {
    let [height, width] = sides;
    let halvings = (height.trailing_zeros().min(width.trailing_zeros()) as usize).min(CHANNELS.len());
    if halvings == 0 {
        bail!("images of {height}×{width} cannot be halved: choose --coder dense");
    }
    Ok(Coder::Convolutional(CHANNELS[..halvings].to_vec()))
}

/// A posterior bent by planar layers.
#[must_use]
pub const fn planar() -> Refinement {
    Refinement::Planar { layers: PLANAR, features: FEATURES }
}

/// A posterior bent by inverse autoregressive flow.
#[must_use]
pub fn iaf(latents: usize) -> Refinement {
    let wide = (10 * latents).clamp(32, 320);
    Refinement::Iaf { layers: AUTOREGRESSIVE, hidden: vec![wide], features: FEATURES }
}
