//! Sums in log-space.

/// `log Σ eʷ` of the terms added so far, without overflow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogSum {
    largest: f64,
    /// Relative to the largest.
    sum: f64,
}

impl LogSum {
    pub(crate) const EMPTY: Self = Self { largest: f64::NEG_INFINITY, sum: 0.0 };

    /// The sum of all of these.
    pub(crate) fn of(logs: impl Iterator<Item = f64>) -> f64 {
        logs.fold(Self::EMPTY, Self::with).value()
    }

    /// The sum with one more term.
    pub(crate) fn with(self, log: f64) -> Self {
        let Self { largest, sum } = self;
        if log > largest {
            Self { largest: log, sum: sum * (largest - log).exp() + 1.0 }
        } else if log == f64::NEG_INFINITY {
            self
        } else {
            Self { largest, sum: sum + (log - largest).exp() }
        }
    }

    pub(crate) fn value(self) -> f64 {
        self.largest + self.sum.ln()
    }
}
