//! Times of single runs.

use crate::Repeats;
use std::time::Instant;

/// How long each of some runs took, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// Times of runs that something else measured.
    #[must_use]
    pub fn new(milliseconds: Vec<f64>) -> Self {
        Self(milliseconds)
    }

    /// Runs `step`, first without and then with the clock.
    pub fn of(repeats: Repeats, step: &mut dyn FnMut()) -> Self {
        for _ in 0..repeats.warm {
            step();
        }
        let time = |_| {
            let start = Instant::now();
            step();
            start.elapsed().as_secs_f64() * 1e3
        };
        Self((0..repeats.timed).map(time).collect())
    }

    /// Adds another round's runs.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Half of the runs took no longer; `None` without runs.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }

    /// The shortest run; `None` without runs.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        self.0.iter().copied().min_by(f64::total_cmp)
    }
}
