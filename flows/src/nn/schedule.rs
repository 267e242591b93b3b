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

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn schedules_start_at_one_and_end_at_their_floor() {
        for schedule in [Schedule::Cosine { floor: 0.1 }, Schedule::Exponential { floor: 0.1 }] {
            assert!((schedule.factor(0.0) - 1.0).abs() < 1e-12);
            assert!((schedule.factor(1.0) - 0.1).abs() < 1e-12);
            assert!(schedule.factor(0.3) > schedule.factor(0.6));
            assert_eq!(schedule.factor(2.0), schedule.factor(1.0));
        }
        assert!((Schedule::Cosine { floor: 0.0 }.factor(0.5) - 0.5).abs() < 1e-12);
        assert_eq!([0, 4, 9, 10, 99].map(|step| Schedule::warmup(step, 10)), [0.1, 0.5, 1.0, 1.0, 1.0]);
    }
}
