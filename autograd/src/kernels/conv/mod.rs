//! The convolution of images with weights, and its adjoints in the images and in the weights.
//!
//! A 1×1 kernel is a product of matrices and goes to [`super::gemm`]; everything else is a product
//! with one factor that is read through offsets (see [`micro`]):
//!
//! - [`correlate`]: images in, images out;
//! - [`weight`]: images in, weights out;
//! - [`axis`]: strides, padding and dilation, one axis at a time;
//! - [`masked`]: all of this under a kernel mask.
//!
//! Results do not depend on the number of threads: these split images (or columns of the weights'
//! gradient), and each number is computed by one thread in one order. They do depend in the last
//! digits on the width of the machine's vectors.

mod axis;
mod correlate;
mod geometry;
pub(crate) mod masked;
mod micro;
#[cfg(test)]
mod tests;
mod weight;
mod winograd;

pub(crate) use geometry::{Conv2d, Images};
pub(crate) use masked::plan::Plan;
pub(crate) use micro::{Batch, Multiply, Transform};

use super::half;
use super::simd::Level;
use crate::bilinear::Side;
use crate::elementwise::{Binary, Unary};
use crate::parallel::share_out;
use crate::real::Real;
use correlate::Correlation;

/// One side of `y = x ⋆ w` from the other two, over up to `threads` threads. See [`Side`] for the operands.
///
/// # Panics
/// If a slice does not have the length that `geometry` says.
pub(crate) fn product<T: Real>(geometry: &Conv2d, side: Side, threads: usize, a: &[T], b: &[T], out: &mut [T]) {
    let lengths = [Side::Input, Side::Weight, Side::Output].map(|side| geometry.len(side));
    let found = side.sorted(a.len(), b.len(), out.len());
    assert_eq!(found, lengths, "conv2d: elements of the input, the weights and the output");
    if geometry.is_empty() {
        return out.fill(T::ZERO);
    }
    if is_half::<T>(geometry) {
        let (a, b, out) = (bytemuck::cast_slice(a), bytemuck::cast_slice(b), bytemuck::cast_slice_mut(out));
        return match side {
            Side::Weight => half::conv::by_weight(geometry, threads, a, b, out),
            _ => half::conv::correlate(geometry, side == Side::Output, threads, [a, b], Finish::default(), out),
        };
    }
    if winograd::pays::<T>(geometry) {
        return match side {
            Side::Weight => winograd::weight::run(Level::current(), threads, geometry, a, b, out),
            Side::Output | Side::Input => {
                winograd::run(Level::current(), threads, geometry, side, [a, b], Finish::default(), out);
            }
        };
    }
    if side == Side::Weight {
        return weight::run(Level::current(), threads, geometry, a, b, out);
    }
    if geometry.is_pointwise() {
        let (outs, ins) = (geometry.output.channels, geometry.input.channels);
        let (rows, inner, strides) = if side == Side::Output { (outs, ins, (ins, 1)) } else { (ins, outs, (1, ins)) };
        return pointwise(threads, [rows, inner, geometry.input.plane()], b, strides, a, out);
    }
    Correlation::new(Level::current(), geometry, side).run(threads, a, b, out);
}

/// Whether a convolution is computed in half precision here.
fn is_half<T: Real>(geometry: &Conv2d) -> bool {
    half::wanted::<T>() && half::conv::pays(geometry)
}

/// What is done to outputs before they are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish<'a, T> {
    /// What is added to each channel; nothing where this is empty.
    pub(crate) bias: &'a [T],
    /// Whether what is negative becomes 0.
    pub(crate) relu: bool,
}

impl<T> Default for Finish<'_, T> {
    fn default() -> Self {
        Self { bias: &[], relu: false }
    }
}

/// A convolution's output, with a bias for each channel.
///
/// # Panics
/// As [`product`], or if there is not one bias for each channel.
pub(crate) fn biased<T: Real>(
    geometry: &Conv2d,
    threads: usize,
    [x, weights]: [&[T]; 2],
    finish: Finish<'_, T>,
    out: &mut [T],
) {
    assert_eq!(finish.bias.len(), geometry.output.channels, "conv2d_biased: a bias for each output channel");
    if is_half::<T>(geometry) {
        let finish = Finish { bias: bytemuck::cast_slice(finish.bias), relu: finish.relu };
        let (factors, out) = ([x, weights].map(bytemuck::cast_slice), bytemuck::cast_slice_mut(out));
        return half::conv::correlate(geometry, true, threads, factors, finish, out);
    }
    if winograd::pays::<T>(geometry) && !geometry.is_empty() {
        return winograd::run(Level::current(), threads, geometry, Side::Output, [x, weights], finish, out);
    }
    product(geometry, Side::Output, threads, x, weights, out);
    let (image, plane) = (geometry.output.len(), geometry.output.plane());
    let work = |_, out: &mut [T]| {
        for (plane, &bias) in out.chunks_exact_mut(plane).zip(finish.bias.iter().cycle()) {
            T::binary_scalar_assign(Binary::Add, plane, bias);
            if finish.relu {
                T::unary_in_place(Unary::Relu, plane);
            }
        }
    };
    if !out.is_empty() {
        split(out, image, threads, &work);
    }
}

/// `to = matrix · from` in each image, where `matrix` is `rows × inner`, and `from` and `to` have a
/// row for each channel.
fn pointwise<T: Real>(
    threads: usize,
    sizes: [usize; 3],
    matrix: &[T],
    strides: (usize, usize),
    from: &[T],
    to: &mut [T],
) {
    let [rows, inner, places] = sizes;
    let work = |first: usize, to: &mut [T]| {
        let from = from[first * inner * places..].chunks_exact(inner * places);
        for (from, to) in from.zip(to.chunks_exact_mut(rows * places)) {
            T::gemm(false, sizes, (matrix, strides), (from, (places, 1)), to, places);
        }
    };
    split(to, rows * places, threads, &work);
}

/// Calls `work` with up to `threads` pieces of `out`, in parallel, and the number of each piece's first unit.
/// Pieces are whole units, except the last.
fn split<T: Send>(out: &mut [T], unit: usize, threads: usize, work: &(impl Fn(usize, &mut [T]) + Sync)) {
    let per = out.len().div_ceil(unit).div_ceil(threads).max(1);
    share_out(threads, out.chunks_mut(per * unit).enumerate(), &|(i, piece): (usize, &mut [T])| work(i * per, piece));
}
