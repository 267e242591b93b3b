//! Products with a matrix `[outputs, inputs]` that is masked by [`StaircaseMask`], and its gradient.
//!
//! Forward and by input, the result's columns are cut into blocks. For each block a panel is laid
//! out: the masked numbers that the block needs, a row for each term of the sums, a column for each
//! column of the block. Then the block is one ordinary product with the panel. What lies beyond the
//! stairs is never read, let alone multiplied, but for the corners of a block, where the panel holds
//! zeros: with 16 blocks a sixteenth of one half.
//!
//! Laying out costs no more than what the `gemm` crate does otherwise: it would make the very same
//! panels for itself, slowly where it has to gather columns from rows 4096 bytes apart, as in every
//! layer with 1024 inputs. A panel of [`LANES`] columns it reads in place, as long as it is asked
//! for few rows ([`ROWS`]) at a time.
//!
//! By weight, blocks are rows of the result: a product as far as the block's last row reaches, then
//! zeros beyond the stairs.
//!
//! Where every output sees every input there is nothing to leave out: that is an ordinary product.
//!
//! The blocks do not depend on the number of threads, and no sum is split over threads: nor do
//! the results.

#![allow(
    unsafe_code,
    reason = "threads write to different columns of one row-major matrix, which no safe slice can express"
)]

use super::gemm::scratch;
use super::product::{Target, matmul, worthwhile};
use crate::parallel::share_out;
use crate::real::Real;
use crate::stairs::StaircaseMask;
use std::ops::Range;

/// Columns of a panel: as many as the crate's kernel fills at once, in `f32`.
const LANES: usize = 64;

/// Up to so many rows at a time the crate reads a panel in place; for more it copies it first.
const ROWS: usize = 48;

/// The crate's kernels do 6 or 4 rows at once: pieces that are multiples of both leave no remainder.
const KERNEL_ROWS: usize = 12;

/// Rows of the batch after which the next panel is laid out, so that rows that every panel is
/// multiplied with stay in the second-level cache.
const TILE: usize = 192;

/// Outputs in a block by weight. The crate reads the batch in place for up to 48 of them; a
/// batch that does not stay in the cache is rather read fewer times.
const fn outputs_by_weight(batch: usize) -> usize {
    if batch <= 256 { 48 } else { 192 }
}

/// `y = x·(M∘W)ᵀ`, over up to `threads` threads.
///
/// # Panics
/// If a slice has not the length that `batch` and `stairs` say.
pub(crate) fn forward<T: Real>(stairs: &StaircaseMask, batch: usize, threads: usize, x: &[T], w: &[T], y: &mut [T]) {
    check(stairs, batch, [x.len(), w.len(), y.len()]);
    if stairs.is_full() {
        let (inputs, outputs) = (stairs.inputs(), stairs.outputs());
        let (along, across) = ((inputs as isize, 1), (1, inputs as isize));
        return matmul(threads, (batch, inputs, outputs), x, along, w, across, y);
    }
    Panels { stairs, w, of: Side::Outputs }.product(batch, threads, x, y);
}

/// `dx = dy·(M∘W)`: the adjoint in the input.
///
/// # Panics
/// If a slice has not the length that `batch` and `stairs` say.
pub(crate) fn by_input<T: Real>(stairs: &StaircaseMask, batch: usize, threads: usize, dy: &[T], w: &[T], dx: &mut [T]) {
    check(stairs, batch, [dx.len(), w.len(), dy.len()]);
    if stairs.is_full() {
        let (inputs, outputs) = (stairs.inputs(), stairs.outputs());
        let sizes = (batch, outputs, inputs);
        return matmul(threads, sizes, dy, (outputs as isize, 1), w, (inputs as isize, 1), dx);
    }
    Panels { stairs, w, of: Side::Inputs }.product(batch, threads, dy, dx);
}

