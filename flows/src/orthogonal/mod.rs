//! Orthogonal matrices: random, principal axes, independent components.
//!
//! Matrices are `[D, D]` in `f64`. Each row is an axis: `y = Q·x` are the coordinates along the axes.

mod ica;
mod pca;

pub use ica::independent_axes;
pub(crate) use ica::independent_axes_while;
pub use pca::{PrincipalAxes, principal_axes};

use autograd::{Real, Tensor};
use nalgebra::DMatrix;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// A uniformly distributed orthogonal `[dims, dims]` matrix: Q of a normal matrix's QR decomposition, with signs that
/// make the diagonal of R positive (Mezzadri 2007).
pub fn random_axes(dims: usize, rng: &mut dyn Rng) -> Tensor<f64> {
    let (q, r) = DMatrix::from_fn(dims, dims, |_, _| rng.sample::<f64, _>(StandardNormal)).qr().unpack();
    Tensor::from_fn([dims, dims], |i| q[(i / dims, i % dims)] * r[(i % dims, i % dims)].signum())
}

/// The largest deviation of `Q·Qᵀ` from the identity.
///
/// # Panics
/// If the matrix is not square.
pub fn deviation<T: Real>(matrix: &Tensor<T>) -> f64 {
    let dims = square(matrix);
    let q = autograd::Var::from(matrix.cast::<f64>());
    let product = q.matmul_t(&q).into_value();
    let error = |(i, x): (usize, &f64)| (x - f64::from(u8::from(i / dims == i % dims))).abs();
    product.as_slice().iter().enumerate().map(error).fold(0.0, f64::max)
}

#[track_caller]
pub(crate) fn square<T: Real>(matrix: &Tensor<T>) -> usize {
    let shape = matrix.shape();
    assert!(shape.rank() == 2 && shape[0] == shape[1], "orthogonal: a matrix of shape {shape} is not square");
    shape[0]
}

/// `(S·Sᵀ)^(−1/2)·S`, the orthogonal matrix nearest to S (symmetric orthogonalization; Löwdin 1950).
fn nearest_orthogonal(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let eigen = (matrix * matrix.transpose()).symmetric_eigen();
    let largest = eigen.eigenvalues.max();
    // Keeps directions that are only rounding small.
    let floor = largest * f64::EPSILON;
    let scaled = DMatrix::from_fn(matrix.nrows(), matrix.nrows(), |i, j| {
        eigen.eigenvectors[(i, j)] / eigen.eigenvalues[j].max(floor).sqrt()
    });
    scaled * eigen.eigenvectors.transpose() * matrix
}

fn to_tensor(matrix: &DMatrix<f64>) -> Tensor<f64> {
    let columns = matrix.ncols();
    Tensor::from_fn([matrix.nrows(), columns], |i| matrix[(i / columns, i % columns)])
}

fn from_tensor(matrix: &Tensor<f64>) -> DMatrix<f64> {
    DMatrix::from_row_slice(matrix.shape()[0], matrix.shape()[1], matrix.as_slice())
}

#[cfg(test)]
mod tests {
    use super::{deviation, nearest_orthogonal, random_axes};
    use nalgebra::DMatrix;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn random_axes_are_orthogonal_and_have_no_preferred_sign() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut sum = 0.0;
        for _ in 0..200 {
            let axes = random_axes(3, &mut rng);
            assert!(deviation(&axes) < 1e-14);
            sum += axes.as_slice()[0];
        }
        // A coordinate of a random axis in space has variance ⅓.
        assert!(sum.abs() < 3.0 * (200.0f64 / 3.0).sqrt(), "{sum}");
        assert_eq!(random_axes(1, &mut rng).as_slice()[0].abs(), 1.0);
    }

    #[test]
    fn the_orthogonal_matrix_nearest_to_a_scaled_rotation_is_the_rotation() {
        let (sin, cos) = 0.3f64.sin_cos();
        let turn = DMatrix::from_row_slice(2, 2, &[cos, -sin, sin, cos]);
        let found = nearest_orthogonal(&(2.0 * &turn));
        assert!((found - turn).abs().max() < 1e-14);
    }
}
