//! The recipes of RBIG, which is fitted and not trained, and of the Gaussianization flow.

use super::{Budget, Entry, Preset, Recipe};
use crate::blueprint::{Architecture, Space};
use flows::nn::{AdamConfig, Schedule};
use flows::rbig::{Axes, Marginals};

pub(super) const RBIG: Entry = Entry {
    name: "rbig",
    lecture: "lecture 8, Gaussianization",
    paper: "Laparra, Camps-Valls & Malo: RBIG (2011)",
    published: "-",
    data: "mnist",
    taught_by: None,
    recipe: rbig,
};

pub(super) const GAUSSIANIZATION: Entry = Entry {
    name: "gaussianization",
    lecture: "lecture 8, Gaussianization",
    paper: "Meng et al.: Gaussianization Flows (2020)",
    published: "1.29",
    data: "mnist",
    taught_by: None,
    recipe: gaussianization,
};

/// Of all this RBIG has but the architecture and the batch: the rows that each layer is fitted to.
fn rbig(preset: Preset, space: Space) -> Recipe {
    let images = matches!(space, Space::Images { .. });
    let (layers, bins, batch) = match (images, preset) {
        (true, Preset::Quick) => (10, 60, 5_000),
        (true, Preset::Standard) => (40, 100, 20_000),
        (true, Preset::Paper) => (100, 200, 50_000),
        (false, Preset::Quick) => (30, 50, 5_000),
        (false, Preset::Standard) => (60, 100, 20_000),
        (false, Preset::Paper) => (200, 200, 60_000),
    };
    Recipe {
        architecture: Architecture::Rbig {
            layers,
            marginals: Marginals::Histogram { bins },
            // Once nothing correlates any more, principal axes are any axes. But of images others take minutes a layer.
            axes: if images { Axes::Principal } else { Axes::Independent },
        },
        budget: Budget::Epochs(1.0),
        batch,
        lr: 0.0,
        schedule: Schedule::Constant,
        warmup: 0,
        adam: AdamConfig::default(),
        clip: None,
        average: None,
        shards: None,
        temperature: 1.0,
    }
}

fn gaussianization(preset: Preset, space: Space) -> Recipe {
    match space {
        Space::Images { height, width, .. } => images(preset, [height, width]),
        Space::Table { columns, .. } => rows(preset, columns),
        Space::Signal { samples, .. } => rows(preset, samples),
    }
}

fn images(preset: Preset, sides: [usize; 2]) -> Recipe {
    // The largest patch of at most 7 pixels that fills the image; images of prime sides are turned as a whole.
    let patch = (2..=7).rev().find(|side| sides.iter().all(|whole| whole.is_multiple_of(*side)));
    let (layers, kernels, budget) = match preset {
        Preset::Quick => (8, 20, Budget::Minutes(5.0)),
        Preset::Standard => (12, 30, Budget::Minutes(60.0)),
        Preset::Paper => (5, 100, Budget::Epochs(100.0)),
    };
    Recipe {
        // As many reflections as a patch has pixels make every rotation of it.
        architecture: Architecture::Gaussianization {
            layers,
            kernels,
            reflections: patch.map_or(64, |side| side * side),
            patch,
        },
        budget,
        batch: if preset == Preset::Paper { 500 } else { 200 },
        ..common(preset, 2e-2)
    }
}

fn rows(preset: Preset, columns: usize) -> Recipe {
    let (layers, kernels, steps) = match preset {
        Preset::Quick => (6, 30, 3_000),
        Preset::Standard => (10, 50, 20_000),
        Preset::Paper => (10, 100, 100_000),
    };
    Recipe {
        // As many reflections as dimensions make every rotation; beyond 64 that is more than is worth its time.
        architecture: Architecture::Gaussianization { layers, kernels, reflections: columns.clamp(1, 64), patch: None },
        budget: Budget::Steps(steps),
        batch: 256,
        ..common(preset, 5e-3)
    }
}

fn common(preset: Preset, lr: f64) -> Recipe {
    Recipe {
        lr: if preset == Preset::Paper { 1e-3 } else { lr },
        schedule: if preset == Preset::Paper { Schedule::Constant } else { Schedule::Cosine { floor: 0.02 } },
        warmup: 100,
        clip: Some(1000.0),
        average: (preset != Preset::Paper).then_some(0.999),
        ..rbig(preset, Space::Table { columns: 1, standardized: true })
    }
}
