//! The passes over points and kernels.
//!
//! For every pair of a point and a kernel there is one exponential, whose terms are added as it goes ([`block`],
//! [`gradient`]): nothing of the size of batch × dimensions × kernels is ever stored. F and 1 − F are both sums of
//! positive terms. Points so far out that these sums leave the range of the type are computed one by one, in logarithms
//! and `f64` (see [`LogisticMixture`](super::LogisticMixture)); both agree up to rounding, so nothing jumps from one to
//! the other.

use super::block;
use super::gradient::{self, Column, SUMS, Shares, TOGETHER};
use super::root;
use super::table::{Parameters, Row};
use autograd::parallel::{self, share_out, worthwhile};
use autograd::{Real, Tensor, scratch};
use bytemuck::{cast_slice, cast_slice_mut};

/// What is computed, and from what; points are `[batch, dims]`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pass<'a, T> {
    /// z, the logarithm of ∂z/∂x, and its derivative by x: `[3, batch, dims]`.
    Latent { x: &'a [T] },
    /// The gradient by the kernels, from what `Latent` found and the gradient of it.
    Gradient { x: &'a [T], found: &'a [T], g: &'a [T] },
    /// The x of each z.
    Data { z: &'a [T] },
}

/// A pass over points `[batch, dims]` and kernels `[3, dims, count]`.
pub(super) fn compute<T: Real>(batch: usize, kernels: &Tensor<T>, pass: Pass<'_, T>, out: &mut [T]) {
    let sizes = [batch, kernels.shape()[1], kernels.shape()[2]];
    // Compiled here for both types, and not again in every crate that uses this.
    if T::NAME == f32::NAME {
        in_f32(sizes, cast_slice(kernels.as_slice()), pass.cast(), cast_slice_mut(out));
    } else {
        in_f64(sizes, cast_slice(kernels.as_slice()), pass.cast(), cast_slice_mut(out));
    }
}

fn in_f32(sizes: [usize; 3], kernels: &[f32], pass: Pass<'_, f32>, out: &mut [f32]) {
    run::<f32, 32>(sizes, kernels, pass, out);
}

fn in_f64(sizes: [usize; 3], kernels: &[f64], pass: Pass<'_, f64>, out: &mut [f64]) {
    run::<f64, 4>(sizes, kernels, pass, out);
}

impl<'a, T: Real> Pass<'a, T> {
    /// The same in the type that `T` is.
    fn cast<U: Real>(self) -> Pass<'a, U> {
        match self {
            Self::Latent { x } => Pass::Latent { x: cast_slice(x) },
            Self::Gradient { x, found, g } => {
                Pass::Gradient { x: cast_slice(x), found: cast_slice(found), g: cast_slice(g) }
            }
            Self::Data { z } => Pass::Data { z: cast_slice(z) },
        }
    }
}

/// With `N` points at a time.
fn run<T: Real, const N: usize>([batch, dims, count]: [usize; 3], kernels: &[T], pass: Pass<'_, T>, out: &mut [T]) {
    if batch * dims == 0 {
        return out.fill(T::ZERO);
    }
    let threads = worthwhile(parallel::threads(), batch * dims * count);
    let kernels = Parameters { values: kernels, dims, count };
    let stride = kernels.stride();
    scratch::with(kernels.dims * stride, |table: &mut [T]| {
        let rows = table.chunks_mut(stride).enumerate();
        share_out(threads, rows, &|(dim, row): (usize, &mut [T])| kernels.lay_out(dim, row));
        match pass {
            Pass::Latent { x } => latent::<T, N>(kernels, table, threads, x, out),
            Pass::Gradient { x, found, g } => {
                let size = x.len();
                let sources = [x, &found[..size], &found[size..2 * size], &g[..size], &g[size..2 * size]];
                by_kernels(kernels, table, threads, batch, sources, out);
            }
            Pass::Data { z } => data::<T, N>(kernels, table, threads, z, out),
        }
    });
}

/// Rounded to the type; the largest finite value where it would overflow.
pub(super) fn narrow<T: Real>(x: f64) -> T {
    let most = if size_of::<T>() == 4 { f64::from(f32::MAX) } else { f64::MAX };
    T::from_f64(if x.is_finite() { x.clamp(-most, most) } else { x })
}

/// Parts of three results that one thread writes.
type Three<'a, T> = ((&'a mut [T], &'a mut [T]), &'a mut [T]);

/// `all` as three equal parts, each in pieces of `per` elements.
fn thirds<T>(all: &mut [T], per: usize) -> impl Iterator<Item = Three<'_, T>> {
    let third = all.len() / 3;
    let (a, rest) = all.split_at_mut(third);
    let (b, c) = rest.split_at_mut(third);
    a.chunks_mut(per).zip(b.chunks_mut(per)).zip(c.chunks_mut(per))
}

/// One dimension of N points, from rows of `dims`; filled up with copies of the first.
fn gather<T: Copy, const N: usize>(rows: &[T], dims: usize, dim: usize) -> [T; N] {
    let mut lanes = [rows[dim]; N];
    for (lane, row) in lanes.iter_mut().zip(rows.chunks_exact(dims)) {
        *lane = row[dim];
    }
    lanes
}

