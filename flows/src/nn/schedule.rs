//! Learning-rate schedules.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The learning rate as a function of training progress.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Schedule {
    /// Constant.
    Constant,
    /// Half a cosine from 1 down to `floor` (Loshchilov & Hutter 2017).
    Cosine {
        /// The factor at the end.
        floor: f64,
    },
    /// Exponential decay down to `floor`.
    Exponential {
        /// The factor at the end.
        floor: f64,
    },
}

impl Schedule {
    /// The factor on the base learning rate at `progress` from 0 to 1, to which it is clamped.
    pub fn factor(self, progress: f64) -> f64 {
        let progress = progress.clamp(0.0, 1.0);
        match self {
            Self::Constant => 1.0,
            Self::Cosine { floor } => floor + (1.0 - floor) * 0.5 * (1.0 + (PI * progress).cos()),
            Self::Exponential { floor } => floor.powf(progress),
        }
    }

    /// The factor of a linear warm-up over the first `steps` steps.
    pub fn warmup(step: u64, steps: u64) -> f64 {
        if step >= steps { 1.0 } else { (step + 1) as f64 / steps as f64 }
    }
}
