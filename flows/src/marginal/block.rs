//! A few points of one dimension at once: one exponential for each pair of a point and a kernel, summed as it goes.

use super::table::Row;
use autograd::Real;
use autograd::simd::{Isa, Kernel, dispatch};

/// Tails and densities (relative to their largest) below this are computed in logarithms: terms underflow at about
/// 1e-38 in `f32` and 1e-308 in `f64`, so sums above it have lost nothing that counts.
pub(super) fn least<T: Real>() -> T {
    T::from_f64(if size_of::<T>() == 4 { 1e-28 } else { 1e-280 })
}

/// Of a logistic distribution at u: σ(u), σ(−u) and σ′(u), from one exponential.
#[inline(always)]
pub(super) fn sides<I: Isa, T: Real>(u: T) -> (T, T, T) {
    let e = u.abs().decay::<I>();
    let larger = T::ONE / (T::ONE + e);
    let smaller = e * larger;
    let negative = u < T::ZERO;
    let below = if negative { smaller } else { larger };
    let above = if negative { larger } else { smaller };
    (below, above, smaller * larger)
}

/// z, its slope's logarithm and that one's derivative, of N points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Points<T, const N: usize> {
    pub(super) z: [T; N],
    pub(super) log_deriv: [T; N],
    pub(super) d_log_deriv: [T; N],
    /// Whether the sums were within the range of the type; otherwise the results are meaningless.
    pub(super) in_range: [bool; N],
}

/// All of N points under one dimension's kernels.
pub(super) fn points<T: Real, const N: usize>(row: Row<'_, T>, x: &[T; N]) -> Points<T, N> {
    dispatch(Block { row, x })
}

struct Block<'a, T, const N: usize> {
    row: Row<'a, T>,
    x: &'a [T; N],
}

impl<T: Real, const N: usize> Kernel for Block<'_, T, N> {
    type Output = Points<T, N>;

    #[inline(always)]
    fn run<I: Isa>(self) -> Points<T, N> {
        let Self { row, x } = self;
        let [mut below, mut above, mut density, mut slope] = [[T::ZERO; N]; 4];
        let width = row.weights.len();
        let (locations, inverse) = (&row.locations[..width], &row.inverse[..width]);
        let (densities, slopes) = (&row.density[..width], &row.slope[..width]);
        for k in 0..width {
            let (weight, location, inverse) = (row.weights[k], locations[k], inverse[k]);
            let (of_density, of_slope) = (densities[k], slopes[k]);
            for i in 0..N {
                let (low, high, bell) = sides::<I, T>((x[i] - location) * inverse);
                below[i] = weight.mul_add::<I>(low, below[i]);
                above[i] = weight.mul_add::<I>(high, above[i]);
                density[i] = of_density.mul_add::<I>(bell, density[i]);
                slope[i] = of_slope.mul_add::<I>(bell * (high - low), slope[i]);
            }
        }
        let mut points =
            Points { z: [T::ZERO; N], log_deriv: [T::ZERO; N], d_log_deriv: [T::ZERO; N], in_range: [false; N] };
        let (least, least_density) = (least::<T>(), least::<T>() * row.top);
        for i in 0..N {
            let left = below[i] <= above[i];
            let tail = if left { below[i] } else { above[i] };
            let quantile = tail.ln::<I>().log_normal_quantile::<I>();
            let z = if left { quantile } else { -quantile };
            // φ(z) = T·(φ/Φ)(quantile), whichever tail T is.
            let ratio = density[i] / (tail * quantile.normal_score::<I>());
            points.z[i] = z;
            points.log_deriv[i] = ratio.ln::<I>();
            points.d_log_deriv[i] = slope[i] / density[i] + z * ratio;
        }
        for i in 0..N {
            let tail = if below[i] <= above[i] { below[i] } else { above[i] };
            // NaN is out of range too.
            points.in_range[i] = (tail >= least) & (density[i] >= least_density) & points.d_log_deriv[i].is_finite();
        }
        points
    }
}
