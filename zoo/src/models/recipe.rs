//! How a model is trained.

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
    /// The paper's sizes, learning rate, batch, and epochs (for the wavenets, larger than the other presets').
    Paper,
}

impl Preset {
    /// The value for this preset, of those for quick, standard, and paper.
    pub fn pick<X>(self, [quick, standard, paper]: [X; 3]) -> X {
        match self {
            Self::Quick => quick,
            Self::Standard => standard,
            Self::Paper => paper,
        }
    }
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

/// What a student minimizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lesson {
    /// The squared distance to the teacher's map, on whole and intermediate layers.
    Guided,
    /// KL(teacher ‖ student), on samples of the teacher.
    Forward,
    /// The same on samples of the teacher and on rows of the data, half of each.
    WithData,
    /// KL(student ‖ teacher), on samples of the student.
    Reverse,
    /// The sum of both KL.
    Jeffreys,
}

/// A lesson, and how long it takes in proportion to the other lessons of a training.
pub type Lessons = Vec<(Lesson, f64)>;

/// Everything about a training but its model and its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// How long.
    pub budget: Budget,
    /// Rows in a mini-batch.
    pub batch: usize,
    /// The peak learning rate.
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
    /// Shards that a batch is split into; 1 parallelizes each operation instead, which is faster where weights
    /// outweigh activations.
    pub shards: Option<usize>,
    /// The temperature of the samples drawn during training.
    pub temperature: f64,
    /// What a student of a MAF learns by, one lesson after the other. Others have none.
    #[serde(default)]
    pub lessons: Lessons,
    /// Whether products and convolutions of a step may be computed in half precision: see
    /// [`autograd::parallel::in_half_precision`].
    #[serde(default)]
    pub half: bool,
}

impl Recipe {
    /// Adam with a cosine schedule, 100 steps of warm-up, and a running average of weights.
    pub fn new(budget: Budget, batch: usize, lr: f64) -> Self {
        Self {
            budget,
            batch,
            lr,
            schedule: Schedule::Cosine { floor: 0.02 },
            warmup: 100,
            adam: AdamConfig::default(),
            clip: None,
            average: Some(0.999),
            shards: None,
            temperature: 1.0,
            lessons: Lessons::new(),
            half: false,
        }
    }

    /// The same, but with the paper's preset at a constant learning rate and without the average.
    pub fn constant_in_paper(self, preset: Preset) -> Self {
        match preset {
            Preset::Paper => Self { schedule: Schedule::Constant, average: None, ..self },
            Preset::Quick | Preset::Standard => self,
        }
    }
}