/// `dW = M∘(dyᵀ·x)`: the adjoint in the weights.
///
/// # Panics
/// If a slice has not the length that `batch` and `stairs` say.
pub(crate) fn by_weight<T: Real>(
    stairs: &StaircaseMask,
    batch: usize,
    threads: usize,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
) {
    check(stairs, batch, [x.len(), dw.len(), dy.len()]);
    let (inputs, outputs) = (stairs.inputs(), stairs.outputs());
    if batch * inputs * outputs == 0 {
        return dw.fill(T::ZERO);
    }
    if stairs.is_full() {
        let sizes = (outputs, batch, inputs);
        return matmul(threads, sizes, dy, (1, outputs as isize), x, (inputs as isize, 1), dw);
    }
    let per = outputs_by_weight(batch);
    // The last rows reach furthest, and are the most work: they come first.
    let blocks = dw.chunks_mut(per * inputs).enumerate().rev();
    share_out(worthwhile(threads, batch * stairs.ones()), blocks, &|(i, block): (usize, &mut [T])| {
        let (first, rows) = (i * per, block.len() / inputs);
        let seen = &stairs.seen()[first..first + rows];
        // Whole vectors: what they take too much is overwritten below.
        let reach = seen[rows - 1].next_multiple_of(16).min(inputs);
        let (dy, down, along) = (&dy[first..], (1, outputs as isize), (inputs as isize, 1));
        T::gemm(rows, batch, reach, T::ONE, dy, down, x, along, T::ZERO, block, along);
        for (row, &seen) in block.chunks_exact_mut(inputs).zip(seen) {
            row[seen..].fill(T::ZERO);
        }
    });
}

#[track_caller]
fn check(stairs: &StaircaseMask, batch: usize, lengths: [usize; 3]) {
    let (inputs, outputs) = (stairs.inputs(), stairs.outputs());
    let expected = [batch * inputs, outputs * inputs, batch * outputs];
    assert_eq!(lengths, expected, "stairs: elements of the input, the weights and the output");
}

/// A side of the matrix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Inputs,
    Outputs,
}

/// The masked matrix, in panels of columns from one of its sides.
#[derive(Clone, Copy)]
struct Panels<'a, T> {
    stairs: &'a StaircaseMask,
    w: &'a [T],
    of: Side,
}

