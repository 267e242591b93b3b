//! `RealNVP`'s recipes.

use super::{Budget, Entry, Preset, Recipe};
use crate::blueprint::{Architecture, Space};
use flows::models::Norm;
use flows::nn::{AdamConfig, Schedule};

pub(super) const ENTRY: Entry = Entry {
    name: "real-nvp",
    lecture: "lecture 7, affine coupling",
    paper: "Dinh, Sohl-Dickstein & Bengio: RealNVP (2017)",
    published: "1.06",
    data: "mnist",
    taught_by: None,
    recipe,
};

fn recipe(preset: Preset, space: Space) -> Recipe {
    match space {
        Space::Images { height, width, .. } => images(preset, height, width),
        Space::Table { .. } | Space::Signal { .. } => rows(preset),
    }
}

fn images(preset: Preset, height: usize, width: usize) -> Recipe {
    // As often as both sides can be halved, but no more than twice.
    let squeezes = height.trailing_zeros().min(width.trailing_zeros()).min(2) as usize;
    let sizes = |channels, blocks, weight_norm, norm| Architecture::RealNvpImages {
        squeezes,
        channels,
        widening: 2,
        blocks,
        weight_norm,
        norm,
    };
    let (architecture, budget) = match preset {
        Preset::Quick => (sizes(16, 2, false, Norm::Act), Budget::Minutes(5.0)),
        Preset::Standard => (sizes(32, 2, false, Norm::Act), Budget::Minutes(60.0)),
        // The paper has no MNIST: these are its sizes for CIFAR-10.
        Preset::Paper => (sizes(64, 8, true, Norm::Batch), Budget::Epochs(500.0)),
    };
    Recipe {
        architecture,
        budget,
        batch: if preset == Preset::Paper { 64 } else { 32 },
        lr: if preset == Preset::Paper { 1e-3 } else { 1.5e-3 },
        schedule: if preset == Preset::Paper { Schedule::Constant } else { Schedule::Cosine { floor: 0.02 } },
        warmup: 200,
        // The paper's small L2 penalty on the lengths of normalized weights is left out.
        adam: AdamConfig::default(),
        clip: Some(100.0),
        average: (preset != Preset::Paper).then_some(0.999),
        // Batch normalization sees the whole batch only where it is not split.
        shards: (preset == Preset::Paper).then_some(1),
        temperature: 1.0,
    }
}

fn rows(preset: Preset) -> Recipe {
    let (hidden, steps, norm) = match preset {
        Preset::Quick => (64, 5_000, Norm::None),
        Preset::Standard => (128, 20_000, Norm::None),
        Preset::Paper => (256, 100_000, Norm::Batch),
    };
    Recipe {
        architecture: Architecture::RealNvp { couplings: 8, hidden, depth: 2, norm },
        budget: Budget::Steps(steps),
        batch: 256,
        lr: 3e-3,
        schedule: Schedule::Cosine { floor: 0.02 },
        warmup: 100,
        adam: AdamConfig::default(),
        clip: Some(100.0),
        average: Some(0.999),
        shards: None,
        temperature: 1.0,
    }
}
