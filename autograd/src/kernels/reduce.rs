//! Reductions over slices: sums, maxima and log-sum-exps, along any axis.
//!
//! A tensor reduced along an axis is `[outer, reduce, inner]` in memory, and the result
//! `[outer, inner]`; see [`Extent`]. Sums are carried in `f64`, so an `f32` sum over a million
//! elements is right to its last bit. All loops run over contiguous memory: along rows with
//! many accumulators side by side, down columns a strip at a time with one accumulator each.

use super::map::maximum;
use super::simd::{Isa, Kernel, dispatch};
use crate::real::Real;

/// Accumulators side by side in a sum along a row: enough to hide the latency of addition.
const LANES: usize = 64;
/// The same for a maximum, whose steps are cheaper and whose rows are often short.
const MAX_LANES: usize = 32;
/// Columns summed together: their accumulators fit the nearest cache with room for the rows.
const STRIP: usize = 512;
/// Rows shorter than this are reduced many at a time, transposed.
const SHORT: usize = 32;

/// The shape of a reduction: `[outer, reduce, inner] → [outer, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The product of the sizes before the reduced axis.
    pub outer: usize,
    /// The reduced axis.
    pub reduce: usize,
    /// The product of the sizes after it.
    pub inner: usize,
}

impl Extent {
    #[track_caller]
    fn check<T>(self, what: &str, x: &[T], out: &[T]) {
        let Self { outer, reduce, inner } = self;
        assert_eq!((x.len(), out.len()), (outer * reduce * inner, outer * inner), "{what} over {self:?}: lengths");
    }
}

/// The sum of `term(x)` in `f64`.
#[inline(always)]
fn total<T: Real>(x: &[T], term: impl Fn(T) -> f64) -> f64 {
    if x.len() < SHORT {
        return x.iter().fold(0.0, |sum, &x| sum + term(x));
    }
    let mut sums = [0.0; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for (sum, &x) in sums.iter_mut().zip(block) {
            *sum += term(x);
        }
    }
    for (sum, &x) in sums.iter_mut().zip(rest) {
        *sum += term(x);
    }
    fold(sums, |a, b| a + b)
}

/// Combines the lanes, halves onto halves.
#[inline(always)]
fn fold<T: Copy, const N: usize>(mut lanes: [T; N], f: impl Fn(T, T) -> T) -> T {
    let mut width = N / 2;
    while width > 0 {
        for k in 0..width {
            lanes[k] = f(lanes[k], lanes[k + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// `Σ x²` in `f64`: squares soon overflow `f32`.
pub(crate) fn sum_of_squares<T: Real>(x: &[T]) -> f64 {
    dispatch(SumOfSquares(x))
}

struct SumOfSquares<'a, T>(&'a [T]);

impl<T: Real> Kernel for SumOfSquares<'_, T> {
    type Output = f64;
    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        total(self.0, |x| x.to_f64() * x.to_f64())
    }
}

/// Whether there is no NaN and no infinity in `x`.
pub(crate) fn all_finite<T: Real>(x: &[T]) -> bool {
    dispatch(AllFinite(x))
}

struct AllFinite<'a, T>(&'a [T]);

impl<T: Real> Kernel for AllFinite<'_, T> {
    type Output = bool;
    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        // Without a branch inside a block, so that it vectorizes.
        self.0.chunks(1024).all(|block| block.iter().fold(true, |fine, x| fine & x.is_finite()))
    }
}

/// Sums along an axis; over nothing, 0.
#[track_caller]
pub(crate) fn sum_axis<T: Real>(x: &[T], extent: Extent, out: &mut [T]) {
    extent.check("sum", x, out);
    dispatch(Along { x, extent, out, by: Sums });
}

/// Maxima along an axis, NaN where there is one; over nothing, −∞.
#[track_caller]
pub(crate) fn max_axis<T: Real>(x: &[T], extent: Extent, out: &mut [T]) {
    extent.check("max", x, out);
    dispatch(Along { x, extent, out, by: Maxima });
}

