//! Independent component analysis.

use super::{from_tensor, nearest_orthogonal, principal_axes, random_axes, to_tensor};
use autograd::{Real, Tensor, Var};
use rand::Rng;

/// The most iterations.
const ITERATIONS: usize = 50;
/// The iteration has converged when `1 − |cos|` of each axis with its predecessor is below this.
const TOLERANCE: f64 = 1e-6;

/// The smallest variance that whitening divides by, relative to the largest.
const FLOOR: f64 = 1e-10;

/// Axes along which the whitened rows `[N, D]` are as independent as possible, by symmetric `FastICA` with the contrast
/// log cosh (Hyvärinen 1999).
///
/// ```text
/// w = Λ^(−½)·E·(x − mean)                             principal axes E, variances Λ: covariance I
/// W ← mean(tanh(y)·wᵀ) − diag(mean(1 − tanh²(y)))·W    y = W·w
/// W ← (W·Wᵀ)^(−½)·W
/// ```
///
/// The result is the rotation `W·E`, without the scaling of the unmixing matrix `W·Λ^(−½)·E`: RBIG's next layer scales each
/// axis (Laparra, Camps-Valls & Malo 2011, §II). It is orthogonal even if the iterations end before convergence.
///
/// # Panics
/// If there are no rows.
pub fn independent_axes<T: Real>(rows: &Tensor<T>, rng: &mut dyn Rng) -> Tensor<f64> {
    independent_axes_while(rows, rng, &|| true).expect("it was not told to stop")
}

/// The same, or None where `go_on` says so before one of the iterations.
pub(crate) fn independent_axes_while<T: Real>(
    rows: &Tensor<T>,
    rng: &mut dyn Rng,
    go_on: &dyn Fn() -> bool,
) -> Option<Tensor<f64>> {
    let principal = principal_axes(rows);
    let (count, dims) = (rows.shape()[0] as f64, principal.mean.len());
    let axes = Var::from(principal.axes);
    let largest = principal.variances.first().copied().unwrap_or(0.0);
    let scale = |variance: &f64| 1.0 / variance.max(FLOOR * largest).max(f64::MIN_POSITIVE).sqrt();
    let scales: Vec<f64> = principal.variances.iter().map(scale).collect();
    let centered = Var::from(rows.cast::<f64>()) - Var::from(Tensor::from_slice([dims], &principal.mean));
    let white = centered.matmul_t(&axes) * Var::from(Tensor::from_slice([dims], &scales));

    let mut turn = random_axes(dims, rng);
    for _ in 0..ITERATIONS {
        if !go_on() {
            return None;
        }
        let old = Var::from(turn.clone());
        let tanh = white.matmul_t(&old).tanh();
        let derivative = tanh.square().mean(&[0]).affine(-1.0, 1.0).reshape([dims, 1]);
        let step = tanh.t_matmul(&white).scale(1.0 / count) - derivative * &old;
        turn = to_tensor(&nearest_orthogonal(&from_tensor(step.value())));
        let cosines = (old * Var::from(turn.clone())).sum(&[1]);
        if cosines.value().as_slice().iter().all(|cos| 1.0 - cos.abs() < TOLERANCE) {
            break;
        }
    }
    Some(Var::from(turn).matmul(&axes).into_value())
}

#[cfg(test)]
mod tests {
    use super::independent_axes;
    use crate::orthogonal::deviation;
    use autograd::Tensor;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_sides_of_a_rotated_cube_are_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (sin, cos) = 0.5f64.sin_cos();
        let rows: Vec<f64> = (0..5000)
            .flat_map(|_| {
                let [a, b, c] = [0; 3].map(|_| rng.random_range(-1.0..1.0));
                [cos * a - sin * b, sin * a + cos * b, c]
            })
            .collect();
        let axes = independent_axes(&Tensor::from_slice([5000, 3], &rows), &mut rng);
        assert!(deviation(&axes) < 1e-12);
        // Each side of the cube is one of the axes, up to sign and order.
        for side in [[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]] {
            let along =
                axes.as_slice().chunks_exact(3).map(|axis| axis.iter().zip(side).map(|(a, s)| a * s).sum::<f64>());
            let best = along.map(f64::abs).fold(0.0, f64::max);
            assert!(best > 0.998, "{best} along {side:?} in {axes:?}");
        }
    }

    #[test]
    fn dependent_columns_give_a_rotation() {
        let rows: Vec<f64> = (0..100).flat_map(|i| [f64::from(i).sin(), 2.0 * f64::from(i).sin()]).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let axes = independent_axes(&Tensor::from_slice([100, 2], &rows), &mut rng);
        assert!(axes.all_finite() && deviation(&axes) < 1e-12, "{axes:?}");
    }
}
