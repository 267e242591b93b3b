//! Mixtures of logistic distributions, one a dimension, and the normal numbers that they make of data.
//!
//! For every pair of a point and a kernel there is one exponential, whose terms are added as it goes ([`block`],
//! [`pull`]): nothing of the size of batch × dimensions × kernels is ever stored. F and 1 − F are both sums of positive
//! terms. Points so far out that these sums leave the range of the type are done one by one, in logarithms and `f64`
//! ([`scalar`]); where both ways are open they agree to rounding, so that nothing jumps between them.

mod block;
mod pull;
mod root;
mod scalar;
mod table;
#[cfg(test)]
mod tests;

pub use scalar::{LogisticMixture, logistic_bandwidth};

use super::element::Element;
use super::gemm::scratch;
use super::product::worthwhile;
use crate::parallel::share_out;
use bytemuck::Pod;
use pull::{Column, SUMS, Shares, TOGETHER};
use table::Parameters;

/// How many points, dimensions and kernels a dimension there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Points.
    pub batch: usize,
    /// Dimensions.
    pub dims: usize,
    /// Kernels a dimension.
    pub count: usize,
}

/// An element type that has these kernels.
///
/// Points are `[batch, dims]`; parameters are `[3, dims, count]`: logits of the weights, locations, log-scales.
pub trait Marginal: Sized {
    /// Writes z, the logarithm of ∂z/∂x, and the derivative of that by x: `[3, batch, dims]`.
    fn marginal(sizes: Sizes, threads: usize, x: &[Self], kernels: &[Self], out: &mut [Self]);
    /// Writes the gradient by the parameters, given what [`Marginal::marginal`] wrote and the gradient by it.
    fn marginal_by_kernels(
        sizes: Sizes,
        threads: usize,
        at: [&[Self]; 2],
        found: &[Self],
        gradient: &[Self],
        out: &mut [Self],
    );
    /// Writes the x of each z.
    fn marginal_roots(sizes: Sizes, threads: usize, z: &[Self], kernels: &[Self], out: &mut [Self]);
}

macro_rules! implement {
    ($($T:ty, $lanes:literal;)*) => {
        $(
            impl Marginal for $T {
                fn marginal(sizes: Sizes, threads: usize, x: &[Self], kernels: &[Self], out: &mut [Self]) {
                    forward::<Self, $lanes>(sizes, threads, x, kernels, out);
                }

                fn marginal_by_kernels(
                    sizes: Sizes,
                    threads: usize,
                    at: [&[Self]; 2],
                    found: &[Self],
                    gradient: &[Self],
                    out: &mut [Self],
                ) {
                    by_kernels(sizes, threads, at, found, gradient, out);
                }

                fn marginal_roots(sizes: Sizes, threads: usize, z: &[Self], kernels: &[Self], out: &mut [Self]) {
                    roots::<Self, $lanes>(sizes, threads, z, kernels, out);
                }
            }
        )*
    };
}

implement! {
    f32, 32;
    f64, 4;
}

/// The same number in another type; the last finite one where it is beyond.
fn narrow<T: Element>(x: f64) -> T {
    let most = if size_of::<T>() == 4 { f64::from(f32::MAX) } else { f64::MAX };
    T::from_f64(if x.is_finite() { x.clamp(-most, most) } else { x })
}

impl Sizes {
    fn work(self) -> usize {
        self.batch * self.dims * self.count
    }

    #[track_caller]
    fn check<T>(self, points: &[&[T]], kernels: &[T]) {
        let Self { batch, dims, count } = self;
        assert!(points.iter().all(|points| points.len() == batch * dims), "marginal: {batch} points of {dims} numbers");
        assert!(kernels.len() == 3 * dims * count, "marginal: {count} kernels in each of {dims} dimensions");
    }
}

impl Sizes {
    /// Lends `work` the threads that are worth it, the kernels, and a table of them. Of no numbers there is no work.
    fn prepared<'a, T: Element + Pod + Send + Sync>(
        self,
        threads: usize,
        kernels: &'a [T],
        work: impl FnOnce(usize, Parameters<'a, T>, &[T]),
    ) {
        let Self { batch, dims, count } = self;
        if batch * dims > 0 {
            let threads = worthwhile(threads, self.work());
            let parameters = Parameters { values: kernels, dims, count };
            with_table(parameters, threads, |table| work(threads, parameters, table));
        }
    }
}