/// `ln Σ eˣ` along an axis, without overflow; over nothing, −∞.
#[track_caller]
pub(crate) fn logsumexp_axis<T: Real>(x: &[T], extent: Extent, out: &mut [T]) {
    extent.check("logsumexp", x, out);
    dispatch(Along { x, extent, out, by: LogSumExps });
}

/// How to reduce one block of rows or columns.
trait Reduction<T> {
    /// One row to one number.
    fn row<I: Isa>(x: &[T]) -> T;
    /// The columns of `x` (rows of `pitch`, of which the first `out.len() ≤ STRIP` elements count) to one number each.
    fn columns<I: Isa>(x: &[T], pitch: usize, out: &mut [T], scratch: &mut Scratch<T>);
}

/// Working memory of [`Reduction::columns`], which clears it first.
struct Scratch<T> {
    sums: [f64; STRIP],
    tops: [T; STRIP],
    terms: [T; STRIP],
}

impl<T: Real> Scratch<T> {
    #[inline(always)]
    fn new() -> Self {
        Self { sums: [0.0; STRIP], tops: [T::ZERO; STRIP], terms: [T::ZERO; STRIP] }
    }
}

/// A reduction along an axis.
struct Along<'a, T, R> {
    x: &'a [T],
    extent: Extent,
    out: &'a mut [T],
    #[expect(dead_code, reason = "only its type is used")]
    by: R,
}

impl<T: Real, R: Reduction<T>> Kernel for Along<'_, T, R> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { x, extent: Extent { reduce, inner, .. }, out, .. } = self;
        if out.is_empty() {
            return;
        }
        if reduce == 0 {
            out.fill(R::row::<I>(&[]));
        } else if inner > 1 {
            let mut scratch = Scratch::new();
            for (x, out) in x.chunks_exact(reduce * inner).zip(out.chunks_exact_mut(inner)) {
                for (strip, out) in out.chunks_mut(STRIP).enumerate() {
                    R::columns::<I>(&x[strip * STRIP..], inner, out, &mut scratch);
                }
            }
        } else if reduce >= SHORT {
            for (x, out) in x.chunks_exact(reduce).zip(out) {
                *out = R::row::<I>(x);
            }
        } else {
            // Short rows: a tile of them, transposed, is columns.
            const ROWS: usize = 64;
            let mut tile = [T::ZERO; ROWS * SHORT];
            let mut scratch = Scratch::new();
            for (x, out) in x.chunks(ROWS * reduce).zip(out.chunks_mut(ROWS)) {
                for (r, row) in x.chunks_exact(reduce).enumerate() {
                    for (k, &x) in row.iter().enumerate() {
                        tile[k * ROWS + r] = x;
                    }
                }
                R::columns::<I>(&tile[..reduce * ROWS], ROWS, out, &mut scratch);
            }
        }
    }
}

/// Adds the columns of `x` into `sums`, a few rows at a time.
#[inline(always)]
fn add_columns<T: Real>(x: &[T], pitch: usize, sums: &mut [f64]) {
    let n = sums.len();
    for four in x.chunks(4 * pitch) {
        if four.len() >= 3 * pitch + n {
            let (a, b) = (&four[..n], &four[pitch..][..n]);
            let (c, d) = (&four[2 * pitch..][..n], &four[3 * pitch..][..n]);
            for k in 0..n {
                sums[k] += (a[k].to_f64() + b[k].to_f64()) + (c[k].to_f64() + d[k].to_f64());
            }
        } else {
            for row in four.chunks(pitch).filter(|row| row.len() >= n) {
                for (sum, &x) in sums.iter_mut().zip(row) {
                    *sum += x.to_f64();
                }
            }
        }
    }
}

struct Sums;
impl<T: Real> Reduction<T> for Sums {
    #[inline(always)]
    fn row<I: Isa>(x: &[T]) -> T {
        T::from_f64(total(x, T::to_f64))
    }

