//! Columns of a table that a density does not suit: what to say about them, and noise for discrete ones.

use super::{Parts, Standardization, Table};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// A value that more than this share of the rows have is a point mass, under which no density is bounded.
const POINT_MASS: f64 = 0.05;
/// And so are fewer distinct values than this share of the rows.
const DISTINCT: f64 = 0.1;
/// A point mass has at least this many rows.
const FEWEST: usize = 3;
/// At most this many rows are looked at.
const LOOKED_AT: usize = 20_000;
/// Columns that a message names.
const NAMED: usize = 5;
/// The seed of the noise.
const SEED: u64 = 0;
/// Smaller gaps between values, relative to their size, are rounding.
const ROUNDING: f64 = 16.0 * f64::EPSILON;

/// What a user should know of a table before a density is fitted to it, a line each.
pub(super) fn warnings(name: &str, train: &Table, units: &Standardization) -> Vec<String> {
    let first: Vec<usize> = (0..train.rows.min(LOOKED_AT)).collect();
    let looked_at = train.select(&first);
    let standardized = units.to_model(&looked_at.values);
    let (mut discrete, mut merged) = (Vec::new(), Vec::new());
    for j in 0..train.cols {
        let exact = runs(looked_at.column(j));
        let narrow = runs(standardized[j..].iter().step_by(train.cols).map(|&z| f64::from(z)));
        let longest = exact.iter().copied().max().unwrap_or(0);
        let rows = looked_at.rows as f64;
        if longest >= FEWEST && (longest as f64 > POINT_MASS * rows || (exact.len() as f64) < DISTINCT * rows) {
            discrete.push(format!("{} ({} distinct)", j + 1, exact.len()));
        } else if 2 * narrow.len() < exact.len() {
            merged.push(format!("{} ({} values become {})", j + 1, exact.len(), narrow.len()));
        }
    }
    let mut lines = Vec::new();
    if !discrete.is_empty() {
        lines.push(format!(
            "{name}: values repeat in {}; a density of discrete values has no bound, so its nats mean little: use jitter:{name}, which adds uniform noise",
            listed(&discrete)
        ));
    }
    if !merged.is_empty() {
        lines.push(format!(
            "{name}: standardized, values of {} are too close for f32, since a few lie far away: leave those rows out, or take logarithms",
            listed(&merged)
        ));
    }
    lines
}

/// The lengths of the runs of equal values, when sorted.
fn runs(values: impl Iterator<Item = f64>) -> Vec<usize> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(<[f64]>::len).collect()
}

/// Columns in words.
fn listed(columns: &[String]) -> String {
    let s = if columns.len() == 1 { "" } else { "s" };
    let more = columns.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("column{s} {}{more}", columns[..columns.len().min(NAMED)].join(", "))
}

/// Adds uniform noise to each column, as wide as the smallest gap between its values and around 0: with it, a discrete
/// column has a density, and log p(x) plus the logarithms of the gaps bounds the log-probability of its values from
/// below on average, as with dequantized pixels. Where values differ by little anyway, it changes little.
pub(super) fn jitter(parts: &mut Parts<Table>) {
    let mut rng = ChaCha12Rng::seed_from_u64(SEED);
    for j in 0..parts.train.cols {
        let tables = || [&parts.train, &parts.validation, &parts.test].into_iter();
        let mut sorted: Vec<f64> = tables().flat_map(|table| table.column(j)).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let gaps = sorted.windows(2).map(|pair| (pair[1] - pair[0], ROUNDING * pair[1].abs().max(pair[0].abs())));
        let gap = gaps.filter(|(gap, least)| gap > least).map(|(gap, _)| gap).fold(f64::INFINITY, f64::min);
        if gap.is_finite() {
            for table in [&mut parts.train, &mut parts.validation, &mut parts.test] {
                let cols = table.cols;
                for x in table.values[j..].iter_mut().step_by(cols) {
                    *x += gap * (rng.random::<f64>() - 0.5);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize, row: impl Fn(usize) -> Vec<f64>) -> Table {
        let values: Vec<f64> = (0..rows).flat_map(row).collect();
        Table::new(rows, values.len() / rows, values).unwrap()
    }

    fn warned(table: &Table) -> Vec<String> {
        warnings("t.csv", table, &Standardization::fit(table).unwrap())
    }

    /// A value between 0 and 1 for each row, all different.
    fn spread(i: usize) -> f64 {
        i as f64 * 0.618_033_988_749_895 % 1.0
    }

    #[test]
    fn discrete_columns_are_named_and_others_are_not() {
        let t = table(400, |i| {
            vec![spread(i), (i % 3) as f64, 1.7e9 + spread(i), if i % 10 == 0 { 0.0 } else { spread(i) }]
        });
        let lines = warned(&t);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("columns 2 (3 distinct), 4 (361 distinct); "), "{lines:?}");
        assert!(lines[0].contains("jitter:t.csv"), "{lines:?}");
        let wide = warned(&table(50, |i| (0..9).map(|j| ((i + j) % 2) as f64).collect()));
        assert!(wide[0].contains("5 (2 distinct) and 4 more"), "{wide:?}");
        // Some ties by chance.
        assert!(warned(&table(12, |i| vec![(i / 2) as f64 + spread(i / 2)])).is_empty());
    }

    #[test]
    fn values_that_an_outlier_merges_in_f32_are_warned_of() {
        let t = table(400, |i| vec![if i == 7 { 1e12 } else { spread(i) }, spread(i)]);
        let lines = warned(&t);
        assert!(lines.len() == 1 && lines[0].contains("column 1 (400 values become "), "{lines:?}");
    }

    #[test]
    fn noise_is_as_wide_as_the_smallest_gap() {
        let part = |rows: usize| table(rows, |i| vec![[0.1, 0.2, 0.1 + 0.2, 0.5][i % 4], 1e9 + (i % 2) as f64]);
        let mut parts = Parts { train: part(400), validation: part(40), test: part(40) };
        let before = parts.clone();
        jitter(&mut parts);
        assert_eq!(runs(parts.train.column(0)).len(), 400);
        for (noisy, plain) in [(&parts.train, &before.train), (&parts.test, &before.test)] {
            for (j, gap) in [(0, 0.1), (1, 1.0)] {
                let moved: Vec<f64> = noisy.column(j).zip(plain.column(j)).map(|(a, b)| (a - b).abs()).collect();
                let most = moved.iter().copied().fold(0.0, f64::max);
                assert!(most <= 0.5 * gap + 1e-6 && most > 0.4 * gap, "{j}: {most}");
            }
        }
        assert!(warned(&parts.train).is_empty());
    }
}
