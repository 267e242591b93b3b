//! A matrix product over several threads.

#![allow(
    unsafe_code,
    reason = "threads write to different columns of one row-major matrix, which no safe slice can express"
)]

use super::gemm::Matrix;
use super::half;
use crate::parallel::{share_out, worthwhile};
use crate::real::Real;

/// A row-major matrix that several threads write to, each to different columns.
#[derive(Clone, Copy)]
pub(super) struct Target<T>(*mut T);

// SAFETY: whoever writes through the pointer guarantees that no two threads touch the same element.
unsafe impl<T: Send> Send for Target<T> {}
// SAFETY: as above; nothing is read through it.
unsafe impl<T: Send> Sync for Target<T> {}

impl<T> Target<T> {
    pub(super) fn new(matrix: &mut [T]) -> Self {
        Self(matrix.as_mut_ptr())
    }

    /// The pointer, by a method: a closure that named the field would capture the bare pointer.
    pub(super) fn pointer(&self) -> *mut T {
        self.0
    }
}

/// `c ← a·b` for `sizes` of `[m, k, n]`, `c` row-major, over this many threads.
///
/// The longer side of `c` is split, so that the operand that every thread must read whole is the smaller one.
/// (Splitting a batch of 128 against 1000×1000 weights by rows instead costs an eighth: each thread lays out all of the
/// weights for itself.) No sum is split: the result is the same for any number of threads.
///
/// # Panics
/// If a matrix reaches beyond its slice.
pub(crate) fn matmul<T: Real>(threads: usize, sizes: [usize; 3], a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T]) {
    let [m, k, n] = sizes;
    let threads = worthwhile(threads, m * k * n);
    assert!(c.len() == m * n, "matmul: {m}×{n} elements do not fit into {}", c.len());
    if half::wanted::<T>()
        && half::dense::pays(sizes)
        && let Some((a, b)) = half::pack::matrix(a.0, a.1).zip(half::pack::matrix(b.0, (b.1.1, b.1.0)))
    {
        return half::dense::matmul(threads, sizes, a, b, bytemuck::cast_slice_mut(c));
    }
    if threads == 1 || m * n == 0 {
        return T::gemm(false, sizes, a, b, c, n);
    }
    let ((a, a_strides), (b, b_strides)) = (a, b);
    if m >= n {
        // Rows of c are slices.
        let per = m.div_ceil(threads).next_multiple_of(16);
        return share_out(threads, c.chunks_mut(per * n).enumerate(), &|(i, piece): (usize, &mut [T])| {
            let a = (&a[i * per * a_strides.0..], a_strides);
            T::gemm(false, [piece.len() / n, k, n], a, (b, b_strides), piece, n);
        });
    }
    let per = n.div_ceil(threads).next_multiple_of(16);
    let target = Target::new(c);
    share_out(threads, (0..n).step_by(per), &|first| {
        let width = per.min(n - first);
        let b = (&b[first * b_strides.1..], b_strides);
        // SAFETY: the columns `first..first + width` lie inside `c`, whose length was checked to be
        // m·n, and each call gets different columns while `c` is borrowed exclusively.
        unsafe { T::gemm_into([m, k, width], (a, a_strides), b, target.pointer().add(first), n) };
    });
}
