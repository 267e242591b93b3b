//! Convolutions: of images with weights, and its adjoints in either.
//!
//! The three are each other's derivatives, so these are all that a tape needs for derivatives of
//! any order. A 1×1 kernel is a product of matrices and goes to [`super::gemm`]; everything else is
//! a product whose one factor is read through offsets, for which see [`micro`]:
//!
//! - [`correlate`]: images in, images out;
//! - [`weight`]: images in, weights out;
//! - [`axis`]: strides, padding and dilation, one axis at a time;
//! - working memory is lent by [`super::gemm::scratch`].
//!
//! Results do not depend on the number of threads: these split images (or columns of the weights'
//! gradient), and each number is computed by one thread in one order. They do depend in the last
//! digits on the width of the machine's vectors.

mod axis;
mod correlate;
mod geometry;
mod micro;
pub(crate) mod taps;
#[cfg(test)]
mod tests;
mod weight;

pub(crate) use geometry::Conv2d;
pub(crate) use micro::Convolve;

use correlate::Correlation;
use micro::Level;

/// `y = x ⋆ w`, over up to `threads` threads.
///
/// # Panics
/// If a slice has not the length that `geometry` says.
pub(crate) fn forward<T: Convolve>(geometry: &Conv2d, threads: usize, x: &[T], w: &[T], y: &mut [T]) {
    forward_at(Level::detect(), geometry, threads, x, w, y);
}

/// The adjoint in the input: `⟨dy, x ⋆ w⟩ = ⟨dx, x⟩` for all `x`. A transposed
/// convolution.
///
/// # Panics
/// If a slice has not the length that `geometry` says.
pub(crate) fn by_input<T: Convolve>(geometry: &Conv2d, threads: usize, dy: &[T], w: &[T], dx: &mut [T]) {
    by_input_at(Level::detect(), geometry, threads, dy, w, dx);
}

/// The adjoint in the weights: `⟨dy, x ⋆ w⟩ = ⟨dw, w⟩` for all `w`.
///
/// # Panics
/// If a slice has not the length that `geometry` says.
pub(crate) fn by_weight<T: Convolve>(geometry: &Conv2d, threads: usize, x: &[T], dy: &[T], dw: &mut [T]) {
    by_weight_at(Level::detect(), geometry, threads, x, dy, dw);
}

fn forward_at<T: Convolve>(level: Level, geometry: &Conv2d, threads: usize, x: &[T], w: &[T], y: &mut [T]) {
    check(geometry, x.len(), w.len(), y.len());
    if geometry.is_empty() {
        return y.fill(T::default());
    }
    if geometry.is_pointwise() {
        let (outs, ins, places) = (geometry.out_channels, geometry.in_channels, geometry.in_h * geometry.in_w);
        return pointwise(threads, [outs, ins, places], w, (ins as isize, 1), x, y);
    }
    Correlation::forward(level, geometry).run(threads, x, w, y);
}

fn by_input_at<T: Convolve>(level: Level, geometry: &Conv2d, threads: usize, dy: &[T], w: &[T], dx: &mut [T]) {
    check(geometry, dx.len(), w.len(), dy.len());
    if geometry.is_empty() {
        return dx.fill(T::default());
    }
    if geometry.is_pointwise() {
        let (outs, ins, places) = (geometry.out_channels, geometry.in_channels, geometry.in_h * geometry.in_w);
        return pointwise(threads, [ins, outs, places], w, (1, ins as isize), dy, dx);
    }
    Correlation::adjoint(level, geometry).run(threads, dy, w, dx);
}

fn by_weight_at<T: Convolve>(level: Level, geometry: &Conv2d, threads: usize, x: &[T], dy: &[T], dw: &mut [T]) {
    check(geometry, x.len(), dw.len(), dy.len());
    if geometry.is_empty() {
        return dw.fill(T::default());
    }
    weight::run(level, threads, geometry, x, dy, dw);
}

/// `to = matrix · from` in each image, where `matrix` is `rows × inner`, and `from` and `to` have a
/// row for each channel.
fn pointwise<T: Convolve>(
    threads: usize,
    [rows, inner, places]: [usize; 3],
    matrix: &[T],
    strides: (isize, isize),
    from: &[T],
    to: &mut [T],
) {
    let work = |first: usize, to: &mut [T]| {
        let from = from[first * inner * places..].chunks_exact(inner * places);
        for (from, to) in from.zip(to.chunks_exact_mut(rows * places)) {
            let along = (places as isize, 1);
            T::gemm(rows, inner, places, T::one(), matrix, strides, from, along, T::default(), to, along);
        }
    };
    split(to, rows * places, threads, 0, &work);
}

/// Gives `work` up to `threads` pieces of `out`, side by side, and the number of each piece's first
/// unit. Pieces are whole units, but for the last.
fn split<T: Send>(out: &mut [T], unit: usize, threads: usize, first: usize, work: &(impl Fn(usize, &mut [T]) + Sync)) {
    let units = out.len().div_ceil(unit);
    let threads = threads.min(units);
    if threads <= 1 {
        return work(first, out);
    }
    let left = threads / 2;
    let at = units * left / threads;
    let (a, b) = out.split_at_mut(at * unit);
    rayon::join(|| split(a, unit, left, first, work), || split(b, unit, threads - left, first + at, work));
}

#[track_caller]
fn check(geometry: &Conv2d, x: usize, w: usize, y: usize) {
    let expected = [geometry.input_len(), geometry.weight_len(), geometry.output_len()];
    assert_eq!([x, w, y], expected, "conv2d: elements of the input, the weights and the output");
}
