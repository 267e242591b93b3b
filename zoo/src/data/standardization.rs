//! The statistics that standardize the columns of a table.
//!
//! A column of times around 1.7e9 has 5 values in `f32` where the file has 500. So tables are read and standardized in
//! `f64`, and only the result, which is about ±10, becomes `f32`. Within the program, a model of a table takes and gives
//! standardized rows; its log-density is still in the data's own units ([`Standardized`](crate::models::Standardized)).

use super::Table;
use anyhow::{Result, ensure};
use autograd::{Param, Real, Tensor};
use flows::Module;

/// A column whose mean is more deviations from 0 than this is plotted standardized: all tick labels would look alike.
const FAR: f64 = 1e3;
/// Columns that differ by less, relative to their size, differ by rounding alone.
const ROUNDING: f64 = 16.0 * f64::EPSILON;

/// The mean and the standard deviation of each column, with which a model standardizes its data: z = (x − mean)/deviation,
/// in `f64`. Each is a sum of two `f32`, which is what a checkpoint holds of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardization {
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// The standard deviation of each column; never zero.
    pub deviation: Vec<f64>,
}

impl Standardization {
    /// Measures at least one row. Refuses constant columns: a density could grow without bound at their values, so a
    /// likelihood would mean nothing.
    pub fn fit(train: &Table) -> Result<Self> {
        let (mut mean, mut deviation) = (Vec::new(), Vec::new());
        let rows = train.rows as f64;
        for (j, &first) in train.row(0).iter().enumerate() {
            let nth = j + 1;
            let [low, high] = train.column(j).fold([first; 2], |[low, high], value| [low.min(value), high.max(value)]);
            ensure!(
                low < high,
                "column {nth} is {first} in every training row, so no density over it is finite; leave that column out"
            );
            ensure!(
                high - low > ROUNDING * low.abs().max(high.abs()),
                "column {nth} is {first} in every training row, up to rounding; leave that column out"
            );
            // From the first value on, so that a large offset costs no digits.
            let center = stored(first + train.column(j).map(|value| value - first).sum::<f64>() / rows);
            let squares = train.column(j).map(|value| (value - center).powi(2));
            let spread = stored((squares.sum::<f64>() / rows).sqrt());
            ensure!(
                center.is_finite() && spread.is_finite() && spread >= f64::from(f32::MIN_POSITIVE),
                "column {nth} goes from {low:e} to {high:e}, which is beyond the range of 32 bits; rescale that column"
            );
            mean.push(center);
            deviation.push(spread);
        }
        Ok(Self { mean, deviation })
    }

    /// The statistics that a model holds, if it standardizes tables.
    pub fn of<T: Real>(model: &(impl Module<T> + ?Sized)) -> Option<Self> {
        let [mean, deviation] = buffers(model)?.map(|[high, low]| {
            let (high, low) = (high.value(), low.value());
            high.as_slice().iter().zip(low.as_slice()).map(|(high, low)| high.to_f64() + low.to_f64()).collect()
        });
        Some(Self { mean, deviation })
    }

    /// Sets the statistics of a model that standardizes tables.
    pub fn store<T: Real>(&self, model: &(impl Module<T> + ?Sized)) {
        for (parts, values) in buffers(model).into_iter().flatten().zip([&self.mean, &self.deviation]) {
            for (part, buffer) in parts.into_iter().enumerate() {
                let value = |i: usize| T::from_f64(f64::from(split(values[i])[part]));
                buffer.set(Tensor::from_fn([values.len()], value));
            }
        }
    }

    /// Rows x as a model takes them: z = (x − mean)/deviation.
    pub fn to_model(&self, rows: &[f64]) -> Vec<f32> {
        let columns = self.mean.len().max(1);
        let z = |(i, &x): (usize, &f64)| ((x - self.mean[i % columns]) / self.deviation[i % columns]) as f32;
        rows.iter().enumerate().map(z).collect()
    }

    /// A model's rows z in the data's units: x = mean + deviation·z.
    pub fn to_data(&self, rows: &[f32]) -> Vec<f64> {
        let columns = self.mean.len().max(1);
        let x = |(i, &z): (usize, &f32)| self.mean[i % columns] + self.deviation[i % columns] * f64::from(z);
        rows.iter().enumerate().map(x).collect()
    }

    /// Σ ln deviation, by which densities of x and z differ.
    pub fn log_volume(&self) -> f64 {
        self.deviation.iter().map(|deviation| deviation.ln()).sum()
    }

    /// The units of plots: the data's, but columns far from 0 stay standardized.
    pub fn for_plots(&self) -> Self {
        let far = |j: usize| self.mean[j].abs() > FAR * self.deviation[j];
        let choose = |values: &[f64], other: f64| {
            values.iter().enumerate().map(|(j, &value)| if far(j) { other } else { value }).collect()
        };
        Self { mean: choose(&self.mean, 0.0), deviation: choose(&self.deviation, 1.0) }
    }

