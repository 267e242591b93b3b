//! Arithmetic over slices: the only place with `unsafe`.

mod double;
mod element;
mod fast;
mod gemm;
mod lanes;
mod map;
pub(crate) mod optimise;
mod reduce;
mod simd;
#[path = "conv_stub.rs"]
pub(crate) mod conv;

pub(crate) use conv::Conv2d;
pub use gemm::Gemm;
pub use lanes::Lanes;

use crate::parallel;

/// `c ← a·b` of `(m, k, n)`, c row-major, over this many threads.
pub(crate) fn matmul<T: Gemm + Send + Sync + crate::real::Real>(
    threads: usize,
    (m, k, n): (usize, usize, usize),
    a: &[T],
    a_strides: (isize, isize),
    b: &[T],
    b_strides: (isize, isize),
    c: &mut [T],
) {
    let per = if threads > 1 && m * k * n >= 1 << 17 { m.div_ceil(threads) } else { m };
    parallel::side_by_side(c, per * n, &|start, piece| {
        let row = start / n;
        let a = &a[row * a_strides.0 as usize..];
        T::gemm(piece.len() / n, k, n, T::ONE, a, a_strides, b, b_strides, T::ZERO, piece, (n as isize, 1));
    });
}
