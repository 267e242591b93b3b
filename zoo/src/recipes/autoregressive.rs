//! The recipes of MADE, MAF and IAF, which differ in how many layers there are and what they read.

use super::{Budget, Entry, Preset, Recipe};
use crate::blueprint::{Architecture, Space};
use flows::models::Gate;
use flows::models::{Norm, Order};
use flows::nn::{AdamConfig, Schedule};

pub(super) const MADE: Entry = Entry {
    name: "made",
    lecture: "lecture 8, autoregressive",
    paper: "Germain et al.: MADE (2015)",
    published: "2.04",
    data: "mnist",
    taught_by: None,
    recipe: |preset, space| {
        let Sizes { hidden, depth, .. } = Sizes::of(preset, space);
        recipe(Architecture::Made { hidden, depth, order: Order::Given, components: 1 }, preset, space)
    },
};

pub(super) const MAF: Entry = Entry {
    name: "maf",
    lecture: "lecture 8, MAF",
    paper: "Papamakarios, Pavlakou & Murray: MAF (2017)",
    published: "1.89",
    data: "mnist",
    taught_by: None,
    recipe: |preset, space| {
        let Sizes { hidden, depth, layers, norm } = Sizes::of(preset, space);
        recipe(Architecture::Maf { layers, hidden, depth, norm, order: Order::Given, components: 1 }, preset, space)
    },
};

pub(super) const IAF: Entry = Entry {
    name: "iaf",
    lecture: "lecture 8, IAF",
    paper: "Kingma et al.: IAF (2016)",
    published: "-",
    data: "mnist",
    taught_by: None,
    recipe: |preset, space| {
        let Sizes { hidden, depth, layers, .. } = Sizes::of(preset, space);
        let (norm, gate, order) = (Norm::Act, Gate::None, Order::Given);
        recipe(Architecture::Iaf { layers, hidden, depth, norm, gate, order }, preset, space)
    },
};

struct Sizes {
    layers: usize,
    hidden: usize,
    depth: usize,
    norm: Norm,
}

impl Sizes {
    fn of(preset: Preset, space: Space) -> Self {
        let (layers, norm) = (5, Norm::Batch);
        match (space, preset) {
            (Space::Images { .. }, _) => Self { layers, hidden: 1024, depth: 1, norm },
            (_, Preset::Quick) => Self { layers, hidden: 64, depth: 2, norm: Norm::Act },
            (_, Preset::Standard) => Self { layers, hidden: 128, depth: 2, norm: Norm::Act },
            (_, Preset::Paper) => Self { layers, hidden: 100, depth: 1, norm },
        }
    }
}

fn recipe(architecture: Architecture, preset: Preset, space: Space) -> Recipe {
    let images = matches!(space, Space::Images { .. });
    let paper = preset == Preset::Paper;
    let budget = match (images, preset) {
        (true, Preset::Quick) => Budget::Minutes(5.0),
        (true, Preset::Standard) => Budget::Minutes(20.0),
        // The paper stops where 30 epochs in a row were no better; the best weights are kept here.
        (_, Preset::Paper) => Budget::Epochs(200.0),
        (false, Preset::Quick) => Budget::Steps(5_000),
        (false, Preset::Standard) => Budget::Steps(20_000),
    };
    Recipe {
        architecture,
        budget,
        batch: if images || paper { 100 } else { 256 },
        lr: match (images, paper) {
            (_, true) => 1e-4,
            (true, false) => 3e-4,
            (false, false) => 2e-3,
        },
        schedule: if paper { Schedule::Constant } else { Schedule::Cosine { floor: 0.02 } },
        warmup: 100,
        // Large weights make the scales of unusual images extreme.
        adam: AdamConfig { weight_decay: if images && !paper { 0.3 } else { 0.0 }, ..AdamConfig::default() },
        clip: Some(1000.0),
        average: (!paper).then_some(0.999),
        // Weights outweigh activations, and batch normalization sees the whole batch only where it is not split.
        shards: (images || paper).then_some(1),
        temperature: 1.0,
    }
}