impl<T: Real> Panels<'_, T> {
    /// `to ← from · panels`, where rows of `to` are as long as the side that the panels are of is
    /// wide, and rows of `from` as the other.
    fn product(&self, batch: usize, threads: usize, from: &[T], to: &mut [T]) {
        let (inputs, outputs) = (self.stairs.inputs(), self.stairs.outputs());
        let (depth, width) = if self.of == Side::Outputs { (inputs, outputs) } else { (outputs, inputs) };
        assert!(from.len() == batch * depth && to.len() == batch * width, "stairs: rows do not fit");
        if batch * width == 0 {
            return;
        }
        let blocks = width.div_ceil(LANES);
        let block = |i: usize| {
            // Outputs see the more the later they come, inputs are seen by the more the earlier.
            // The most work comes first.
            let first = LANES * if self.of == Side::Outputs { blocks - 1 - i } else { i };
            first..width.min(first + LANES)
        };
        let rows_per_tile = batch.div_ceil(batch.div_ceil(TILE));
        let tiles = batch.div_ceil(rows_per_tile);
        let target = Target::new(to);
        let threads = worthwhile(threads, batch * self.stairs.ones());
        share_out(threads, 0..tiles * blocks, &|job| {
            let lanes = block(job % blocks);
            let terms = self.terms(&lanes);
            let start = job / blocks * rows_per_tile;
            let end = batch.min(start + rows_per_tile);
            scratch::with(terms.len() * LANES, |panel: &mut [T]| {
                self.lay_out(&lanes, &terms, panel);
                let per = (end - start).div_ceil((end - start).div_ceil(ROWS)).next_multiple_of(KERNEL_ROWS);
                for row in (start..end).step_by(per) {
                    let rows = per.min(end - row);
                    let sizes = (rows, terms.len(), lanes.len());
                    let from = &from[row * depth + terms.start..];
                    // SAFETY: `target` is `batch` rows of `width` elements, as was checked above; these
                    // rows and columns lie inside, and belong to no other job, while `to` is
                    // borrowed exclusively.
                    unsafe {
                        let to = target.pointer().add(row * width + lanes.start);
                        let (along, panel_along) = ((depth as isize, 1), (LANES as isize, 1));
                        T::gemm_into(sizes.0, sizes.1, sizes.2, from, along, panel, panel_along, to, width as isize);
                    }
                }
            });
        });
    }

    /// The units on the other side that some unit in `lanes` is connected with.
    fn terms(&self, lanes: &Range<usize>) -> Range<usize> {
        match self.of {
            Side::Outputs => 0..self.stairs.seen()[lanes.end - 1],
            Side::Inputs => self.stairs.first_to_see(lanes.start)..self.stairs.outputs(),
        }
    }

    /// Writes a row of `LANES` elements for each of `terms`, of which the first `lanes.len()` count.
    fn lay_out(&self, lanes: &Range<usize>, terms: &Range<usize>, panel: &mut [T]) {
        let inputs = self.stairs.inputs();
        if terms.is_empty() {
            return;
        }
        let seen = self.stairs.seen();
        match self.of {
            Side::Inputs => {
                for (term, row) in terms.clone().zip(panel.chunks_exact_mut(LANES)) {
                    let seen = seen[term].min(lanes.end) - lanes.start;
                    row[..seen].copy_from_slice(&self.w[term * inputs + lanes.start..][..seen]);
                    row[seen..lanes.len()].fill(T::ZERO);
                }
            }
            Side::Outputs => {
                // A transpose, in strips of a few rows that are followed from end to end: rows far
                // apart by a power of two would throw each other out of the cache.
                for first in lanes.clone().step_by(8) {
                    let strip = first..lanes.end.min(first + 8);
                    let at = first - lanes.start;
                    let reach = seen[strip.end - 1];
                    T::transpose([strip.len(), reach], &self.w[first * inputs..], inputs, &mut panel[at..], LANES);
                }
                for (lane, &seen) in seen[lanes.clone()].iter().enumerate() {
                    panel[seen * LANES..].iter_mut().skip(lane).step_by(LANES).for_each(|x| *x = T::ZERO);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{by_input, by_weight, forward};
    use crate::parallel::with_threads;
    use crate::stairs::StaircaseMask;

    fn numbers(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1024.0 - 1.0).collect()
    }

    /// Sizes around those of blocks and tiles, with one step, many, and none.
    #[test]
    fn the_split_changes_nothing() {
        for (batch, inputs, outputs) in [(100, 300, 257), (193, 70, 65), (385, 64, 200), (13, 1024, 130), (300, 65, 49)]
        {
            let steps: [fn(usize, usize, usize) -> usize; 4] = [
                |o, inputs, outputs| (o + 1) * inputs / outputs,
                |o, inputs, outputs| if o < outputs / 2 { 0 } else { inputs },
                |_, inputs, _| inputs,
                |_, _, _| 0,
            ];
            for step in steps {
                let stairs =
                    StaircaseMask::new((0..outputs).map(|o| step(o, inputs, outputs)).collect::<Vec<_>>(), inputs);
                let (x, w) = (numbers(batch * inputs, 1), numbers(outputs * inputs, 2));
                let dy = numbers(batch * outputs, 3);
                let all = |threads: usize| {
                    let [mut y, mut dx, mut dw] = [&dy, &x, &w].map(|like| vec![f32::NAN; like.len()]);
                    with_threads(threads, || {
                        forward(&stairs, batch, threads, &x, &w, &mut y);
                        by_input(&stairs, batch, threads, &dy, &w, &mut dx);
                        by_weight(&stairs, batch, threads, &x, &dy, &mut dw);
                    });
                    [y, dx, dw]
                };
                let alone = all(1);
                assert!(alone.iter().flatten().all(|x| x.is_finite()), "{stairs:?}: something was left unwritten");
                assert!(all(2) == alone && all(3) == alone, "{batch} rows, {stairs:?}");
            }
        }
    }
}
