//! Estimates of entropy and dependence from samples, in nats.

use autograd::{Real, Tensor, Var, parallel};

/// The entropy of the distribution that these samples were drawn from, by spacings of order m ≈ √n (Vasicek 1976), with
/// the correction of Ebrahimi, Pflughoeft & Soofi (1994) at the ends:
///
/// <!-- H ≈ 1/n Σᵢ₌₁ⁿ log(n/(cᵢm)·(x₍ᵢ₊ₘ₎ − x₍ᵢ₋ₘ₎)),   cᵢ = 2, and down to 1 within m of an end -->
#[doc = include_str!("../../formulas/spacings-entropy.html")]
///
/// The bias is about −0.03 for 1000 normal samples. Equal values, such as years, count as rounded: they are spread evenly
/// up to half-way to their neighbors. Fewer than three samples, or only equal ones, give −∞.
pub fn entropy(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let range = sorted.last().zip(sorted.first()).map_or(0.0, |(last, first)| last - first);
    if n < 3 || range <= 0.0 {
        return f64::NEG_INFINITY;
    }
    spread_ties(&mut sorted);
    let m = ((n as f64).sqrt().round() as usize).clamp(1, (n - 1) / 2);
    let least = range * f64::EPSILON;
    let sum: f64 = (0..n)
        .map(|i| {
            let (low, high) = (i.saturating_sub(m), (i + m).min(n - 1));
            let share = (1.0 + i as f64 / m as f64).min(1.0 + (n - 1 - i) as f64 / m as f64).min(2.0);
            let spacing = (sorted[high] - sorted[low]).max(least);
            (n as f64 * spacing / (share * m as f64)).ln()
        })
        .sum();
    sum / n as f64
}

/// Spreads equal sorted values evenly up to half-way to their neighbors; at an end, as far outwards as inwards.
fn spread_ties(sorted: &mut [f64]) {
    let mut start = 0;
    // Half the gap to the values before.
    let mut before = None;
    while start < sorted.len() {
        let value = sorted[start];
        let end = start + sorted[start..].partition_point(|&x| x <= value);
        let after = sorted.get(end).map(|&next| 0.5 * (next - value));
        if end - start > 1 {
            let (below, above) = (before.or(after).unwrap_or(0.0), after.or(before).unwrap_or(0.0));
            let each = (below + above) / (end - start) as f64;
            for (i, x) in sorted[start..end].iter_mut().enumerate() {
                *x = value - below + each * (i as f64 + 0.5);
            }
        }
        (start, before) = (end, after);
    }
}

/// The [`entropy`] of each column of rows `[N, D]`.
///
/// # Panics
/// If `rows` is not a matrix.
pub fn marginal_entropies<T: Real>(rows: &Tensor<T>) -> Vec<f64> {
    let (count, dims) = sizes(rows);
    let columns = Var::from(rows.clone()).transpose().into_value();
    let columns = columns.as_slice();
    let mut entropies = vec![f64::NEG_INFINITY; dims];
    parallel::side_by_side(&mut entropies, dims.div_ceil(parallel::threads()).max(1), &|start, piece| {
        for (i, entropy_of) in piece.iter_mut().enumerate() {
            let column = &columns[(start + i) * count..(start + i + 1) * count];
            *entropy_of = entropy(&column.iter().map(|x| x.to_f64()).collect::<Vec<_>>());
        }
    });
    entropies
}

/// The decrease in total correlation T when a rotation turns rows `[N, D]` into `rotated`:
///
/// <!-- T(x) = Σᵢ₌₁ᴰ H(xᵢ) − H(x),   T(x) − T(Qx) = Σᵢ₌₁ᴰ H(xᵢ) − Σᵢ₌₁ᴰ H((Qx)ᵢ) -->
#[doc = include_str!("../../formulas/fall-of-total-correlation.html")]
///
/// The joint entropy H(x), which is hard to estimate, cancels, since a rotation preserves it (Laparra, Camps-Valls & Malo
/// 2011, RBIG, §II). Maps of each column by itself do not change T, so over layers of such maps and rotations the
/// decreases add up.
pub fn fall_of_total_correlation<T: Real>(rows: &Tensor<T>, rotated: &Tensor<T>) -> f64 {
    let pairs = marginal_entropies(rows).into_iter().zip(marginal_entropies(rotated));
    // Column by column: the two sums may be large and their difference small.
    pairs.map(|(before, after)| before - after).sum()
}

/// Pairwise (linear) correlations of columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlations {
    /// The root mean square over all pairs of columns; 0 for one column.
    pub rms: f64,
    /// The one with the largest absolute value.
    pub largest: f64,
}

