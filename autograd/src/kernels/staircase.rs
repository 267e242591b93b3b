//! Products with a matrix `[outputs, inputs]` that is masked by [`StaircaseMask`], and its gradient.
//!
//! For the output and for the input's gradient, the result's columns are cut into blocks. For each block a panel is
//! laid out: the masked weights that the block needs, a row for each term of the sums, a column for each column of the
//! block. Then the block is one ordinary product with the panel. Masked weights are not read, except in the corners of
//! a block, where the panel holds zeros: with 16 blocks a sixteenth of one half.
//!
//! The panels cost nothing extra: the `gemm` crate would lay out the same ones itself, slowly where it gathers columns
//! from rows 4096 bytes apart, as in every layer with 1024 inputs. It reads ours in place if they get few rows
//! ([`ROWS`]).
//!
//! For the weights' gradient, blocks are rows of the result: a product as far as the block's last row reaches, then
//! zeros where the mask has them. A mask of ones gives an ordinary product.
//!
//! Neither blocks nor sums depend on the number of threads, so results do not either.

#![allow(
    unsafe_code,
    reason = "threads write to different columns of one row-major matrix, which no safe slice can express"
)]

use super::half;
use super::matmul::{Target, matmul};
use super::scratch;
use crate::bilinear::Side;
use crate::parallel::{share_out, worthwhile};
use crate::real::Real;
use crate::staircase::StaircaseMask;
use std::ops::Range;

/// Columns of a panel: as many as the crate's kernel fills at once, in `f32`.
const LANES: usize = 64;

/// The crate reads a panel in place for up to this many rows; for more it copies it first.
const ROWS: usize = 48;

/// The crate's kernels do 6 or 4 rows at once: pieces that are multiples of both leave no remainder.
const KERNEL_ROWS: usize = 12;

/// Rows of the batch after which the next panel is laid out: the rows, with which every panel is
/// multiplied, stay in the second-level cache.
const TILE: usize = 192;

/// Outputs in a block of the weights' gradient. The crate reads the batch in place for up to 48 of
/// them; a batch that does not stay in the cache is better read fewer times.
const fn outputs_by_weight(batch: usize) -> usize {
    if batch <= 256 { 48 } else { 192 }
}

/// One side of `y = x·(M∘W)ᵀ` from the other two, over up to `threads` threads: `y`, its adjoint in the
/// input `dx = dy·(M∘W)`, or that in the weights `dW = M∘(dyᵀ·x)`. See [`Side`] for the operands.
///
/// # Panics
/// If a slice does not have the length that `batch` and `mask` say.
pub(crate) fn product<T: Real>(
    mask: &StaircaseMask,
    side: Side,
    batch: usize,
    threads: usize,
    a: &[T],
    b: &[T],
    out: &mut [T],
) {
    let (inputs, outputs) = (mask.inputs(), mask.outputs());
    let lengths = side.sorted(a.len(), b.len(), out.len());
    let expected = [batch * inputs, outputs * inputs, batch * outputs];
    assert_eq!(lengths, expected, "staircase mask: elements of the input, the weights and the output");
    if out.is_empty() || batch == 0 {
        return out.fill(T::ZERO);
    }
    if !mask.is_full() && half::wanted::<T>() && half::dense::pays([batch, inputs, outputs]) {
        let (a, b, out) = (bytemuck::cast_slice(a), bytemuck::cast_slice(b), bytemuck::cast_slice_mut(out));
        return match side {
            Side::Weight => half::dense::masked_by_weight(mask, batch, threads, a, b, out),
            Side::Input | Side::Output => half::dense::masked(mask, side == Side::Output, batch, threads, a, b, out),
        };
    }
    if !mask.is_full() {
        return match side {
            Side::Weight => by_weight(mask, batch, threads, a, b, out),
            Side::Input | Side::Output => Panels { mask, w: b, side }.product(batch, threads, a, out),
        };
    }
    match side {
        Side::Output => matmul(threads, [batch, inputs, outputs], (a, (inputs, 1)), (b, (1, inputs)), out),
        Side::Input => matmul(threads, [batch, outputs, inputs], (a, (outputs, 1)), (b, (inputs, 1)), out),
        Side::Weight => matmul(threads, [outputs, batch, inputs], (b, (1, outputs)), (a, (inputs, 1)), out),
    }
}

