//! `MintNet`'s recipes.

use super::{Budget, Entry, Preset, Recipe};
use crate::blueprint::{Architecture, Space};
use flows::models::{MintNetConfig, MintScale};
use flows::nn::{AdamConfig, Schedule};

pub(super) const ENTRY: Entry = Entry {
    name: "mint-net",
    lecture: "lecture 8, masked convolutions",
    paper: "Song, Meng & Ermon: MintNet (2019)",
    published: "0.98",
    data: "mnist",
    taught_by: None,
    recipe,
};

/// The paper's layers begin as near to the identity as this, which takes many steps to leave.
const PAPERS_GAIN: f64 = 0.005;
/// Each layer's diagonal begins a few percent above 1, so that 40 of them do not explode, and as far from 0 as that
/// allows.
const GAIN: f64 = 0.3;
/// A few layers over rows do not explode: from smaller weights they stay for long where all data are one mode.
const ROWS_GAIN: f64 = 1.0;

fn recipe(preset: Preset, space: Space) -> Recipe {
    match space {
        Space::Images { height, width, .. } => images(preset, height, width),
        Space::Table { .. } | Space::Signal { .. } => rows(preset),
    }
}

fn scales(sizes: &[(usize, usize)]) -> Vec<MintScale> {
    sizes.iter().map(|&(pairs, branches)| MintScale { pairs, branches }).collect()
}

fn images(preset: Preset, height: usize, width: usize) -> Recipe {
    let paper = preset == Preset::Paper;
    let mut scales = match preset {
        Preset::Quick => scales(&[(2, 16), (3, 8), (3, 2)]),
        Preset::Standard | Preset::Paper => MintNetConfig::mnist().scales,
    };
    // As often as both sides can be halved, but no more often than in the paper.
    scales.truncate(1 + height.trailing_zeros().min(width.trailing_zeros()) as usize);
    Recipe {
        architecture: Architecture::MintNet { scales, gain: if paper { PAPERS_GAIN } else { GAIN }, act_norm: !paper },
        budget: match preset {
            Preset::Quick => Budget::Minutes(5.0),
            Preset::Standard => Budget::Minutes(60.0),
            Preset::Paper => Budget::Epochs(350.0),
        },
        batch: 32,
        lr: if paper { 1e-3 } else { 8e-3 },
        schedule: if paper { Schedule::Constant } else { Schedule::Cosine { floor: 0.02 } },
        warmup: 200,
        adam: AdamConfig { amsgrad: true, ..AdamConfig::default() },
        clip: Some(100.0),
        average: (!paper).then_some(0.999),
        // Fewer rows at a time stay nearer to the cores.
        shards: Some(4),
        temperature: 1.0,
    }
}

fn rows(preset: Preset) -> Recipe {
    let (sizes, steps) = match preset {
        Preset::Quick => ((4, 16), 5_000),
        Preset::Standard => ((6, 32), 20_000),
        Preset::Paper => ((10, 45), 50_000),
    };
    Recipe {
        architecture: Architecture::MintNet { scales: scales(&[sizes]), gain: ROWS_GAIN, act_norm: true },
        budget: Budget::Steps(steps),
        batch: 256,
        lr: 8e-3,
        schedule: Schedule::Cosine { floor: 0.02 },
        warmup: 100,
        adam: AdamConfig { amsgrad: true, ..AdamConfig::default() },
        clip: Some(100.0),
        average: Some(0.999),
        shards: None,
        temperature: 1.0,
    }
}
