//! Tables.

use anyhow::{Result, bail, ensure};

/// A matrix in row-major order. What is read from a file is `f64`, so that no digit is lost before the columns are
/// standardized; what is generated may be `f32`.
#[derive(Debug, Clone, PartialEq)]
pub struct Table<V = f64> {
    /// Number of rows: samples.
    pub rows: usize,
    pub cols: usize,
    /// The entries, row by row.
    pub values: Vec<V>,
}

impl<V: Copy> Table<V> {
    /// A table of these sizes.
    pub fn new(rows: usize, cols: usize, values: Vec<V>) -> Result<Self> {
        let fits = rows.checked_mul(cols) == Some(values.len());
        ensure!(fits, "{} values do not fill {rows} rows of {cols} columns", values.len());
        Ok(Self { rows, cols, values })
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[V] {
        &self.values[i * self.cols..(i + 1) * self.cols]
    }

    /// Column `j`, from top to bottom.
    pub fn column(&self, j: usize) -> impl Iterator<Item = V> + '_ {
        (0..self.rows).map(move |i| self.row(i)[j])
    }

    /// The rows at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut values = Vec::with_capacity(indices.len() * self.cols);
        for &i in indices {
            values.extend_from_slice(self.row(i));
        }
        Self { rows: indices.len(), cols: self.cols, values }
    }
}

impl Table {
    /// Requires finite entries. The error names the first that is not by row and column, counted from 0 as in Python.
    pub fn require_finite(&self) -> Result<()> {
        let Some(at) = self.values.iter().position(|value| !value.is_finite()) else {
            return Ok(());
        };
        bail!(
            "row {}, column {} (counting from 0): {} is not a finite number; remove or fill in such rows before loading",
            at / self.cols,
            at % self.cols,
            self.values[at]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_message;
    use super::*;

    fn table(rows: usize, cols: usize, values: &[f64]) -> Table {
        Table::new(rows, cols, values.to_vec()).unwrap()
    }

    #[test]
    fn non_finite_cells_are_named() {
        let mut t = table(2, 3, &[0.0; 6]);
        assert!(t.require_finite().is_ok());
        t.values[5] = f64::NAN;
        let error = t.require_finite().unwrap_err();
        assert_message(&error, &["row 1, column 2 (counting from 0)", "NaN"]);
        t.values[1] = f64::NEG_INFINITY;
        assert_message(&t.require_finite().unwrap_err(), &["row 0, column 1 "]);
    }

    #[test]
    fn shapes_must_agree() {
        assert!(Table::new(2, 2, vec![0.0f64; 3]).is_err());
        assert!(Table::new(usize::MAX, 2, vec![0.0f64; 3]).is_err());
    }
}