fn by_weight<T: Real>(mask: &StaircaseMask, batch: usize, threads: usize, x: &[T], dy: &[T], dw: &mut [T]) {
    let (inputs, outputs, per) = (mask.inputs(), mask.outputs(), outputs_by_weight(batch));
    // The last rows reach furthest, and are the most work: they come first.
    let blocks = dw.chunks_mut(per * inputs).enumerate().rev();
    share_out(worthwhile(threads, batch * mask.ones()), blocks, &|(i, block): (usize, &mut [T])| {
        let (first, rows) = (i * per, block.len() / inputs);
        let seen = &mask.seen()[first..first + rows];
        // Whole vectors: what is beyond the mask is overwritten below.
        let reach = seen[rows - 1].next_multiple_of(16).min(inputs);
        T::gemm(false, [rows, batch, reach], (&dy[first..], (1, outputs)), (x, (inputs, 1)), block, inputs);
        for (row, &seen) in block.chunks_exact_mut(inputs).zip(seen) {
            row[seen..].fill(T::ZERO);
        }
    });
}

/// The masked matrix, in panels of columns from one of its sides.
#[derive(Clone, Copy)]
struct Panels<'a, T> {
    mask: &'a StaircaseMask,
    w: &'a [T],
    /// The side that the panels' columns belong to: input or output.
    side: Side,
}

impl<T: Real> Panels<'_, T> {
    /// `to ← from · panels`, where rows of `to` are as long as the side that the panels are of is
    /// wide, and rows of `from` as the other.
    fn product(&self, batch: usize, threads: usize, from: &[T], to: &mut [T]) {
        let (inputs, outputs) = (self.mask.inputs(), self.mask.outputs());
        let (depth, width) = if self.side == Side::Output { (inputs, outputs) } else { (outputs, inputs) };
        assert!(from.len() == batch * depth && to.len() == batch * width, "staircase mask: rows do not fit");
        let blocks = width.div_ceil(LANES);
        let block = |i: usize| {
            // Later outputs see more inputs, earlier inputs are seen by more outputs: the most work first.
            let first = LANES * if self.side == Side::Output { blocks - 1 - i } else { i };
            first..width.min(first + LANES)
        };
        let rows_per_tile = batch.div_ceil(batch.div_ceil(TILE));
        let tiles = batch.div_ceil(rows_per_tile);
        let target = Target::new(to);
        let threads = worthwhile(threads, batch * self.mask.ones());
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
                    let sizes = [rows, terms.len(), lanes.len()];
                    let from = (&from[row * depth + terms.start..], (depth, 1));
                    // SAFETY: `target` is `batch` rows of `width` elements, as was checked above; these rows and
                    // columns lie inside, and belong to no other job, while `to` is borrowed exclusively.
                    unsafe {
                        let to = target.pointer().add(row * width + lanes.start);
                        T::gemm_into(sizes, from, (panel, (LANES, 1)), to, width);
                    }
                }
            });
        });
    }

    /// The units on the other side that are connected with some unit in `lanes`.
    fn terms(&self, lanes: &Range<usize>) -> Range<usize> {
        match self.side {
            Side::Output => 0..self.mask.seen()[lanes.end - 1],
            Side::Input | Side::Weight => self.mask.first_to_see(lanes.start)..self.mask.outputs(),
        }
    }

    /// Writes a row of `LANES` elements for each of `terms`, of which the first `lanes.len()` count.
    fn lay_out(&self, lanes: &Range<usize>, terms: &Range<usize>, panel: &mut [T]) {
        let inputs = self.mask.inputs();
        if terms.is_empty() {
            return;
        }
        let seen = self.mask.seen();
        match self.side {
            Side::Input | Side::Weight => {
                for (term, row) in terms.clone().zip(panel.chunks_exact_mut(LANES)) {
                    let seen = seen[term].min(lanes.end) - lanes.start;
                    row[..seen].copy_from_slice(&self.w[term * inputs + lanes.start..][..seen]);
                    row[seen..lanes.len()].fill(T::ZERO);
                }
            }
            Side::Output => {
                // A transpose, in strips of a few rows from end to end: rows a large power of two
                // apart would evict each other from the cache.
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
