//! Samples do not depend on the rest of their batch.

use super::case::{Case, pick};
use super::violation::{Comparison, worst};
use super::{Property, Violation};
use autograd::Tensor;

/// Neighbors that do the most damage to a sample that depends on them.
const HARMFUL: [f64; 3] = [1e12, f64::INFINITY, f64::NAN];

/// Maps each sample alone, in reverse order, and next to neighbors that are huge, infinite and NaN: its value and its
/// log-determinant must stay as they were in the batch. Returns the worst error, relative to `max(1, |expected|)`.
///
/// # Errors
/// If an error is larger than `tolerance`.
pub fn independent_samples(case: &Case<'_>, tolerance: f64) -> Result<f64, Violation> {
    case.worst(Property::IndependentSamples, tolerance, |comparison, points| {
        let together = case.run(comparison.direction, points)?;
        let compare = |rows: &[usize], points: &Tensor<f64>, only: Option<usize>| {
            compare(case, comparison, &together, rows, points, only)
        };
        let reversed: Vec<usize> = (0..case.samples()).rev().collect();
        let mut found = vec![compare(&reversed, &pick(points, &reversed), None)];
        for sample in 0..case.samples() {
            found.push(compare(&[sample], &pick(points, &[sample]), None));
            for harm in HARMFUL {
                let rows = [sample; 3];
                let mut with_neighbors = pick(points, &rows);
                let (before, rest) = with_neighbors.as_mut_slice().split_at_mut(case.dims());
                before.fill(harm);
                rest[case.dims()..].fill(-harm);
                found.push(compare(&rows, &with_neighbors, Some(1)));
            }
        }
        worst(found)
    })
}

/// Compares the rows of a new batch, or only one of them, with the samples that they are.
fn compare(
    case: &Case<'_>,
    comparison: &Comparison,
    together: &(Tensor<f64>, Tensor<f64>),
    rows: &[usize],
    points: &Tensor<f64>,
    only: Option<usize>,
) -> Result<f64, Violation> {
    let (values, log_dets) = case.run_rows(comparison.direction, points, rows)?;
    let compared = rows.iter().enumerate().filter(|(row, _)| only.is_none_or(|only| only == *row));
    worst(compared.map(|(row, &sample)| {
        let part = |of: &Tensor<f64>, row: usize| of.rows(row..row + 1);
        let value = comparison.values(sample, &part(&values, row), &part(&together.0, sample))?;
        Ok(value.max(comparison.log_dets(sample, &part(&log_dets, row), &part(&together.1, sample))?))
    }))
}
