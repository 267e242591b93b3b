//! NICE's recipes.

use super::{Budget, Entry, Preset, Recipe};
use crate::blueprint::{Architecture, Space};
use flows::nn::{AdamConfig, Schedule};

pub(super) const ENTRY: Entry = Entry {
    name: "nice",
    lecture: "lecture 7, additive coupling",
    paper: "Dinh, Krueger & Bengio: NICE (2015)",
    published: "4.36",
    recipe,
};

fn recipe(preset: Preset, space: Space) -> Recipe {
    let images = matches!(space, Space::Images { .. });
    let (architecture, budget, batch) = match (images, preset) {
        (true, Preset::Quick) => {
            (Architecture::Nice { couplings: 4, hidden: 500, depth: 3 }, Budget::Minutes(2.0), 200)
        }
        (true, Preset::Standard) => {
            (Architecture::Nice { couplings: 4, hidden: 1000, depth: 5 }, Budget::Minutes(60.0), 200)
        }
        // 1500 epochs in the paper.
        (true, Preset::Paper) => {
            (Architecture::Nice { couplings: 4, hidden: 1000, depth: 5 }, Budget::Epochs(1500.0), 200)
        }
        (false, Preset::Quick) => (Architecture::Nice { couplings: 6, hidden: 64, depth: 2 }, Budget::Steps(5_000), 256),
        (false, Preset::Standard) => {
            (Architecture::Nice { couplings: 6, hidden: 128, depth: 3 }, Budget::Steps(20_000), 256)
        }
        (false, Preset::Paper) => {
            (Architecture::Nice { couplings: 4, hidden: 1000, depth: 5 }, Budget::Epochs(1500.0), 200)
        }
    };
    Recipe {
        architecture,
        budget,
        batch,
        lr: 1e-3,
        schedule: if preset == Preset::Paper { Schedule::Constant } else { Schedule::Cosine { floor: 0.02 } },
        warmup: 100,
        // The paper's ε of 1e-4 keeps steps small where gradients vanish: the many pixels that are always 0.
        adam: AdamConfig { eps: 1e-4, ..AdamConfig::default() },
        clip: None,
        average: (preset != Preset::Paper).then_some(0.999),
        shards: images.then_some(1),
        temperature: 1.0,
    }
}