/// Lends `work` a table of all dimensions' kernels.
fn with_table<T: Element + Pod + Send + Sync>(parameters: Parameters<'_, T>, threads: usize, work: impl FnOnce(&[T])) {
    let stride = parameters.stride();
    scratch::with(parameters.dims * stride, |table: &mut [T]| {
        let rows = table.chunks_mut(stride).enumerate();
        share_out(threads, rows, &|(dim, row): (usize, &mut [T])| parameters.lay_out(dim, row));
        work(table);
    });
}

/// Lends `work` so many numbers of the type, and so many in `f64`.
fn with_room<T: Pod>(narrow: usize, wide: usize, work: impl FnOnce(&mut [T], &mut [f64])) {
    scratch::with(narrow, |narrow| scratch::with(wide, |wide| work(narrow, wide)));
}

/// Parts of three results that one thread writes.
type Three<'a, T> = ((&'a mut [T], &'a mut [T]), &'a mut [T]);

/// N numbers of one dimension, from rows of `dims`; filled up with copies of the first.
fn gather<T: Copy, const N: usize>(rows: &[T], dims: usize, dim: usize) -> [T; N] {
    let mut lanes = [rows[dim]; N];
    for (lane, row) in lanes.iter_mut().zip(rows.chunks_exact(dims)) {
        *lane = row[dim];
    }
    lanes
}

fn forward<T: Element + Pod + Send + Sync, const N: usize>(
    sizes: Sizes,
    threads: usize,
    x: &[T],
    kernels: &[T],
    out: &mut [T],
) {
    let Sizes { batch, dims, .. } = sizes;
    sizes.check(&[x], kernels);
    assert!(out.len() == 3 * x.len(), "marginal: three results a number");
    sizes.prepared(threads, kernels, |threads, parameters, table| {
        let (z, rest) = out.split_at_mut(batch * dims);
        let (log_deriv, bend) = rest.split_at_mut(batch * dims);
        let block = N * dims;
        let results = z.chunks_mut(block).zip(log_deriv.chunks_mut(block)).zip(bend.chunks_mut(block));
        let jobs = x.chunks(block).zip(results);
        share_out(threads, jobs, &|(x, ((z, log_deriv), bend)): (&[T], Three<'_, T>)| {
            for (dim, row) in table.chunks_exact(parameters.stride()).enumerate() {
                let lanes: [T; N] = gather(x, dims, dim);
                let points = block::points(parameters.row(row), &lanes);
                let mut mixture = None;
                for (lane, x) in lanes.iter().enumerate().take(x.len() / dims) {
                    let at = lane * dims + dim;
                    if points.fine[lane] {
                        (z[at], log_deriv[at], bend[at]) = (points.z[lane], points.log_deriv[lane], points.bend[lane]);
                    } else {
                        let mixture = mixture.get_or_insert_with(|| parameters.mixture(dim));
                        let point = mixture.point(x.to_f64());
                        z[at] = narrow(point.z);
                        log_deriv[at] = narrow(point.log_deriv);
                        bend[at] = narrow(point.bend);
                    }
                }
            }
        });
    });
}

fn roots<T: Element + Pod + Send + Sync, const N: usize>(
    sizes: Sizes,
    threads: usize,
    z: &[T],
    kernels: &[T],
    out: &mut [T],
) {
    let Sizes { dims, count, .. } = sizes;
    sizes.check(&[z, out], kernels);
    sizes.prepared(threads, kernels, |threads, parameters, table| {
        let jobs = z.chunks(N * dims).zip(out.chunks_mut(N * dims));
        share_out(threads, jobs, &|(z, out): (&[T], &mut [T])| {
            for (dim, row) in table.chunks_exact(parameters.stride()).enumerate() {
                let lanes: [T; N] = gather(z, dims, dim);
                let found = root::roots(parameters.row(row), count, &lanes, &mut || parameters.mixture(dim));
                for (out, found) in out.chunks_exact_mut(dims).zip(found) {
                    out[dim] = found;
                }
            }
        });
    });
}

/// Dimensions whose gradients one thread takes at a time: as many as lie in a cache line of the points.
const DIMS: usize = 16;

