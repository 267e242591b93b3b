//! A property that does not hold, and where.

use super::Direction;
use autograd::Tensor;
use std::fmt;

/// A property of a bijection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Property {
    /// Results have as many rows and dimensions as the input.
    Shapes,
    /// The log-determinant is that of a finite-difference Jacobian.
    LogDetByDifferences,
    /// The log-determinant is that of the tape's Jacobian.
    LogDetByTape,
    /// x → z → x and z → x → z.
    RoundTrip,
    /// The log-determinants of the two directions are each other's negatives.
    LogDetsCancel,
    /// The Jacobian is 0 where that is promised.
    Zeros,
    /// A sample's result does not depend on the other samples of its batch.
    IndependentSamples,
    /// The gradient with respect to the input is that of finite differences.
    InputGradient,
    /// The gradient by the parameters is that of finite differences.
    ParameterGradient,
    /// `f32` gives what `f64` gives.
    Precision,
    /// No infinity, no NaN.
    Finite,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shapes => "shapes",
            Self::LogDetByDifferences => "log-determinant against differences",
            Self::LogDetByTape => "log-determinant against the tape's Jacobian",
            Self::RoundTrip => "round trip",
            Self::LogDetsCancel => "the two log-determinants cancel",
            Self::Zeros => "zeros of the Jacobian",
            Self::IndependentSamples => "samples are independent",
            Self::InputGradient => "gradient with respect to the input",
            Self::ParameterGradient => "gradient by the parameters",
            Self::Precision => "f32 against f64",
            Self::Finite => "finite answers",
        })
    }
}

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{property}, {direction}: {message}")]
pub struct Violation {
    /// The property.
    pub property: Property,
    /// The direction of the map.
    pub direction: Direction,
    /// Where in the result, what the map gives, and what it should give.
    pub message: String,
}

/// Compares what a map gives with what it should give.
pub(super) struct Comparison {
    pub(super) property: Property,
    pub(super) direction: Direction,
    pub(super) tolerance: f64,
}

impl Comparison {
    /// The error of one value, relative to `max(1, |expected|)`; or the violation, if it is too large. `place` says where
    /// the value stands.
    pub(super) fn value(&self, place: impl FnOnce() -> String, found: f64, expected: f64) -> Result<f64, Violation> {
        let error = error(found, expected);
        let &Self { property, direction, tolerance } = self;
        if error <= tolerance {
            return Ok(error);
        }
        let (place, off) = (place(), (found - expected).abs());
        let message = format!("{place} is {found}, not {expected}: off by {off:.2e}, more than {tolerance:.0e}");
        Err(Violation { property, direction, message })
    }

    /// The worst error of log-determinants, those of samples from `first` on.
    pub(super) fn log_dets(&self, first: usize, found: &Tensor<f64>, expected: &Tensor<f64>) -> Result<f64, Violation> {
        self.all(found, expected, |i| log_det_of(first + i))
    }

    /// The worst error of values, those of samples from `first` on.
    pub(super) fn values(&self, first: usize, found: &Tensor<f64>, expected: &Tensor<f64>) -> Result<f64, Violation> {
        let width = expected.shape()[1..].iter().product::<usize>();
        self.all(found, expected, |i| element_of(first + i / width, i % width))
    }

    fn all(
        &self,
        found: &Tensor<f64>,
        expected: &Tensor<f64>,
        place: impl Fn(usize) -> String,
    ) -> Result<f64, Violation> {
        let pairs = found.as_slice().iter().zip(expected.as_slice()).enumerate();
        worst(pairs.map(|(i, (&found, &expected))| self.value(|| place(i), found, expected)))
    }
}

pub(super) fn log_det_of(sample: usize) -> String {
    format!("the log-determinant of sample {sample}")
}

pub(super) fn element_of(sample: usize, element: usize) -> String {
    format!("sample {sample}, element {element}")
}

/// The largest of some errors, or the first violation.
pub(super) fn worst(errors: impl IntoIterator<Item = Result<f64, Violation>>) -> Result<f64, Violation> {
    errors.into_iter().try_fold(0.0, |worst: f64, error| Ok(worst.max(error?)))
}

/// The difference relative to `max(1, |expected|)`; infinite where either is NaN, 0 where both are the same infinity.
fn error(found: f64, expected: f64) -> f64 {
    if found == expected {
        return 0.0;
    }
    let error = (found - expected).abs() / expected.abs().max(1.0);
    if error.is_nan() { f64::INFINITY } else { error }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Property, element_of, error};
    use crate::check::Direction;

    #[test]
    fn a_nan_is_never_close_to_a_number() {
        assert_eq!(error(f64::NAN, 0.0), f64::INFINITY);
        assert_eq!(error(0.0, f64::NAN), f64::INFINITY);
        assert_eq!(error(f64::INFINITY, 1.0), f64::INFINITY);
        assert_eq!(error(1.0, f64::INFINITY), f64::INFINITY);
        assert_eq!(error(f64::INFINITY, f64::INFINITY), 0.0);
        assert_eq!(error(101.0, 100.0), 0.01);
    }

    #[test]
    fn a_violation_says_where_and_by_how_much() {
        let (property, direction) = (Property::RoundTrip, Direction::ToData);
        let comparison = Comparison { property, direction, tolerance: 1e-9 };
        let found = comparison.value(|| element_of(2, 5), 1.5, 1.25).unwrap_err();
        assert_eq!(
            found.to_string(),
            "round trip, to_data: sample 2, element 5 is 1.5, not 1.25: off by 2.50e-1, more than 1e-9"
        );
    }
}
