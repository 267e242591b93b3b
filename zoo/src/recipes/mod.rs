//! What a model is trained with, as data: one place a model.

mod autoregressive;
mod gaussian;
mod mint_net;
mod nice;
mod real_nvp;
mod student;
pub mod vae;
mod wave_net;

pub use student::student;

use crate::blueprint::{Architecture, Space};
use crate::data::Speech;
use anyhow::{Result, bail};
use clap::ValueEnum;
use flows::nn::{AdamConfig, Schedule};
use serde::{Deserialize, Serialize};

/// How much time a training is meant to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// A few minutes on two cores.
    Quick,
    /// Up to an hour on two cores.
    Standard,
    /// The paper's sizes, learning rate, batch and epochs (of the wavenets, larger ones than the others).
    Paper,
}

/// How long a training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Budget {
    /// Optimizer steps.
    Steps(u64),
    /// Passes over the training data.
    Epochs(f64),
    /// Minutes of training, evaluation included.
    Minutes(f64),
}

/// Everything about a training but its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The model.
    pub architecture: Architecture,
    /// How long.
    pub budget: Budget,
    /// Rows a step.
    pub batch: usize,
    /// The learning rate at its highest.
    pub lr: f64,
    /// How it changes over the training.
    pub schedule: Schedule,
    /// Steps over which it first rises.
    pub warmup: u64,
    /// The optimizer.
    pub adam: AdamConfig,
    /// The largest gradient norm, if there is a limit.
    pub clip: Option<f64>,
    /// The decay of the running average of weights, if one is kept.
    pub average: Option<f64>,
    /// Shards that a batch is split into; 1 splits inside each operation instead, which is better
    /// where weights outweigh activations.
    pub shards: Option<usize>,
    /// The temperature of the pictures drawn during training.
    pub temperature: f64,
}

/// A model as `zoo list` shows it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name that commands take.
    pub name: &'static str,
    /// Where the lectures treat it.
    pub lecture: &'static str,
    /// The paper, with its year.
    pub paper: &'static str,
    /// The data that it is trained on where none are asked for.
    pub data: &'static str,
    /// The model that it learns from, where it does not learn from data.
    pub taught_by: Option<&'static str>,
    /// The published result on MNIST, bits per dimension.
    pub published: &'static str,
    recipe: fn(Preset, Space) -> Recipe,
}

/// Every model: the flows in the lectures' order, then the model that is none.
pub const MODELS: [Entry; 11] = [
    nice::ENTRY,
    real_nvp::ENTRY,
    autoregressive::MADE,
    autoregressive::MAF,
    autoregressive::IAF,
    wave_net::TEACHER,
    wave_net::STUDENT,
    mint_net::ENTRY,
    gaussian::RBIG,
    gaussian::GAUSSIANIZATION,
    vae::ENTRY,
];

/// The entry of a model.
///
/// # Errors
/// If there is none of that name; names the nearest.
pub fn find(name: &str) -> Result<&'static Entry> {
    if let Some(entry) = MODELS.iter().find(|entry| entry.name == name.to_lowercase()) {
        return Ok(entry);
    }
    let names: Vec<&str> = MODELS.iter().map(|entry| entry.name).collect();
    let nearest = names.iter().max_by(|a, b| {
        let likeness = |known: &str| strsim::jaro_winkler(known, &name.to_lowercase());
        likeness(a).total_cmp(&likeness(b))
    });
    match nearest {
        Some(nearest) if strsim::jaro_winkler(nearest, &name.to_lowercase()) > 0.7 => {
            bail!("there is no model {name:?}; did you mean {nearest:?}? (`zoo list` shows them all)")
        }
        _ => bail!("there is no model {name:?}; there are: {}", names.join(", ")),
    }
}

impl Entry {
    /// The space of the data that it is usually trained on.
    #[must_use]
    pub fn space(&self) -> Space {
        if self.data == Speech::NAME {
            let Speech { samples, rate } = Speech::default();
            Space::Signal { samples, rate }
        } else {
            Space::Images { channels: 1, height: 28, width: 28 }
        }
    }

    /// What this model is trained with on data of that space.
    #[must_use]
    pub fn recipe(&self, preset: Preset, space: Space) -> Recipe {
        (self.recipe)(preset, space)
    }
}
