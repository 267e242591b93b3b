//! How close points in the plane are to a standard normal, which is what a flow should map its data to.

use std::fmt;

/// Statistics of a cloud of points. A standard normal has means 0, standard deviations 1, correlation 0 and distance 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cloud {
    /// Number of points.
    pub n: usize,
    /// The mean of each coordinate.
    pub mean: [f64; 2],
    /// The standard deviation of each coordinate.
    pub std: [f64; 2],
    /// The correlation of the two coordinates. None if one of them is constant, as in a single point.
    pub correlation: Option<f64>,
    /// The Kolmogorov–Smirnov distance between the distribution of r = |z|² and a standard normal's:
    ///
    /// ```text
    /// sup_r |F(r) − (1 − exp(−r/2))|        F(r) = the fraction of points with |z|² ≤ r
    /// ```
    ///
    /// It is between 0 and 1, and detects rings, crosses and long tails that have the right moments. It ignores
    /// rotations.
    pub distance: f64,
}

impl Cloud {
    /// Measures finite points, given as x and y in turn. None if there are no points.
    pub fn of(points: &[f32]) -> Option<Self> {
        let points: Vec<[f64; 2]> = points.chunks_exact(2).map(|z| [f64::from(z[0]), f64::from(z[1])]).collect();
        let n = points.len();
        if n == 0 {
            return None;
        }
        let average = |value: &dyn Fn(&[f64; 2]) -> f64| points.iter().map(value).sum::<f64>() / n as f64;
        let mean = [0, 1].map(|axis| average(&|z| z[axis]));
        let std = [0, 1].map(|axis| average(&|z| (z[axis] - mean[axis]).powi(2)).sqrt());
        let covariance = average(&|z| (z[0] - mean[0]) * (z[1] - mean[1]));
        let mut squares: Vec<f64> = points.iter().map(|[x, y]| x * x + y * y).collect();
        squares.sort_unstable_by(f64::total_cmp);
        // F jumps at each point, and both ends of the jump count.
        let jump = |(i, r): (usize, &f64)| {
            let expected = -(-r / 2.0).exp_m1();
            (expected - i as f64 / n as f64).abs().max((expected - (i + 1) as f64 / n as f64).abs())
        };
        let distance = squares.iter().enumerate().map(jump).fold(0.0, f64::max);
        let product = std[0] * std[1];
        Some(Self { n, mean, std, correlation: (product > 0.0).then(|| covariance / product), distance })
    }

    /// The distance that n points of a standard normal exceed in 5 of 100 cases: Kolmogorov's limit, 1.36/√n.
    pub fn chance(&self) -> f64 {
        (1.36 / (self.n as f64).sqrt()).min(1.0)
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean: [m1, m2], std: [s1, s2], distance, .. } = self;
        let correlation = self.correlation.map_or("not defined".to_owned(), |value| format!("{value:.3}"));
        match self.n {
            1 => write!(f, "a single point ({m1:.3}, {m2:.3}), too few for deviations and a correlation, ")?,
            _ => write!(
                f,
                "mean ({m1:.3}, {m2:.3}), standard deviation ({s1:.3}, {s2:.3}), correlation {correlation}, "
            )?,
        }
        write!(f, "distance of |z|² from the normal's {distance:.4} (chance: {:.4})", self.chance())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;

    /// Pairs of independent standard normals, changed by a map.
    fn points(count: usize, map: impl Fn([f32; 2]) -> [f32; 2]) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut draw = || rng.sample::<f32, _>(StandardNormal);
        (0..count).flat_map(|_| map([draw(), draw()])).collect()
    }

    #[test]
    fn normal_points_are_close_and_moments_are_right() {
        let cloud = Cloud::of(&points(10_000, |z| z)).unwrap();
        assert!(cloud.distance < cloud.chance() && (cloud.chance() - 0.0136).abs() < 1e-9, "{cloud:?}");
        let cloud = Cloud::of(&points(10_000, |[a, b]| [3.0 + 2.0 * a, a - b])).unwrap();
        let near = |found: f64, expected: f64| (found - expected).abs() < 0.06;
        assert!(near(cloud.mean[0], 3.0) && near(cloud.mean[1], 0.0), "{cloud:?}");
        assert!(near(cloud.std[0], 2.0) && near(cloud.std[1], 2f64.sqrt()), "{cloud:?}");
        assert!(near(cloud.correlation.unwrap(), 0.5f64.sqrt()), "{cloud:?}");
    }

    #[test]
    fn the_distance_is_the_largest_difference_between_distributions() {
        // Twice as wide: exp(−r/8) − exp(−r/2) is a − a⁴ with a = exp(−r/8), and largest at a³ = ¼.
        let wide = Cloud::of(&points(40_000, |z| z.map(|z| 2.0 * z))).unwrap();
        let a = 0.25f64.cbrt();
        assert!((wide.distance - (a - a.powi(4))).abs() < wide.chance(), "{wide:?}");
        // A ring has the moments of a normal, but a single radius.
        let ring = Cloud::of(&points(40_000, |[a, b]| [a, b].map(|z| z * 2f32.sqrt() / a.hypot(b)))).unwrap();
        assert!((ring.std[0] - 1.0).abs() < 0.02 && ring.correlation.unwrap().abs() < 0.02, "{ring:?}");
        assert!((ring.distance - (1.0 - (-1f64).exp())).abs() < 1e-3, "{ring:?}");
    }

    #[test]
    fn works_for_few_points() {
        assert_eq!(Cloud::of(&[]), None);
        let one = Cloud::of(&[0.0, 0.0]).unwrap();
        assert_eq!((one.n, one.std, one.correlation, one.distance), (1, [0.0, 0.0], None, 1.0));
        assert!(one.to_string().starts_with("a single point (0.000, 0.000), too few"), "{one}");
        let flat = Cloud::of(&[0.0, 1.0, 0.0, 2.0]).unwrap();
        assert!(flat.to_string().contains("correlation not defined"), "{flat}");
    }
}
