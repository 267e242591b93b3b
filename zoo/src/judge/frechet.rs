//! The Fréchet distance between two sets of features.

use autograd::{Real, Tensor, Var};
use flows::orthogonal::{PrincipalAxes, principal_axes};

/// A Gaussian fitted to features: their mean, and their covariance by its axes and the variances along them.
#[derive(Clone, Debug)]
pub struct Gaussian(PrincipalAxes);

impl Gaussian {
    /// Fits the rows of `[n, D]`, in `f64`.
    ///
    /// # Panics
    /// If there are no rows.
    pub fn fit<T: Real>(rows: &Tensor<T>) -> Self {
        Self(principal_axes(rows))
    }

    /// The squared Fréchet distance to another Gaussian (Dowson & Landau 1982), which Heusel et al. (2017) introduced for
    /// samples, with the features of another network:
    ///
    /// ```text
    /// d² = ‖μ₁ − μ₂‖² + tr(C₁ + C₂ − 2·(C₁^½·C₂·C₁^½)^½)
    /// ```
    ///
    /// With `Cᵢ = QᵢᵀDᵢQᵢ`, the last trace is the sum of the singular values of D₁^½·Q₁·Q₂ᵀ·D₂^½.
    ///
    /// # Panics
    /// If they differ in D.
    pub fn distance(&self, other: &Self) -> f64 {
        let (a, b) = (&self.0, &other.0);
        let means: f64 = a.mean.iter().zip(&b.mean).map(|(a, b)| (a - b).powi(2)).sum();
        let variances: f64 = a.variances.iter().chain(&b.variances).sum();
        let product = Var::from(scaled(a)).matmul_t(&Var::from(scaled(b)));
        // Rows that come with both signs have the mean 0, so their covariance is PᵀP/D.
        let dims = a.mean.len() as f64;
        let squares = principal_axes(Var::concat(0, &[&product, &-&product]).value()).variances;
        let root: f64 = squares.iter().map(|square| (square * dims).sqrt()).sum();
        // Rounding may make it a little less than 0.
        (means + variances - 2.0 * root).max(0.0)
    }
}

/// D^½·Q.
fn scaled(fitted: &PrincipalAxes) -> Tensor<f64> {
    let dims = fitted.mean.len();
    let axes = fitted.axes.as_slice();
    Tensor::from_fn([dims, dims], |i| fitted.variances[i / dims].sqrt() * axes[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// The points ±√D·eᵢ under a matrix, moved: their covariance is A·Aᵀ.
    fn with_factor(matrix: &[f64], mean: &[f64]) -> Gaussian {
        let dims = mean.len();
        let root = (dims as f64).sqrt();
        let rows = Tensor::from_fn([2 * dims, dims], |i| {
            let (point, row) = (i / dims, i % dims);
            let sign = if point < dims { root } else { -root };
            mean[row] + sign * matrix[row * dims + point % dims]
        });
        Gaussian::fit(&rows)
    }

    #[test]
    fn independent_dimensions_have_a_closed_form() {
        let a = with_factor(&[2.0, 0.0, 0.0, 0.5], &[1.0, -1.0]);
        let b = with_factor(&[3.0, 0.0, 0.0, 0.0], &[0.0, 1.0]);
        // Each dimension adds (μ₁ − μ₂)² + (σ₁ − σ₂)².
        let expected = (1.0 + 1.0) + (4.0 + 0.25);
        assert!((a.distance(&b) - expected).abs() < 1e-7, "{}", a.distance(&b));
        assert!((b.distance(&a) - expected).abs() < 1e-7);
        assert!(a.distance(&a) < 1e-7);
    }

    #[test]
    fn two_by_two_covariances_have_a_closed_form() {
        // tr (C₁C₂)^½ = √(tr C₁C₂ + 2·√(det C₁·det C₂)) of 2×2 matrices.
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..20 {
            let [a, b] = [(); 2].map(|()| [(); 4].map(|()| rng.random_range(-2.0..2.0f64)));
            let covariance =
                |m: [f64; 4]| [m[0] * m[0] + m[1] * m[1], m[0] * m[2] + m[1] * m[3], m[2] * m[2] + m[3] * m[3]];
            let det = |c: [f64; 3]| c[0] * c[2] - c[1] * c[1];
            let (c, d) = (covariance(a), covariance(b));
            let root = (c[0] * d[0] + 2.0 * c[1] * d[1] + c[2] * d[2] + 2.0 * (det(c) * det(d)).sqrt()).sqrt();
            let expected = c[0] + c[2] + d[0] + d[2] - 2.0 * root;
            let found = with_factor(&a, &[0.0; 2]).distance(&with_factor(&b, &[0.0; 2]));
            assert!((found - expected).abs() < 1e-7, "{found}, {expected}");
        }
    }
}