fn latent<T: Real, const N: usize>(kernels: Parameters<'_, T>, table: &[T], threads: usize, x: &[T], out: &mut [T]) {
    let dims = kernels.dims;
    let jobs = x.chunks(N * dims).zip(thirds(out, N * dims));
    share_out(threads, jobs, &|(x, ((z, log_deriv), d_log_deriv)): (&[T], Three<'_, T>)| {
        for (dim, row) in table.chunks_exact(kernels.stride()).enumerate() {
            let lanes: [T; N] = gather(x, dims, dim);
            let points = block::points(kernels.row(row), &lanes);
            let mut mixture = None;
            for (lane, x) in lanes.iter().enumerate().take(x.len() / dims) {
                let at = lane * dims + dim;
                if points.in_range[lane] {
                    z[at] = points.z[lane];
                    log_deriv[at] = points.log_deriv[lane];
                    d_log_deriv[at] = points.d_log_deriv[lane];
                } else {
                    let mixture = mixture.get_or_insert_with(|| kernels.mixture(dim));
                    let point = mixture.point(x.to_f64());
                    z[at] = narrow(point.z);
                    log_deriv[at] = narrow(point.log_deriv);
                    d_log_deriv[at] = narrow(point.d_log_deriv);
                }
            }
        }
    });
}

fn data<T: Real, const N: usize>(kernels: Parameters<'_, T>, table: &[T], threads: usize, z: &[T], out: &mut [T]) {
    let Parameters { dims, count, .. } = kernels;
    let jobs = z.chunks(N * dims).zip(out.chunks_mut(N * dims));
    share_out(threads, jobs, &|(z, out): (&[T], &mut [T])| {
        for (dim, row) in table.chunks_exact(kernels.stride()).enumerate() {
            let lanes: [T; N] = gather(z, dims, dim);
            let found = root::roots(kernels.row(row), count, &lanes, &mut || kernels.mixture(dim));
            for (out, found) in out.chunks_exact_mut(dims).zip(found) {
                out[dim] = found;
            }
        }
    });
}

/// Dimensions whose gradients one thread takes at a time: as many as lie in a cache line of the points.
const DIMS: usize = 16;

fn by_kernels<T: Real>(
    kernels: Parameters<'_, T>,
    table: &[T],
    threads: usize,
    batch: usize,
    sources: [&[T]; 5],
    out: &mut [T],
) {
    let (Parameters { dims, count, .. }, width, stride) = (kernels, kernels.width(), kernels.stride());
    let jobs = thirds(out, DIMS * count).enumerate();
    share_out(threads, jobs, &|(job, ((logits, locations), log_scales)): (usize, Three<'_, T>)| {
        let mut work = |room: &mut [T], totals: &mut [f64]| {
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
                let one = Dimension { parameters: kernels, dim, row: kernels.row(&table[dim * stride..]) };
                totals.fill(0.0);
                one.gradient(columns, shares, sums, totals);
                for (part, totals) in [logits, locations, log_scales].into_iter().zip(totals.chunks_exact(width)) {
                    part.iter_mut().zip(totals).for_each(|(to, &total)| *to = narrow(total));
                }
            }
        };
        scratch::with(9 * batch + SUMS * width, |room| scratch::with((SUMS + 3) * width, |totals| work(room, totals)));
    });
}

/// One dimension's gradients.
struct Dimension<'a, T> {
    parameters: Parameters<'a, T>,
    dim: usize,
    row: Row<'a, T>,
}

impl<T: Real> Dimension<'_, T> {
    /// Sets the first three rows of `totals`, which are zeros before, to the gradients by logits, locations and
    /// log-scales.
    fn gradient(&self, columns: &[T], shares: &mut [T], sums: &mut [T], totals: &mut [f64]) {
        let batch = columns.len() / 5;
        let width = self.parameters.width();
        let row = self.row;
        let part = |i: usize| &columns[i * batch..(i + 1) * batch];
        let column = Column { x: part(0), z: part(1), log_deriv: part(2), g_z: part(3), g_log_deriv: part(4) };
        let (below, rest) = shares.split_at_mut(batch);
        let (above, rest) = rest.split_at_mut(batch);
        let (density, in_range) = rest.split_at_mut(batch);
        let mut shares = Shares { below, above, density, in_range };
        gradient::shares(column, row.top, &mut shares);
        let (sum, totals) = totals.split_at_mut(3 * width);
        for from in (0..batch).step_by(TOGETHER) {
            gradient::sums(row, column.x, &shares, from, sums);
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
            sum[k] = weight * (by_weight(k) - mean);
            sum[width + k] = -weight * inverse * total(1, k);
            sum[2 * width + k] = -weight * (total(2, k) + inverse * total(3, k));
        }
        let mut mixture = None;
        for i in (0..batch).filter(|&i| shares.in_range[i] == T::ZERO) {
            let mixture = mixture.get_or_insert_with(|| self.parameters.mixture(self.dim));
            let (logits, rest) = sum.split_at_mut(width);
            let (locations, log_scales) = rest.split_at_mut(width);
            let [x, g_z, g_log_deriv] = [column.x, column.g_z, column.g_log_deriv].map(|column| column[i].to_f64());
            mixture.add_gradient(x, g_z, g_log_deriv, [logits, locations, log_scales]);
        }
    }
}
