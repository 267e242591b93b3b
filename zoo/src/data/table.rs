//! Tables, and the statistics that standardize their columns.

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

/// The mean and the standard deviation of each column, with which a model standardizes its data.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardization {
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// The standard deviation of each column; never zero.
    pub deviation: Vec<f64>,
}

impl Standardization {
    /// Measures at least one row, in double precision. Refuses constant columns: a density could grow without bound at
    /// their values, so a likelihood would mean nothing.
    pub fn fit(train: &Table) -> Result<Self> {
        let (mut mean, mut deviation) = (Vec::new(), Vec::new());
        let rows = train.rows as f64;
        for (j, &first) in train.row(0).iter().enumerate() {
            ensure!(
                train.column(j).any(|value| value != first),
                "column {} is {first} in every training row, so no density over it is finite; leave that column out",
                j + 1
            );
            let center = train.column(j).sum::<f64>() / rows;
            let squares = train.column(j).map(|value| (value - center).powi(2));
            mean.push(center);
            deviation.push((squares.sum::<f64>() / rows).sqrt());
        }
        Ok(Self { mean, deviation })
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
    fn measures_the_population_deviation() {
        let t = table(4, 2, &[1.0, 10.0, 3.0, 10.0, 1.0, 30.0, 3.0, 30.0]);
        let s = Standardization::fit(&t).unwrap();
        assert_eq!((s.mean, s.deviation), (vec![2.0, 20.0], vec![1.0, 10.0]));
    }

    #[test]
    fn a_large_offset_does_not_spoil_the_deviation() {
        let values: Vec<f64> = (0..1_000).map(|i| 1e6 + f64::from(i % 2)).collect();
        let s = Standardization::fit(&table(1_000, 1, &values)).unwrap();
        assert!((s.deviation[0] - 0.5).abs() < 1e-9);
    }

    #[test]
    fn constant_columns_and_single_rows_are_refused() {
        let t = table(3, 2, &[1.0, 0.1, 2.0, 0.1, 3.0, 0.1]);
        let error = Standardization::fit(&t).unwrap_err();
        assert_message(&error, &["column 2", "0.1", "leave that column out"]);
        assert!(Standardization::fit(&table(1, 1, &[5.0])).is_err());
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