    #[inline(always)]
    fn columns<I: Isa>(x: &[T], pitch: usize, out: &mut [T], scratch: &mut Scratch<T>) {
        let sums = &mut scratch.sums[..out.len()];
        sums.fill(0.0);
        add_columns(x, pitch, sums);
        for (out, &sum) in out.iter_mut().zip(&*sums) {
            *out = T::from_f64(sum);
        }
    }
}

struct Maxima;
impl<T: Real> Reduction<T> for Maxima {
    #[inline(always)]
    fn row<I: Isa>(x: &[T]) -> T {
        let mut tops = [T::NEG_INFINITY; MAX_LANES];
        let (blocks, rest) = x.as_chunks::<MAX_LANES>();
        for block in blocks {
            for (top, &x) in tops.iter_mut().zip(block) {
                *top = maximum(*top, x);
            }
        }
        for (top, &x) in tops.iter_mut().zip(rest) {
            *top = maximum(*top, x);
        }
        fold(tops, maximum)
    }

    #[inline(always)]
    fn columns<I: Isa>(x: &[T], pitch: usize, out: &mut [T], _: &mut Scratch<T>) {
        let n = out.len();
        out.fill(T::NEG_INFINITY);
        for row in x.chunks(pitch).filter(|row| row.len() >= n) {
            for (top, &x) in out.iter_mut().zip(row) {
                *top = maximum(*top, x);
            }
        }
    }
}

/// The largest term, which is subtracted from all; 0 where that would make `∞ − ∞`.
#[inline(always)]
fn pivot<T: Real>(top: T) -> T {
    if top.is_finite() { top } else { T::ZERO }
}

/// `exp(x − top)` for at most `STRIP` elements, left in `terms`.
#[inline(always)]
fn exponentials<'a, I: Isa, T: Real>(x: &[T], tops: &[T; STRIP], terms: &'a mut [T; STRIP]) -> &'a [T] {
    for ((term, &x), &top) in terms.iter_mut().zip(x).zip(tops) {
        *term = x - top;
    }
    // Whole vectors, with old contents in the last one: a remainder would be computed one element at a time.
    for term in &mut terms[..x.len().next_multiple_of(16)] {
        *term = term.exp::<I>();
    }
    &terms[..x.len()]
}

struct LogSumExps;
impl<T: Real> Reduction<T> for LogSumExps {
    #[inline(always)]
    fn row<I: Isa>(x: &[T]) -> T {
        let top = pivot(<Maxima as Reduction<T>>::row::<I>(x));
        let mut sums = [0.0; LANES];
        for block in x.chunks(LANES) {
            // Filled up with what adds 0.
            let mut terms = [T::NEG_INFINITY; LANES];
            for (term, &x) in terms.iter_mut().zip(block) {
                *term = x - top;
            }
            // Two loops: in one with a sum in f64, the exponentials would use only half of a vector.
            for term in &mut terms {
                *term = term.exp::<I>();
            }
            for (sum, term) in sums.iter_mut().zip(terms) {
                *sum += term.to_f64();
            }
        }
        let sum = fold(sums, |a, b| a + b);
        T::from_f64(top.to_f64() + sum.ln())
    }

    #[inline(always)]
    fn columns<I: Isa>(x: &[T], pitch: usize, out: &mut [T], scratch: &mut Scratch<T>) {
        <Maxima as Reduction<T>>::columns::<I>(x, pitch, out, scratch);
        for top in out.iter_mut() {
            *top = pivot(*top);
        }
        let n = out.len();
        let Scratch { sums, tops, terms } = scratch;
        let sums = &mut sums[..n];
        sums.fill(0.0);
        // As many rows at a time as fit, if they follow one another.
        let rows = if pitch == n { STRIP / n } else { 1 };
        for row in tops.chunks_exact_mut(n).take(rows) {
            row.copy_from_slice(out);
        }
        for block in x.chunks(rows * pitch) {
            let block = &block[..block.len().min(rows * n)];
            add_columns(exponentials::<I, T>(block, tops, terms), n, sums);
        }
        for (out, &sum) in out.iter_mut().zip(&*sums) {
            *out = T::from_f64(out.to_f64() + sum.ln());
        }
    }
}

#[cfg(test)]
mod tests;
