//! Zeros of the Jacobian.

use super::{Case, Direction, Property, Violation, differences, log_det, violation::worst};
use std::{fmt, sync::Arc};

/// Which outputs of a map may depend on which inputs.
#[derive(Clone, Default)]
pub enum Structure {
    /// No zeros are promised.
    #[default]
    Dense,
    /// Each dimension on itself alone.
    Diagonal,
    /// Each dimension on itself and on those before it in this order.
    Triangular {
        /// The dimensions, in the order in which they are known.
        order: Vec<usize>,
    },
    /// Those in `read` on themselves alone, each of the others on itself and on `read`.
    Coupling {
        /// The dimensions that are read and stay as they are.
        read: Vec<usize>,
    },
    /// Latent dimension i on data dimension `order[i]` alone.
    Permutation {
        /// A data dimension for each latent one.
        order: Vec<usize>,
    },
    /// As a function of the direction, the output and the input.
    Custom(Arc<dyn Fn(Direction, usize, usize) -> bool + Send + Sync>),
}

impl Structure {
    /// Whether an element of the output may depend on an element of the input.
    pub fn allows(&self, direction: Direction, output: usize, input: usize) -> bool {
        match self {
            Self::Dense => true,
            Self::Diagonal => output == input,
            Self::Triangular { order } => {
                let place = |dimension| order.iter().position(|&d| d == dimension);
                place(input) <= place(output)
            }
            Self::Coupling { read } => output == input || (!read.contains(&output) && read.contains(&input)),
            Self::Permutation { order } => match direction {
                Direction::ToLatent => order[output] == input,
                Direction::ToData => order[input] == output,
            },
            Self::Custom(allows) => allows(direction, output, input),
        }
    }
}

impl fmt::Debug for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dense => f.write_str("Dense"),
            Self::Diagonal => f.write_str("Diagonal"),
            Self::Triangular { order } => f.debug_struct("Triangular").field("order", order).finish(),
            Self::Coupling { read } => f.debug_struct("Coupling").field("read", read).finish(),
            Self::Permutation { order } => f.debug_struct("Permutation").field("order", order).finish(),
            Self::Custom(_) => f.write_str("Custom"),
        }
    }
}

/// Checks that the Jacobians of all samples, in both directions, are 0 where that is promised: the tape's Jacobian, and
/// that by differences, which sees detached dependence too. Returns the largest of those entries.
///
/// # Errors
/// If one of them is larger than `tolerance`.
pub fn zeros(case: &Case<'_>, structure: &Structure, tolerance: f64) -> Result<f64, Violation> {
    if matches!(structure, Structure::Dense) {
        return Ok(0.0);
    }
    case.worst(Property::Zeros, tolerance, |comparison, points| {
        let direction = comparison.direction;
        worst((0..case.samples()).map(|sample| {
            let by_tape = log_det::tape_jacobian(case, direction, points, sample)?;
            let by_differences = differences::jacobian(case, direction, points, sample)?;
            let dims = by_tape.shape()[1];
            let entries = by_tape.as_slice().iter().zip(by_differences.as_slice()).enumerate();
            let forbidden = entries.filter(|(at, _)| !structure.allows(direction, at / dims, at % dims));
            worst(forbidden.map(|(at, (&by_tape, &by_differences))| {
                let (output, input) = (at / dims, at % dims);
                let place = || format!("sample {sample}, the derivative of output {output} by input {input}");
                let found = if by_tape.abs() > tolerance { by_tape } else { by_differences };
                comparison.value(place, found, 0.0)
            }))
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::{Direction, Structure};

    fn drawn(structure: &Structure, direction: Direction) -> String {
        let row = |i| (0..3).map(move |j| if structure.allows(direction, i, j) { 'x' } else { '.' });
        (0..3).map(|i| row(i).collect::<String>()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_each_structure_allows() {
        use Direction::{ToData, ToLatent};
        assert_eq!(drawn(&Structure::Diagonal, ToLatent), "x.. .x. ..x");
        assert_eq!(drawn(&Structure::Triangular { order: vec![0, 1, 2] }, ToLatent), "x.. xx. xxx");
        assert_eq!(drawn(&Structure::Triangular { order: vec![2, 1, 0] }, ToData), "xxx .xx ..x");
        assert_eq!(drawn(&Structure::Coupling { read: vec![0, 2] }, ToLatent), "x.. xxx ..x");
        let cycle = Structure::Permutation { order: vec![1, 2, 0] };
        assert_eq!(drawn(&cycle, ToLatent), ".x. ..x x..");
        assert_eq!(drawn(&cycle, ToData), "..x x.. .x.");
    }
}
