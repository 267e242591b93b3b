//! The change of variables in one and in two dimensions (lecture 7): how a density changes where space is stretched.
//!
//! In one dimension, stretched evenly and unevenly:
//!
//! <!-- X = 4Z:   p_X(x) = ¼·p_Z(x/4) -->
#![doc = include_str!("../../../flows/formulas/scaling.html")]
//! <!-- X = exp(Z):   p_X(x) = 1/x·p_Z(log x),   x > 0 -->
#![doc = include_str!("../../../flows/formulas/exponential.html")]
//!
//! and under a matrix:
//!
//! <!--
//! area of A·[0, 1]² = |det A| = |ad − bc|,   A = (a, b; c, d)
//! X = AZ:   p_X(x) = p_Z(A⁻¹x)/|det A|
//! -->
#![doc = include_str!("../../../flows/formulas/parallelogram.html")]

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Z is uniform on [0, 2].
pub const WIDTH: f64 = 2.0;

/// An increasing map of Z.
#[derive(Debug, Clone, Copy)]
pub struct Map {
    /// X as a function of Z.
    pub name: &'static str,
    /// The density of X as a formula.
    pub formula: &'static str,
    /// f(z).
    pub to_data: fn(f64) -> f64,
    /// |dz/dx| at x = f(z).
    pub slope: fn(f64) -> f64,
}

/// The identity, and two maps that stretch space evenly and unevenly.
pub const MAPS: [Map; 3] = [
    Map { name: "Z", formula: "1/2", to_data: |z| z, slope: |_| 1.0 },
    Map { name: "X = 4Z", formula: "1/2 · 1/4 = 1/8", to_data: |z| 4.0 * z, slope: |_| 0.25 },
    Map { name: "X = exp(Z)", formula: "1/2 · 1/x", to_data: f64::exp, slope: |x| 1.0 / x },
];

impl Map {
    /// The range of X.
    pub fn range(self) -> [f64; 2] {
        [(self.to_data)(0.0), (self.to_data)(WIDTH)]
    }

    /// The density of X at x, inside of its range.
    pub fn density(self, x: f64) -> f64 {
        (self.slope)(x) / WIDTH
    }

    /// The images of `count` draws of Z, which are the same for every map.
    pub fn samples(self, count: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| (self.to_data)(WIDTH * rng.random::<f64>())).collect()
    }
}

/// The density of samples in equal bins of a range: each bin's share of the samples divided by its width.
pub fn histogram(samples: &[f64], [low, high]: [f64; 2], bins: usize) -> Vec<f64> {
    let mut counts = vec![0u64; bins];
    let width = (high - low) / bins as f64;
    for x in samples {
        let bin = ((x - low) / width).floor();
        if bin >= 0.0 && bin < bins as f64 {
            counts[bin as usize] += 1;
        }
    }
    counts.into_iter().map(|count| count as f64 / (samples.len() as f64 * width)).collect()
}

/// A 2×2 matrix, row by row. It maps z to `(a·z₁ + b·z₂, c·z₁ + d·z₂)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Matrix {
    /// a, b, c, d.
    pub rows: [f64; 4],
}

impl Matrix {
    /// `a·d − b·c`: the area of the unit square's image, negative if its orientation is reversed.
    pub fn determinant(&self) -> f64 {
        let [a, b, c, d] = self.rows;
        a * d - b * c
    }

    /// A·z.
    pub fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [a, b, c, d] = self.rows;
        [a * x + b * y, c * x + d * y]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_integrate_to_one_and_slopes_match_finite_differences() {
        for map in MAPS {
            let [low, high] = map.range();
            let (cells, width) = (100_000, (high - low) / 100_000.0);
            let total: f64 = (0..cells).map(|i| map.density(low + (f64::from(i) + 0.5) * width) * width).sum();
            assert!((total - 1.0).abs() < 1e-8, "{}: {total}", map.name);
            let (z, step) = (0.7, 1e-6);
            let steepness = ((map.to_data)(z + step) - (map.to_data)(z - step)) / (2.0 * step);
            assert!((steepness * (map.slope)((map.to_data)(z)) - 1.0).abs() < 1e-8, "{}", map.name);
        }
    }

    #[test]
    fn histograms_of_samples_follow_the_formula() {
        for map in MAPS {
            let (count, bins, range) = (200_000, 20, map.range());
            let heights = histogram(&map.samples(count, 1), range, bins);
            let width = (range[1] - range[0]) / bins as f64;
            assert!((heights.iter().sum::<f64>() * width - 1.0).abs() < 1e-12);
            for (bin, height) in heights.into_iter().enumerate() {
                let edge = |bin: usize| range[0] + bin as f64 * width;
                // The mean density in the bin, by Simpson's rule.
                let at = |share: f64| map.density(edge(bin) + share * width);
                let mean = (at(0.0) + 4.0 * at(0.5) + at(1.0)) / 6.0;
                let error = (mean / (width * count as f64)).sqrt();
                assert!((height - mean).abs() < 5.0 * error + 1e-3 * mean, "{} {bin}: {height}, not {mean}", map.name);
            }
        }
    }

    #[test]
    fn a_determinant_is_the_area_of_the_parallelogram() {
        let matrix = Matrix { rows: [2.0, 0.5, -1.0, 1.5] };
        // The shoelace formula over the corners.
        let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].map(|corner| matrix.apply(corner));
        let area: f64 = (0..4)
            .map(|i| {
                let ([x, y], [u, v]) = (corners[i], corners[(i + 1) % 4]);
                0.5 * (x * v - u * y)
            })
            .sum();
        assert!((area - matrix.determinant()).abs() < 1e-12);
    }
}
