//! NICE's recipes.

use super::{Budget, Entry, Preset, Recipe};
use crate::blueprint::{Architecture, Space};
use flows::nn::{AdamConfig, Schedule};

pub(super) const ENTRY: Entry = Entry {
    name: "nice",
    lecture: "lecture 7, additive coupling",
    paper: "Dinh, Krueger & Bengio: NICE (2015)",
    published: "4.36",
    data: "mnist",
    taught_by: None,
    recipe,
};

fn recipe(preset: Preset, space: Space) -> Recipe {
    let images = matches!(space, Space::Images { .. });
    let (architecture, budget, batch) = match (images, preset) {
        (true, Preset::Quick) => {
            (Architecture::Nice { couplings: 4, hidden: 1000, depth: 2 }, Budget::Minutes(2.0), 100)
        }
        // About a quarter of an hour on two idle cores. Longer ones learn the training images by heart
        // while the learning rate is still high.
        (true, Preset::Standard) => {
            (Architecture::Nice { couplings: 4, hidden: 1000, depth: 5 }, Budget::Epochs(40.0), 200)
        }
        // 1500 epochs in the paper.
        (true, Preset::Paper) => {
            (Architecture::Nice { couplings: 4, hidden: 1000, depth: 5 }, Budget::Epochs(1500.0), 200)
        }
        (false, Preset::Quick) => {
            (Architecture::Nice { couplings: 6, hidden: 64, depth: 2 }, Budget::Steps(5_000), 256)
        }
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
        // The paper's 1e-3 is for 1500 epochs; with He's start and the data-dependent scale, twice
        // that is stable, and gets further in an hour.
        lr: if preset == Preset::Paper { 1e-3 } else { 2e-3 },
        schedule: if preset == Preset::Paper { Schedule::Constant } else { Schedule::Cosine { floor: 0.02 } },
        warmup: 100,
        // 19 million weights learn 55,000 images by heart in half an hour; decay is what holds them back.
        adam: AdamConfig {
            weight_decay: if images && preset == Preset::Standard { 0.2 } else { 0.0 },
            ..AdamConfig::default()
        },
        clip: None,
        average: (preset != Preset::Paper).then_some(0.999),
        shards: images.then_some(1),
        temperature: 1.0,
    }
}
