//! The recipes of `WaveNet` and of its student.

use super::{Budget, Entry, Preset, Recipe};
use crate::blueprint::Architecture;
use flows::nn::{AdamConfig, Schedule};

pub(super) const TEACHER: Entry = Entry {
    name: "wavenet",
    lecture: "lecture 8, Parallel WaveNet",
    paper: "van den Oord et al.: WaveNet (2016)",
    published: "-",
    data: "speech",
    taught_by: None,
    recipe: |preset, _| {
        let (channels, skip, layers, cycles, minutes) = match preset {
            Preset::Quick => (16, 32, 8, 1, 3.0),
            Preset::Standard => (32, 64, 8, 2, 20.0),
            // The paper's are larger still, and it trains for days.
            Preset::Paper => (64, 256, 10, 3, 600.0),
        };
        Recipe {
            architecture: Architecture::WaveNet { channels, skip, layers, cycles, components: 10 },
            budget: Budget::Minutes(minutes),
            batch: 8,
            lr: 2e-3,
            schedule: Schedule::Cosine { floor: 0.02 },
            warmup: 100,
            adam: AdamConfig::default(),
            clip: Some(1e4),
            average: Some(0.999),
            shards: None,
            temperature: 1.0,
        }
    },
};

pub(super) const STUDENT: Entry = Entry {
    name: "parallel-wavenet",
    lecture: "lecture 8, Parallel WaveNet",
    paper: "van den Oord et al.: Parallel WaveNet (2018)",
    published: "-",
    data: "speech",
    taught_by: Some("wavenet"),
    recipe: |preset, _| {
        let (flows, channels, skip, layers, cycles, minutes) = match preset {
            Preset::Quick => (2, 16, 32, 8, 1, 4.0),
            Preset::Standard => (4, 32, 64, 8, 1, 30.0),
            // The paper's last flow has three cycles.
            Preset::Paper => (4, 64, 64, 10, 1, 600.0),
        };
        Recipe {
            architecture: Architecture::ParallelWaveNet { flows, channels, skip, layers, cycles },
            budget: Budget::Minutes(minutes),
            batch: 4,
            lr: 1e-3,
            schedule: Schedule::Cosine { floor: 0.02 },
            warmup: 200,
            adam: AdamConfig::default(),
            clip: Some(1e4),
            average: Some(0.999),
            // The power loss compares means over the whole batch.
            shards: Some(1),
            temperature: 1.0,
        }
    },
};
