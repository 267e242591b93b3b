//! Products of matrices, also under a staircase mask.

#![allow(unsafe_code, reason = "threads write to different blocks of one matrix")]

use super::pack::{self, Factor, Matrix, PAIR};
use super::tiles::{BLOCK, DEPTH, Tiles};
use crate::kernels::matmul::Target;
use crate::kernels::scratch;
use crate::parallel::{share_out, worthwhile};
use crate::staircase::StaircaseMask;
use std::ops::Range;

/// Fewer multiply-adds than this are not worth rounding the factors for.
const LEAST: usize = 1 << 17;

/// Whether a product of `[m, k, n]` is worth it.
pub(in super::super) fn pays([m, k, n]: [usize; 3]) -> bool {
    m >= BLOCK / 2 && n >= BLOCK / 2 && k >= DEPTH / 2 && m * k * n >= LEAST
}

/// A left factor in panels: of whole rows, `depth` terms each.
struct Left<'a> {
    panels: &'a [u32],
    rows: usize,
    depth: usize,
}

/// Lays out a factor, over up to `threads` threads, and lends it to `work`.
fn laid_out<R>(
    factor: Factor,
    threads: usize,
    matrix: Matrix<'_>,
    [lanes, depth]: [usize; 2],
    work: impl FnOnce(&[u32]) -> R,
) -> R {
    let len = pack::panel_len(depth);
    scratch::with(pack::panels(lanes) * len, |panels: &mut [u32]| {
        let threads = worthwhile(threads, 16 * lanes * depth);
        share_out(threads, panels.chunks_mut(len).enumerate(), &|(i, to): (usize, &mut [u32])| {
            pack::panel(factor, matrix, &(i * BLOCK..lanes.min((i + 1) * BLOCK)), &(0..depth), to);
        });
        work(panels)
    })
}

impl Left<'_> {
    /// The columns `columns`, at most 32, of the product with a panel of a right factor that has the terms from `first`
    /// on, which is a multiple of 32.
    ///
    /// # Safety
    /// `to` is valid for writing all rows of these columns, `pitch` elements apart, which nothing else
    /// accesses meanwhile.
    unsafe fn times(&self, tiles: &Tiles, first: usize, right: &[u32], columns: usize, to: *mut f32, pitch: usize) {
        let len = pack::panel_len(self.depth);
        let steps = right.len() / PAIR;
        assert!(first / DEPTH * PAIR + right.len() <= len && columns <= BLOCK, "half precision: panels do not fit");
        with_offsets(steps, |offsets| {
            for (i, panel) in self.panels.chunks_exact(len).enumerate() {
                let (row, left) = (i * BLOCK, &panel[first / DEPTH * PAIR..]);
                let rows = BLOCK.min(self.rows - row);
                let right = (right.as_ptr(), 16, PAIR / 2);
                if rows == BLOCK && columns == BLOCK {
                    // SAFETY: both panels have as many steps as there are offsets; the caller vouches for `to`.
                    unsafe { tiles.block(left.as_ptr(), right, offsets, (to.add(row * pitch), pitch), false) };
                    continue;
                }
                let mut block = [0.0f32; BLOCK * BLOCK];
                // SAFETY: as above, and `block` has 32 rows of 32 elements.
                unsafe { tiles.block(left.as_ptr(), right, offsets, (block.as_mut_ptr(), BLOCK), false) };
                for (nth, sums) in block.chunks_exact(BLOCK).take(rows).enumerate() {
                    // SAFETY: the caller vouches for these columns of `to`.
                    unsafe { to.add((row + nth) * pitch).copy_from_nonoverlapping(sums.as_ptr(), columns) };
                }
            }
        });
    }
}

/// Lends `work` the offsets of this many steps, one after the other.
fn with_offsets<R>(steps: usize, work: impl FnOnce(&[usize]) -> R) -> R {
    scratch::with(steps, |offsets: &mut [usize]| {
        offsets.iter_mut().enumerate().for_each(|(step, offset)| *offset = step * PAIR);
        work(offsets)
    })
}

/// `c ← a·b` for `sizes` of `[m, k, n]`, `c` row-major. In `a` and `b`, one of the two distances of each is 1.
///
/// # Panics
/// If a matrix reaches beyond its slice.
pub(in super::super) fn matmul(threads: usize, [m, k, n]: [usize; 3], a: Matrix<'_>, b: Matrix<'_>, c: &mut [f32]) {
    assert!(c.len() == m * n, "matmul: {m}×{n} elements do not fit into {}", c.len());
    let threads = worthwhile(threads, m * k * n);
    laid_out(Factor::Left, threads, a, [m, k], |panels| {
        let left = Left { panels, rows: m, depth: k };
        let target = Target::new(c);
        share_out(threads, (0..n).step_by(BLOCK), &|first| {
            let columns = first..n.min(first + BLOCK);
            scratch::with(pack::panel_len(k), |right| {
                pack::panel(Factor::Right, b, &columns, &(0..k), right);
                // SAFETY: these columns lie inside `c`, whose length was checked, and belong to no other job while
                // `c` is borrowed exclusively.
                unsafe { left.times(&Tiles::new(), 0, right, columns.len(), target.pointer().add(first), n) };
            });
        });
    });
}

