//! Times of individual runs.

use crate::Repeats;
use std::time::Instant;

/// How long each run took, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// Times measured elsewhere.
    #[must_use]
    pub fn new(milliseconds: Vec<f64>) -> Self {
        Self(milliseconds)
    }

    /// Runs `step`: first to warm up, then with the clock.
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

    /// Adds the runs of another round.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The median, the upper one of an even number of runs; `None` without runs.
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
