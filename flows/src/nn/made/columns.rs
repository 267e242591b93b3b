//! Values laid out `[unit][row]`, as both sweeps over a MADE's units have them.

use autograd::{Real, Tensor, parallel};
use std::ops::Range;

/// Dimensions a block: with more of them the products are larger, and the sums within a block longer.
pub(super) const BLOCK: usize = 16;

/// The most rows in one group.
const ROWS: usize = 64;

/// Rows of a batch in one group. Fewer would make narrow products.
pub(super) fn group(batch: usize) -> usize {
    batch.div_ceil(parallel::threads()).clamp(1, ROWS)
}

/// Values by unit, for a group of rows.
pub(super) struct Columns<T> {
    pub(super) rows: usize,
    values: Vec<T>,
}

impl<T: Real> Columns<T> {
    pub(super) fn new(units: usize, rows: usize) -> Self {
        Self { rows, values: vec![T::ZERO; units * rows] }
    }

    /// The units in the columns of `[batch, units]`, for the rows from `first` on.
    pub(super) fn of(tensor: &Tensor<T>, first: usize, rows: usize) -> Self {
        let units = tensor.shape()[1];
        let mut columns = Self::new(units, rows);
        T::transpose([rows, units], &tensor.as_slice()[first * units..], units, &mut columns.values, rows);
        columns
    }

    pub(super) fn units(&self, units: Range<usize>) -> &[T] {
        &self.values[units.start * self.rows..units.end * self.rows]
    }

    pub(super) fn units_mut(&mut self, units: Range<usize>) -> &mut [T] {
        &mut self.values[units.start * self.rows..units.end * self.rows]
    }

    pub(super) fn unit(&self, unit: usize) -> &[T] {
        self.units(unit..unit + 1)
    }

    pub(super) fn unit_mut(&mut self, unit: usize) -> &mut [T] {
        self.units_mut(unit..unit + 1)
    }
}
