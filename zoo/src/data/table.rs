//! Tables, and their standardization to columns of mean 0 and standard deviation 1.

use super::split::Split;
use anyhow::{Result, bail, ensure};

/// A matrix in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Number of rows: samples.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// The entries, row by row.
    pub values: Vec<f32>,
}

impl Table {
    /// A table of these sizes.
    pub fn new(rows: usize, cols: usize, values: Vec<f32>) -> Result<Self> {
        let fits = rows.checked_mul(cols) == Some(values.len());
        ensure!(fits, "{} values do not fill {rows} rows of {cols} columns", values.len());
        Ok(Self { rows, cols, values })
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.cols..(i + 1) * self.cols]
    }

    /// Column `j`, from top to bottom.
    pub fn column(&self, j: usize) -> impl Iterator<Item = f32> + '_ {
        (0..self.rows).map(move |i| self.row(i)[j])
    }

    /// The rows at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut values = Vec::new();
        self.gather(indices, &mut values);
        Self { rows: indices.len(), cols: self.cols, values }
    }

    /// Copies the rows at `indices` into `batch`, replacing its contents.
    pub fn gather(&self, indices: &[usize], batch: &mut Vec<f32>) {
        batch.clear();
        batch.reserve(indices.len() * self.cols);
        for &i in indices {
            batch.extend_from_slice(self.row(i));
        }
    }

    /// Training, validation and test rows: 80, 10 and 10 percent, chosen at random.
    pub fn split(&self, seed: u64) -> Result<[Self; 3]> {
        let split = Split::new(self.rows, "rows", seed)?;
        Ok([&split.train, &split.validation, &split.test].map(|indices| self.select(indices)))
    }

    /// Requires finite entries.
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

/// The mean and the standard deviation of every column. A density in the data's own units is
/// log p(data) = log p(standardized) − Σ log deviation.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardization {
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// The standard deviation of each column; never zero.
    pub deviation: Vec<f64>,
}

impl Standardization {
    /// Measures `train`, in double precision.
    pub fn fit(train: &Table) -> Result<Self> {
        let mut fitted = Self::identity(train.cols);
        // An empty table has nothing to measure.
        let first = train.values.get(..train.cols).unwrap_or_default();
        for (j, &first) in first.iter().enumerate() {
            let constant = train.column(j).all(|value| value == first);
            ensure!(
                !constant,
                "column {} is {first} in every training row, so no density over it is finite; leave that column out",
                j + 1
            );
            let rows = train.rows as f64;
            let mean = train.column(j).map(f64::from).sum::<f64>() / rows;
            let squares = train.column(j).map(|value| (f64::from(value) - mean).powi(2));
            fitted.mean[j] = mean;
            fitted.deviation[j] = (squares.sum::<f64>() / rows).sqrt();
        }
        Ok(fitted)
    }

    /// The standardization that changes nothing.
    pub fn identity(cols: usize) -> Self {
        Self { mean: vec![0.0; cols], deviation: vec![1.0; cols] }
    }

    /// Subtracts the mean and divides by the deviation, in place.
    pub fn apply(&self, table: &mut Table) {
        self.each(table, |value, mean, deviation| (value - mean) / deviation);
    }

    /// The inverse, in place.
    pub fn undo(&self, table: &mut Table) {
        self.each(table, |value, mean, deviation| value * deviation + mean);
    }

    /// log|det| of [`apply`](Self::apply), the same for every row: −Σ log deviation.
    pub fn log_det(&self) -> f64 {
        -self.deviation.iter().map(|d| d.ln()).sum::<f64>()
    }

    fn each(&self, table: &mut Table, change: impl Fn(f64, f64, f64) -> f64) {
        assert_eq!(table.cols, self.mean.len(), "a standardization of another number of columns");
        for row in table.values.chunks_exact_mut(table.cols.max(1)) {
            let units = self.mean.iter().zip(&self.deviation);
            for (value, (&mean, &deviation)) in row.iter_mut().zip(units) {
                *value = change(f64::from(*value), mean, deviation) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_message;
    use super::*;
    use proptest::prelude::*;

    fn table(rows: usize, cols: usize, values: &[f32]) -> Table {
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
        let values: Vec<f32> = (0..1_000).map(|i| 1e6 + (i % 2) as f32).collect();
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
        t.values[5] = f32::NAN;
        let error = t.require_finite().unwrap_err();
        assert_message(&error, &["row 1, column 2 (counting from 0)", "NaN"]);
        t.values[1] = f32::NEG_INFINITY;
        assert_message(&t.require_finite().unwrap_err(), &["row 0, column 1 "]);
    }

    #[test]
    fn shapes_must_agree() {
        assert!(Table::new(2, 2, vec![0.0; 3]).is_err());
        assert!(Table::new(usize::MAX, 2, vec![0.0; 3]).is_err());
    }

    #[test]
    fn an_empty_table_is_not_a_panic() {
        let mut t = table(0, 3, &[]);
        let s = Standardization::fit(&t).unwrap();
        s.apply(&mut t);
        let mut none = table(5, 0, &[]);
        Standardization::fit(&none).unwrap().apply(&mut none);
        assert!(none.require_finite().is_ok());
    }

    proptest! {
        #[test]
        fn standardizing_centers_and_scales_and_can_be_undone(
            values in prop::collection::vec(-1e3f32..1e3, 40),
            scale in 1e-3f32..1e3,
        ) {
            let values: Vec<f32> = values.iter().map(|v| v * scale).collect();
            let original = table(20, 2, &values);
            let s = Standardization::fit(&original).unwrap();
            let mut t = original.clone();
            s.apply(&mut t);
            let again = Standardization::fit(&t).unwrap();
            for j in 0..2 {
                prop_assert!(again.mean[j].abs() < 1e-5);
                prop_assert!((again.deviation[j] - 1.0).abs() < 1e-5);
            }
            s.undo(&mut t);
            for (back, value) in t.values.iter().zip(&original.values) {
                prop_assert!((back - value).abs() <= 1e-3 * scale);
            }
            let expected = -(s.deviation[0] * s.deviation[1]).ln();
            prop_assert!((s.log_det() - expected).abs() < 1e-9);
        }
    }
}
