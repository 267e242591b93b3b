//! Gradients by the kernels of one dimension: one exponential again for each pair of a point and a kernel.

use super::block::{least, sides};
use super::table::Row;
use autograd::Real;
use autograd::simd::{Isa, Kernel, dispatch};
use std::f64::consts::TAU;

/// Beyond this |z| what a gradient is divided by, φ(z), is near the end of the type's range.
fn furthest<T: Real>() -> T {
    T::from_f64(if size_of::<T>() == 4 { 10.0 } else { 36.0 })
}

/// What the gradients of one dimension depend on, for each point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column<'a, T> {
    pub(super) x: &'a [T],
    pub(super) z: &'a [T],
    pub(super) log_deriv: &'a [T],
    /// The gradient by z.
    pub(super) g_z: &'a [T],
    /// The gradient by the slope's logarithm.
    pub(super) g_log_deriv: &'a [T],
}

/// How much each point adds to the gradients.
#[derive(Debug)]
pub(super) struct Shares<'a, T> {
    /// By F, where F is the lighter tail.
    pub(super) below: &'a mut [T],
    /// By 1 − F, where that is.
    pub(super) above: &'a mut [T],
    /// By f.
    pub(super) density: &'a mut [T],
    /// 1 where all of these are within range; elsewhere this and they are 0.
    pub(super) in_range: &'a mut [T],
}

/// The shares of all points.
pub(super) fn shares<T: Real>(column: Column<'_, T>, top: T, shares: &mut Shares<'_, T>) {
    dispatch(Divide { column, top, shares });
}

struct Divide<'a, 'b, T> {
    column: Column<'a, T>,
    top: T,
    shares: &'a mut Shares<'b, T>,
}

impl<T: Real> Kernel for Divide<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { column, top, shares } = self;
        let points = column.x.len();
        let (z, log_deriv) = (&column.z[..points], &column.log_deriv[..points]);
        let (g_z, g_log_deriv) = (&column.g_z[..points], &column.g_log_deriv[..points]);
        let (below, above) = (&mut shares.below[..points], &mut shares.above[..points]);
        let (density, in_range) = (&mut shares.density[..points], &mut shares.in_range[..points]);
        let (half, root, furthest) = (T::from_f64(0.5), T::from_f64(TAU.sqrt()), furthest::<T>());
        // In f32 the largest of these is about 1e27, times a gradient: far from its end.
        let least = root * least::<T>() * top * T::from_f64(if size_of::<T>() == 4 { 1e4 } else { 1.0 });
        for i in 0..points {
            let near = z[i].abs() < furthest;
            let bounded = if near { z[i] } else { T::ZERO };
            let square = half * bounded * bounded;
            // √2π·f = exp(log-derivative − z²/2), and dz = ±dT/φ(z), d log-derivative = df/f + z·dz.
            let scaled = (log_deriv[i] - square).exp::<I>();
            let is_in_range = near & (scaled >= least);
            let by_tail = (g_log_deriv[i].mul_add::<I>(z[i], g_z[i])) * root * square.exp::<I>();
            let by_tail = if is_in_range { by_tail } else { T::ZERO };
            let left = z[i] <= T::ZERO;
            below[i] = if left { by_tail } else { T::ZERO };
            above[i] = if left { T::ZERO } else { -by_tail };
            let divisor = if is_in_range { scaled } else { T::ONE };
            let of_density = g_log_deriv[i] * root / divisor;
            density[i] = if is_in_range { of_density } else { T::ZERO };
            in_range[i] = if is_in_range { T::ONE } else { T::ZERO };
        }
    }
}

/// The sums over points that gradients by a kernel are made of, before what is the same for all points is multiplied
/// in: rows of the length of the table's rows.
pub(super) const SUMS: usize = 4;

/// Points whose terms are added in the type itself, before they go to a sum in `f64`.
pub(super) const TOGETHER: usize = 64;

/// Points that one loop over the kernels takes.
const AT_ONCE: usize = 4;

/// Sets `sums` to those over at most [`TOGETHER`] points.
pub(super) fn sums<T: Real>(row: Row<'_, T>, x: &[T], shares: &Shares<'_, T>, from: usize, sums: &mut [T]) {
    dispatch(Gather { row, x, shares, from, sums });
}

struct Gather<'a, 'b, T> {
    row: Row<'a, T>,
    x: &'a [T],
    shares: &'a Shares<'b, T>,
    from: usize,
    sums: &'a mut [T],
}

impl<T: Real> Kernel for Gather<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { row, x, shares, from, sums } = self;
        let width = row.weights.len();
        sums.fill(T::ZERO);
        let (weights, rest) = sums.split_at_mut(width);
        let (places, rest) = rest.split_at_mut(width);
        let (scales, densities) = rest.split_at_mut(width);
        let (densities, scales) = (&mut densities[..width], &mut scales[..width]);
        let (locations, inverses) = (&row.locations[..width], &row.inverse[..width]);
        let to = x.len().min(from + TOGETHER);
        let mut first = from;
        while first < to {
            // The last group is filled up with points that have no share. They stay at 0: 0 times an infinite x is NaN.
            let mut group = [[T::ZERO; AT_ONCE]; 4];
            for (lane, i) in (first..to.min(first + AT_ONCE)).enumerate() {
                group[0][lane] = if shares.in_range[i] > T::ZERO { x[i] } else { T::ZERO };
                group[1][lane] = shares.below[i];
                group[2][lane] = shares.above[i];
                group[3][lane] = shares.density[i];
            }
            let [x, below, above, density] = group;
            for k in 0..width {
                let (location, inverse) = (locations[k], inverses[k]);
                let (mut weight, mut place) = (weights[k], places[k]);
                let (mut scale, mut flat) = (scales[k], densities[k]);
                for i in 0..AT_ONCE {
                    let u = (x[i] - location) * inverse;
                    let (low, high, bell) = sides::<I, T>(u);
                    weight = low.mul_add::<I>(below[i], high.mul_add::<I>(above[i], weight));
                    let of_density = density[i] * bell;
                    let along = bell.mul_add::<I>(below[i] - above[i], inverse * of_density * (high - low));
                    place += along;
                    scale = u.mul_add::<I>(along, scale);
                    flat += of_density;
                }
                weights[k] = weight;
                places[k] = place;
                scales[k] = scale;
                densities[k] = flat;
            }
            first += AT_ONCE;
        }
    }
}