/// The output of a masked layer, `y = x·(M∘W)ᵀ`, or its adjoint in the input, `dx = dy·(M∘W)`: as
/// [`crate::kernels::staircase::product`].
pub(in super::super) fn masked(
    mask: &StaircaseMask,
    is_output: bool,
    batch: usize,
    threads: usize,
    from: &[f32],
    w: &[f32],
    to: &mut [f32],
) {
    let (inputs, outputs) = (mask.inputs(), mask.outputs());
    let (depth, width) = if is_output { (inputs, outputs) } else { (outputs, inputs) };
    let threads = worthwhile(threads, batch * mask.ones());
    let rows = Matrix { elements: from, lane: depth, term: 1 };
    laid_out(Factor::Left, threads, rows, [batch, depth], |panels| {
        let left = Left { panels, rows: batch, depth };
        let (blocks, target) = (width.div_ceil(BLOCK), Target::new(to));
        share_out(threads, 0..blocks, &|i| {
            // Later outputs see more inputs, earlier inputs are seen by more outputs: the most work first.
            let first = BLOCK * if is_output { blocks - 1 - i } else { i };
            let columns = first..width.min(first + BLOCK);
            let terms = terms(mask, is_output, &columns);
            scratch::with(pack::panel_len(terms.len()), |right: &mut [u32]| {
                let matrix = if is_output {
                    Matrix { elements: w, lane: inputs, term: 1 }
                } else {
                    Matrix { elements: w, lane: 1, term: inputs }
                };
                pack::panel(Factor::Right, matrix, &columns, &terms, right);
                cut(mask, is_output, &columns, &terms, right);
                // SAFETY: these columns lie inside `to`, whose length the caller checked, and belong to no other job.
                unsafe {
                    let to = target.pointer().add(first);
                    left.times(&Tiles::new(), terms.start, right, columns.len(), to, width);
                }
            });
        });
    });
}

/// The units on the other side that are connected with some unit in `columns`, from a multiple of 32 on.
fn terms(mask: &StaircaseMask, is_output: bool, columns: &Range<usize>) -> Range<usize> {
    if is_output {
        0..mask.seen()[columns.end - 1]
    } else {
        mask.first_to_see(columns.start) / DEPTH * DEPTH..mask.outputs()
    }
}

/// Sets masked weights of a panel to 0.
fn cut(mask: &StaircaseMask, is_output: bool, columns: &Range<usize>, terms: &Range<usize>, panel: &mut [u32]) {
    if is_output {
        for (lane, &seen) in mask.seen()[columns.clone()].iter().enumerate() {
            pack::clear(panel, lane, seen..terms.end);
        }
        return;
    }
    for lane in 0..columns.len() {
        let first = mask.first_to_see(columns.start + lane);
        pack::clear(panel, lane, 0..first - terms.start);
    }
}

/// The adjoint of a masked layer in its weights, `dW = M∘(dyᵀ·x)`.
pub(in super::super) fn masked_by_weight(
    mask: &StaircaseMask,
    batch: usize,
    threads: usize,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    let (inputs, outputs) = (mask.inputs(), mask.outputs());
    let threads = worthwhile(threads, batch * mask.ones());
    let len = pack::panel_len(batch);
    let columns = Matrix { elements: x, lane: 1, term: inputs };
    laid_out(Factor::Right, threads, columns, [inputs, batch], |rights| {
        // The last rows reach furthest, and are the most work: they come first.
        let blocks = dw.chunks_mut(BLOCK * inputs).enumerate().rev();
        share_out(threads, blocks, &|(i, dw): (usize, &mut [f32])| {
            let rows = i * BLOCK..outputs.min((i + 1) * BLOCK);
            let seen = &mask.seen()[rows.clone()];
            scratch::with(len, |panel: &mut [u32]| {
                pack::panel(Factor::Left, Matrix { elements: dy, lane: 1, term: outputs }, &rows, &(0..batch), panel);
                let left = Left { panels: panel, rows: rows.len(), depth: batch };
                let tiles = Tiles::new();
                for (nth, right) in rights.chunks_exact(len).take(seen[rows.len() - 1].div_ceil(BLOCK)).enumerate() {
                    let first = nth * BLOCK;
                    let width = BLOCK.min(inputs - first);
                    // SAFETY: these columns lie inside `dw`, which is borrowed exclusively.
                    unsafe { left.times(&tiles, 0, right, width, dw.as_mut_ptr().add(first), inputs) };
                }
            });
            for (row, &seen) in dw.chunks_exact_mut(inputs).zip(seen) {
                row[seen..].fill(0.0);
            }
        });
    });
}