    /// What a caption says of columns that stay standardized in a plot.
    pub fn plot_note(&self) -> String {
        let plotted = self.for_plots();
        let differs = |j: &usize| plotted.mean[*j] != self.mean[*j];
        let note = |j: usize| format!("; column {} as (x − {})/{:.3e}", j + 1, self.mean[j], self.deviation[j]);
        (0..self.mean.len()).filter(differs).map(note).collect()
    }
}

/// A number as a sum of two `f32`: the nearest, and the nearest to what is left.
fn split(value: f64) -> [f32; 2] {
    let high = value as f32;
    [high, (value - f64::from(high)) as f32]
}

/// A number as a checkpoint holds it.
fn stored(value: f64) -> f64 {
    let [high, low] = split(value);
    f64::from(high) + f64::from(low)
}

/// The buffers of the mean and of the deviation, each with its low part, of a model that standardizes tables.
fn buffers<T: Real>(model: &(impl Module<T> + ?Sized)) -> Option<[[Param<T>; 2]; 2]> {
    let params = model.params();
    // Only the layer that holds these statistics has a buffer of this name.
    let at = params.iter().find_map(|(path, _)| path.strip_suffix("mean_low"))?.to_owned();
    let find =
        |name: &str| params.iter().find(|(path, _)| *path == format!("{at}{name}")).map(|(_, param)| param.clone());
    Some([[find("mean")?, find("mean_low")?], [find("std")?, find("std_low")?]])
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_message;
    use super::*;
    use crate::models::Standardized;
    use proptest::prelude::*;

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
        for offset in [1e6, 1.7e9, 1e12, -1e14] {
            let values: Vec<f64> = (0..1_000).map(|i| offset + f64::from(i % 2)).collect();
            let s = Standardization::fit(&table(1_000, 1, &values)).unwrap();
            assert!((s.deviation[0] - 0.5).abs() < 1e-4 && (s.mean[0] - offset - 0.5).abs() < 0.1, "{s:?}");
        }
    }

    #[test]
    fn constant_columns_and_single_rows_are_refused() {
        let t = table(3, 2, &[1.0, 0.1, 2.0, 0.1, 3.0, 0.1]);
        let error = Standardization::fit(&t).unwrap_err();
        assert_message(&error, &["column 2", "0.1", "leave that column out"]);
        assert!(Standardization::fit(&table(1, 1, &[5.0])).is_err());
        let rounded = Standardization::fit(&table(2, 1, &[0.3, 0.1 + 0.2])).unwrap_err();
        assert_message(&rounded, &["column 1", "up to rounding"]);
        // Close, but told apart by what the file says.
        assert!(Standardization::fit(&table(2, 1, &[1e6, 1e6 + 0.01])).is_ok());
    }

    #[test]
    fn what_32_bits_cannot_scale_is_refused() {
        for values in [[1e300, -1e300], [1e-300, 2e-300], [1e308, -1e308], [1e39, 2e39]] {
            assert_message(&Standardization::fit(&table(2, 1, &values)).unwrap_err(), &["column 1", "32 bits"]);
        }
    }

    #[test]
    fn a_model_holds_what_was_measured() {
        let t = table(3, 2, &[1.7e9, 1e-30, 1.7e9 + 1.0, 3e-30, 1.7e9 + 5.0, 7e-30]);
        let s = Standardization::fit(&t).unwrap();
        let (narrow, wide) = (Standardized::<f32>::new(2), Standardized::<f64>::new(2));
        s.store(&narrow);
        s.store(&wide);
        assert_eq!((Standardization::of(&narrow).as_ref(), Standardization::of(&wide).as_ref()), (Some(&s), Some(&s)));
        assert!(Standardization::of(&flows::layers::Standardize::<f32>::new(&[0.0], &[1.0])).is_none());
    }

    #[test]
    fn columns_far_from_zero_are_plotted_standardized() {
        let s = Standardization { mean: vec![1e6, 5.0], deviation: vec![0.01, 2.0] };
        assert_eq!(s.for_plots().to_data(&[1.5, 1.5]), [1.5, 8.0]);
        assert_eq!(s.plot_note(), "; column 1 as (x − 1000000)/1.000e-2");
    }

    proptest! {
        #[test]
        fn a_round_trip_keeps_the_digits_of_the_column(
            offset in -1e12f64..1e12,
            power in -20i32..20,
            steps in prop::collection::vec(-1000i32..1000, 3..40),
        ) {
            let scale = 10f64.powi(power).max(offset.abs() * 1e-9);
            let values: Vec<f64> = steps.iter().map(|&step| offset + scale * f64::from(step)).collect();
            let t = table(values.len(), 1, &values);
            if let Ok(s) = Standardization::fit(&t) {
                let back = s.to_data(&s.to_model(&values));
                for (x, y) in values.iter().zip(back) {
                    prop_assert!((x - y).abs() < 1e-5 * s.deviation[0] + 4.0 * f64::EPSILON * x.abs(), "{x} {y} {s:?}");
                }
            }
        }
    }
}