fn by_kernels<T: Element + Pod + Send + Sync>(
    sizes: Sizes,
    threads: usize,
    [x, kernels]: [&[T]; 2],
    found: &[T],
    gradient: &[T],
    out: &mut [T],
) {
    let Sizes { batch, dims, count } = sizes;
    sizes.check(&[x], kernels);
    assert!(found.len() == 3 * x.len() && gradient.len() == found.len(), "marginal: three results a number");
    assert!(out.len() == kernels.len(), "marginal: a gradient for each parameter");
    if batch * dims == 0 || count == 0 {
        return out.fill(T::ZERO);
    }
    let size = batch * dims;
    let sources = [x, &found[..size], &found[size..2 * size], &gradient[..size], &gradient[size..2 * size]];
    sizes.prepared(threads, kernels, |threads, parameters, table| {
        let width = parameters.width();
        let (logits, rest) = out.split_at_mut(dims * count);
        let (locations, log_scales) = rest.split_at_mut(dims * count);
        let per = DIMS * count;
        let results = logits.chunks_mut(per).zip(locations.chunks_mut(per)).zip(log_scales.chunks_mut(per));
        share_out(threads, results.enumerate(), &|(job, ((logits, locations), log_scales)): (usize, Three<'_, T>)| {
            with_room(9 * batch + SUMS * width, (SUMS + 3) * width, |room: &mut [T], totals: &mut [f64]| {
                let (columns, rest) = room.split_at_mut(5 * batch);
                let (shares, sums) = rest.split_at_mut(4 * batch);
                let results = logits.chunks_mut(count).zip(locations.chunks_mut(count));
                for (i, ((logits, locations), log_scales)) in results.zip(log_scales.chunks_mut(count)).enumerate() {
                    let dim = job * DIMS + i;
                    for (column, source) in columns.chunks_exact_mut(batch).zip(sources) {
                        for (to, row) in column.iter_mut().zip(source.chunks_exact(dims)) {
                            *to = row[dim];
                        }
                    }
                    let one = Dimension { parameters, dim, numbers: &table[dim * parameters.stride()..] };
                    totals.fill(0.0);
                    one.gradient(columns, shares, sums, totals);
                    for (k, ((logit, location), log_scale)) in
                        logits.iter_mut().zip(locations).zip(log_scales).enumerate()
                    {
                        *logit = narrow(totals[k]);
                        *location = narrow(totals[width + k]);
                        *log_scale = narrow(totals[2 * width + k]);
                    }
                }
            });
        });
    });
}

/// One dimension's gradients.
struct Dimension<'a, T> {
    parameters: Parameters<'a, T>,
    dim: usize,
    numbers: &'a [T],
}

impl<T: Element> Dimension<'_, T> {
    /// Sets the first three rows of `totals`, which are zeros before, to the gradients by logits, locations and
    /// log-scales.
    fn gradient(&self, columns: &[T], shares: &mut [T], sums: &mut [T], totals: &mut [f64]) {
        let batch = columns.len() / 5;
        let width = self.parameters.width();
        let row = self.parameters.row(self.numbers);
        let part = |i: usize| &columns[i * batch..(i + 1) * batch];
        let column = Column { x: part(0), z: part(1), log_deriv: part(2), by_z: part(3), by_slope: part(4) };
        let (below, rest) = shares.split_at_mut(batch);
        let (above, rest) = rest.split_at_mut(batch);
        let (density, fine) = rest.split_at_mut(batch);
        let mut shares = Shares { below, above, density, fine };
        pull::shares(column, row.top, &mut shares);
        let (gradient, totals) = totals.split_at_mut(3 * width);
        for from in (0..batch).step_by(TOGETHER) {
            pull::sums(row, column.x, &shares, from, sums);
            for (total, sum) in totals.iter_mut().zip(&*sums) {
                *total += sum.to_f64();
            }
        }
        let total = |i: usize, k: usize| totals[i * width + k];
        let by_weight = |k: usize| total(0, k) + row.inverse[k].to_f64() * total(3, k);
        let weights = row.weights[..self.parameters.count].iter().map(|w| w.to_f64());
        let mean: f64 = weights.clone().enumerate().map(|(k, weight)| weight * by_weight(k)).sum();
        for (k, weight) in weights.enumerate() {
            let inverse = row.inverse[k].to_f64();
            // The weights are a softmax of the logits.
            gradient[k] = weight * (by_weight(k) - mean);
            gradient[width + k] = -weight * inverse * total(1, k);
            gradient[2 * width + k] = -weight * (total(2, k) + inverse * total(3, k));
        }
        let mut mixture = None;
        for i in (0..batch).filter(|&i| shares.fine[i] == T::ZERO) {
            let mixture = mixture.get_or_insert_with(|| self.parameters.mixture(self.dim));
            let (logits, rest) = gradient.split_at_mut(width);
            let (locations, log_scales) = rest.split_at_mut(width);
            let [x, by_z, by_slope] = [column.x, column.by_z, column.by_slope].map(|column| column[i].to_f64());
            mixture.pull(x, by_z, by_slope, [logits, locations, log_scales]);
        }
    }
}
