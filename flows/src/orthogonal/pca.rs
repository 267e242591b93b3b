//! Principal component analysis.

use autograd::{Real, Tensor, Var};

/// The directions of greatest variance of some rows.
#[derive(Clone, Debug)]
pub struct PrincipalAxes {
    /// An axis in each row, `[D, D]`, by decreasing variance.
    pub axes: Tensor<f64>,
    /// The variance along each axis.
    pub variances: Vec<f64>,
    /// The mean of each column.
    pub mean: Vec<f64>,
}

/// The eigenvectors of the covariance of rows `[N, D]`, as axes. The largest coordinate of each is positive.
///
/// # Panics
/// If there are no rows.
pub fn principal_axes<T: Real>(rows: &Tensor<T>) -> PrincipalAxes {
    assert!(rows.shape().rank() == 2 && rows.shape()[0] > 0, "principal axes: rows of shape {}", rows.shape());
    let (count, dims) = (rows.shape()[0] as f64, rows.shape()[1]);
    let x = Var::from(rows.cast::<f64>());
    let mean = x.mean(&[0]);
    let x = x - &mean;
    let mean = mean.value().as_slice().to_vec();
    let eigen = super::from_tensor(x.t_matmul(&x).scale(1.0 / count).value()).symmetric_eigen();
    let mut order: Vec<usize> = (0..dims).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let mut axes = Vec::with_capacity(dims * dims);
    for &which in &order {
        let axis = eigen.eigenvectors.column(which);
        let sign = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).map_or(1.0, f64::signum);
        axes.extend(axis.iter().map(|x| sign * x));
    }
    // Rounding may make a variance of 0 negative.
    let variances = order.iter().map(|&which| eigen.eigenvalues[which].max(0.0)).collect();
    PrincipalAxes { axes: Tensor::from_slice([dims, dims], &axes), variances, mean }
}

#[cfg(test)]
mod tests {
    use super::super::deviation;
    use super::principal_axes;
    use autograd::Tensor;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;

    #[test]
    fn the_axes_of_an_ellipse_are_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut draw = || rng.sample::<f64, _>(StandardNormal);
        let (sin, cos) = 0.6f64.sin_cos();
        let rows: Vec<f64> = (0..4000)
            .flat_map(|_| {
                let (long, short) = (3.0 * draw(), 0.5 * draw());
                [7.0 + cos * long - sin * short, -2.0 + sin * long + cos * short]
            })
            .collect();
        let found = principal_axes(&Tensor::from_slice([4000, 2], &rows));
        assert!(deviation(&found.axes) < 1e-14);
        let axes = found.axes.as_slice();
        assert!((axes[0] - cos).abs() < 0.01 && (axes[1] - sin).abs() < 0.01, "{axes:?}");
        assert!((found.variances[0] / 9.0 - 1.0).abs() < 0.1 && (found.variances[1] / 0.25 - 1.0).abs() < 0.1);
        assert!((found.mean[0] - 7.0).abs() < 0.2 && (found.mean[1] + 2.0).abs() < 0.2);
    }

    #[test]
    fn fewer_rows_than_columns_give_axes_without_variance() {
        let found = principal_axes(&Tensor::from_slice([2, 3], &[1.0f32, 2.0, 3.0, 1.0, 0.0, 3.0]));
        assert!(deviation(&found.axes) < 1e-14);
        assert_eq!(found.axes.as_slice()[..3].iter().map(|x| x.round()).collect::<Vec<_>>(), [0.0, 1.0, 0.0]);
        assert!(found.variances[0] > 0.9 && found.variances[1] < 1e-12 && found.variances[2] < 1e-12);
    }
}
