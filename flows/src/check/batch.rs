//! Samples and their batch-mates.

use super::case::{Case, pick};
use super::violation::{Comparison, Place, worst};
use super::{Direction, Property, Violation};
use autograd::Tensor;

/// What a neighbor is made of when it is to do as much harm as it can.
const HARMFUL: [f64; 3] = [1e12, f64::INFINITY, f64::NAN];

/// Maps every sample alone, in another order, and beside neighbors that are huge, infinite and not
/// a number: its value and its log-determinant must stay as they were in the batch. Gives the worst
/// error, relative to `max(1, |number|)`.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn independent_samples(case: &Case<'_>, tolerance: f64) -> Result<f64, Violation> {
    worst(Direction::BOTH.map(|direction| {
        let points = case.points(direction)?;
        let together = case.run(direction, &points)?;
        let comparison = Comparison { property: Property::IndependentSamples, direction, tolerance };
        let compare = |rows: &[usize], points: &Tensor<f64>, only: Option<usize>| {
            compare(case, &comparison, &together, rows, points, only)
        };
        let count = case.samples();
        let mut found = Vec::new();
        let backward: Vec<usize> = (0..count).rev().collect();
        found.push(compare(&backward, &pick(&points, &backward), None));
        for sample in 0..count {
            found.push(compare(&[sample], &pick(&points, &[sample]), None));
            for harm in HARMFUL {
                // Both sides, and at least one neighbor even where the batch has none.
                let rows = [sample; 3];
                let mut beside = pick(&points, &rows);
                let width = case.dims();
                let (before, rest) = beside.as_mut_slice().split_at_mut(width);
                before.fill(harm);
                rest[width..].fill(-harm);
                found.push(compare(&rows, &beside, Some(1)));
            }
        }
        worst(found)
    }))
}

/// Holds the rows of a new batch, or only one of them, against the samples that they are.
fn compare(
    case: &Case<'_>,
    comparison: &Comparison,
    together: &(Tensor<f64>, Tensor<f64>),
    rows: &[usize],
    points: &Tensor<f64>,
    only: Option<usize>,
) -> Result<f64, Violation> {
    let (value, log_det) = case.run_rows(comparison.direction, points, rows)?;
    let dims = case.dims();
    let compared = rows.iter().enumerate().filter(|(row, _)| only.is_none_or(|only| only == *row));
    worst(compared.map(|(row, &sample)| {
        let found = &value.as_slice()[row * dims..(row + 1) * dims];
        let expected = &together.0.as_slice()[sample * dims..(sample + 1) * dims];
        let elements = found.iter().zip(expected).enumerate();
        let values = worst(elements.map(|(element, (&found, &expected))| {
            comparison.number(Place::Element { sample, element }, found, expected)
        }))?;
        let (found, expected) = (log_det.as_slice()[row], together.1.as_slice()[sample]);
        Ok(values.max(comparison.number(Place::LogDet { sample }, found, expected)?))
    }))
}
