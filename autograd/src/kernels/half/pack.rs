//! Factors of a product, rounded to bfloat16 and laid out in tiles.
//!
//! A factor has *lanes*, which are the rows or columns of the product, and *depth*, the terms of each sum. Lanes are
//! taken in panels of 32. For each panel, and each 32 terms, there are two tiles of 16 lanes and 16 pairs of terms, as
//! numbers of 32 bits. A left factor's tile has a row for each lane, a right factor's has one for each pair.

use super::tiles::{BLOCK, DEPTH, TILE};
use crate::kernels::gemm::Transpose;
use crate::kernels::simd::{Isa, Kernel, dispatch};
use crate::real::Real;
use std::ops::Range;

/// Numbers of a tile, and of a panel's two tiles.
pub(super) const AREA: usize = TILE * TILE;
pub(super) const PAIR: usize = 2 * AREA;

/// Which factor it is: what a row of its tiles is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Factor {
    /// A row for each lane.
    Left,
    /// A row for each pair of terms.
    Right,
}

/// A matrix of lanes × depth: its elements, and how far apart lanes and terms are. One of the two distances is 1.
#[derive(Clone, Copy)]
pub(in super::super) struct Matrix<'a> {
    pub(super) elements: &'a [f32],
    pub(super) lane: usize,
    pub(super) term: usize,
}

/// A matrix whose lanes and terms are these distances apart, if one of the two is 1.
pub(in super::super) fn matrix<T: Real>(elements: &[T], (lane, term): (usize, usize)) -> Option<Matrix<'_>> {
    (lane == 1 || term == 1).then(|| Matrix { elements: bytemuck::cast_slice(elements), lane, term })
}

/// Numbers that a panel of this depth takes.
pub(super) fn panel_len(depth: usize) -> usize {
    depth.div_ceil(DEPTH) * PAIR
}

/// x rounded to the nearest bfloat16, to even if two are as near, in the upper half. A NaN stays one.
#[inline(always)]
fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    let near = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
    if x.is_nan() { 0x7fc0_0000 } else { near }
}

/// x rounded to bfloat16.
#[inline(always)]
pub(super) fn half(x: f32) -> u16 {
    (rounded(x) >> 16) as u16
}

/// Two terms in one number, the first in the lower half.
#[inline(always)]
pub(super) fn pair(first: f32, second: f32) -> u32 {
    u32::from(half(first)) | (rounded(second) & 0xffff_0000)
}

/// `to[i] = pair(first[i], second[i])`.
struct Across<'a> {
    first: &'a [f32],
    second: &'a [f32],
    to: &'a mut [u32],
}

impl Kernel for Across<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for ((to, &first), &second) in self.to.iter_mut().zip(self.first).zip(self.second) {
            *to = pair(first, second);
        }
    }
}

/// `to[i] = pair(from[2i], from[2i + 1])`.
struct Along<'a> {
    from: &'a [f32],
    to: &'a mut [u32],
}

impl Kernel for Along<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (to, from) in self.to.iter_mut().zip(self.from.chunks_exact(2)) {
            *to = pair(from[0], from[1]);
        }
    }
}

/// `to[i]` is `from[i]`, rounded.
struct Round<'a> {
    from: &'a [f32],
    to: &'a mut [u16],
}

impl Kernel for Round<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (to, &from) in self.to.iter_mut().zip(self.from) {
            *to = half(from);
        }
    }
}

/// Rounds each element.
pub(super) fn round(from: &[f32], to: &mut [u16]) {
    dispatch(Round { from, to });
}

/// Pairs of neighbors, `to[i] = pair(first[i], second[i])`.
fn across(first: &[f32], second: &[f32], to: &mut [u32]) {
    dispatch(Across { first, second, to });
}

/// Pairs along a row, `to[i] = pair(from[2i], from[2i + 1])`; a last element without a neighbor is paired with 0.
fn along(from: &[f32], to: &mut [u32]) {
    let (whole, last) = from.split_at(from.len() / 2 * 2);
    let (pairs, rest) = to.split_at_mut(whole.len() / 2);
    dispatch(Along { from: whole, to: pairs });
    if let (Some(to), Some(&x)) = (rest.first_mut(), last.first()) {
        *to = pair(x, 0.0);
    }
}

/// Lays out the panel of these lanes, at most 32, for these terms.
pub(super) fn panel(factor: Factor, from: Matrix<'_>, lanes: &Range<usize>, terms: &Range<usize>, to: &mut [u32]) {
    let Matrix { elements, lane, term } = from;
    let mut turned = [0u32; AREA];
    for (q, tiles) in to.chunks_exact_mut(PAIR).enumerate() {
        let first = terms.start + q * DEPTH;
        let count = DEPTH.min(terms.end.saturating_sub(first));
        for (half, tile) in tiles.chunks_exact_mut(AREA).enumerate() {
            let start = lanes.start + half * TILE;
            let wide = TILE.min(lanes.end.saturating_sub(start));
            if wide == 0 || count == 0 {
                tile.fill(0);
                continue;
            }
            // Rows are lanes where terms are neighbors, and pairs of terms where lanes are.
            let rows_are = if term == 1 { Factor::Left } else { Factor::Right };
            let rows: &mut [u32] = if rows_are == factor { &mut *tile } else { &mut turned };
            if wide < TILE || count < DEPTH {
                rows.fill(0);
            }
            if term == 1 {
                for (l, row) in rows.chunks_exact_mut(TILE).take(wide).enumerate() {
                    along(&elements[(start + l) * lane + first..][..count], row);
                }
            } else {
                for (p, row) in rows.chunks_exact_mut(TILE).take(count.div_ceil(2)).enumerate() {
                    let at = |nth: usize| &elements[(first + nth) * term + start..][..wide];
                    if 2 * p + 1 < count {
                        across(at(2 * p), at(2 * p + 1), &mut row[..wide]);
                    } else {
                        across(at(2 * p), &[0.0; TILE][..wide], &mut row[..wide]);
                    }
                }
            }
            if rows_are != factor {
                let (from, to) = (bytemuck::cast_slice(&turned), bytemuck::cast_slice_mut(tile));
                f32::transpose([TILE, TILE], from, TILE, to, TILE);
            }
        }
    }
}

/// Sets these terms of a lane to 0, in a panel of a right factor.
pub(super) fn clear(panel: &mut [u32], lane: usize, terms: Range<usize>) {
    for term in terms {
        let pair = term % DEPTH / 2;
        let at = term / DEPTH * PAIR + lane / TILE * AREA + pair * TILE + lane % TILE;
        panel[at] &= if term % 2 == 0 { 0xffff_0000 } else { 0x0000_ffff };
    }
}

/// Panels of `lanes` lanes.
pub(super) fn panels(lanes: usize) -> usize {
    lanes.div_ceil(BLOCK)
}