impl Correlations {
    /// Those of rows `[N, D]`. A constant column has correlation 0.
    ///
    /// # Panics
    /// If `rows` is not a matrix.
    pub fn of<T: Real>(rows: &Tensor<T>) -> Self {
        let (_, dims) = sizes(rows);
        let x = Var::from(rows.cast::<f64>());
        let centered = &x - x.mean(&[0]);
        let length = centered.square().sum(&[0]).sqrt();
        let safe = length.value().as_slice().iter().map(|&l| if l > 0.0 { 1.0 / l } else { 0.0 }).collect::<Vec<_>>();
        let unit = centered * Var::from(Tensor::from_slice([dims], &safe));
        let matrix = unit.t_matmul(&unit).into_value();
        let pairs = (0..dims).flat_map(|i| (i + 1..dims).map(move |j| i * dims + j)).map(|at| matrix.as_slice()[at]);
        let (mut count, mut squares, mut largest) = (0, 0.0, 0.0);
        for correlation in pairs {
            count += 1;
            squares += correlation * correlation;
            if correlation.abs() > f64::abs(largest) {
                largest = correlation;
            }
        }
        Self { rms: (squares / f64::from(count.max(1))).sqrt(), largest }
    }
}

#[track_caller]
fn sizes<T: Real>(rows: &Tensor<T>) -> (usize, usize) {
    let shape = rows.shape();
    assert!(shape.rank() == 2, "expected rows [N, D], not a tensor of shape {shape}");
    (shape[0], shape[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;
    use std::f64::consts::{E, TAU};

    fn drawn(count: usize, draw: impl Fn(&mut ChaCha8Rng) -> f64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        (0..count).map(|_| draw(&mut rng)).collect()
    }

    fn normal_entropy(std: f64) -> f64 {
        0.5 * (TAU * E).ln() + std.ln()
    }

    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() < tolerance, "{found} should be {expected}");
    }

    #[test]
    fn entropies_are_those_of_closed_forms() {
        for std in [0.01, 1.0, 300.0] {
            let normal = drawn(20_000, |rng| std * rng.sample::<f64, _>(StandardNormal));
            near(entropy(&normal), normal_entropy(std), 0.02);
        }
        near(entropy(&drawn(20_000, |rng| rng.random_range(2.0..5.0))), 3f64.ln(), 0.02);
        // −ln u of a uniform u is exponential, whose entropy is 1.
        near(entropy(&drawn(20_000, |rng| -(1.0 - rng.random::<f64>()).ln())), 1.0, 0.03);
    }

    #[test]
    fn few_or_equal_samples_have_no_entropy_and_ties_count_as_rounding() {
        assert_eq!(entropy(&[]), f64::NEG_INFINITY);
        assert_eq!(entropy(&[1.0, 2.0]), f64::NEG_INFINITY);
        assert_eq!(entropy(&[4.0; 50]), f64::NEG_INFINITY);
        assert!(entropy(&[0.0, 0.5, 1.0]).is_finite());
        let coin = drawn(1000, |rng| f64::from(u8::from(rng.random::<bool>())));
        // Uniform over two intervals of length 1.
        near(entropy(&coin), 2f64.ln(), 0.05);
        let years = drawn(5000, |rng| (40.0 + 12.0 * rng.sample::<f64, _>(StandardNormal)).round());
        near(entropy(&years), normal_entropy(12.0), 0.03);
    }

    #[test]
    fn decorrelating_a_normal_reduces_t_by_its_total_correlation() {
        let rho: f64 = 0.8;
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let rows: Vec<f64> = (0..20_000)
            .flat_map(|_| {
                let [a, b]: [f64; 2] = [0; 2].map(|_| rng.sample(StandardNormal));
                [a, rho * a + (1.0 - rho * rho).sqrt() * b]
            })
            .collect();
        let rotated: Vec<f64> =
            rows.chunks_exact(2).flat_map(|x| [x[0] + x[1], x[0] - x[1]].map(|y| y / 2f64.sqrt())).collect();
        let [rows, rotated] = [rows, rotated].map(|values| Tensor::from_slice([20_000, 2], &values));
        near(fall_of_total_correlation(&rows, &rotated), -0.5 * (1.0 - rho * rho).ln(), 0.02);
        near(fall_of_total_correlation(&rotated, &rows), 0.5 * (1.0 - rho * rho).ln(), 0.02);
        near(Correlations::of(&rows).largest, rho, 0.01);
        near(Correlations::of(&rotated).rms, 0.0, 0.02);
    }

    #[test]
    fn correlations_of_one_column_and_of_a_constant_one_are_0() {
        assert_eq!(Correlations::of(&Tensor::from_slice([3, 1], &[1.0f32, 2.0, 4.0])).rms, 0.0);
        let rows = Tensor::from_slice([3, 2], &[1.0f32, 5.0, 2.0, 5.0, 4.0, 5.0]);
        assert_eq!(Correlations::of(&rows), Correlations { rms: 0.0, largest: 0.0 });
        let negative = Tensor::from_slice([2, 3], &[0.0f64, 1.0, 3.0, 1.0, 0.0, 5.0]);
        near(Correlations::of(&negative).largest.abs(), 1.0, 1e-12);
        near(Correlations::of(&negative).rms, 1.0, 1e-12);
    }
}
