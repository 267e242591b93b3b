//! Which channels are summed together, and the terms of their sums.

use crate::kernels::conv::micro::ROWS;
use std::ops::Range;

/// The sums of one direction of a masked convolution, in tiles of channels that all have the same terms.
///
/// In masks of autoregressive networks all channels of a group do, so no masked weight is ever multiplied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(super) tiles: Vec<Tile>,
    /// The terms of all tiles; tiles may share them.
    pub(super) terms: Vec<Term>,
    /// The distances between weights of neighboring result channels, and of neighboring summed channels.
    pitch: [usize; 2],
}

/// A few channels with the same terms.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) channels: Vec<usize>,
    /// Its terms, and its packed weights.
    pub(super) terms: Range<usize>,
    pub(super) weights: Range<usize>,
}

/// One kernel tap of one channel that is summed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Term {
    pub(super) channel: u32,
    pub(super) tap: u32,
}

impl Plan {
    /// The sums over inputs for each output or, for the adjoint, over outputs for each input.
    pub(crate) fn new([outputs, inputs, height, width]: [usize; 4], is_adjoint: bool, kept: &[bool]) -> Self {
        let taps = height * width;
        let mut sides = [(outputs, inputs * taps), (inputs, taps)];
        if is_adjoint {
            sides.reverse();
        }
        let ([channels, others], pitch) = (sides.map(|side| side.0), sides.map(|side| side.1));
        let seen = |channel: usize| -> Vec<Term> {
            let all = (0..others).flat_map(|other| (0..taps).map(move |tap| (other, tap)));
            let kept = all.filter(|(other, tap)| kept[channel * pitch[0] + other * pitch[1] + tap]);
            kept.map(|(other, tap)| Term { channel: other as u32, tap: tap as u32 }).collect()
        };
        let mut sums: Vec<(Vec<Term>, usize)> = (0..channels).map(|channel| (seen(channel), channel)).collect();
        // The most work comes first; equal lists come together.
        sums.sort_by(|(a, i), (b, j)| (b.len(), a, i).cmp(&(a.len(), b, j)));
        let mut plan = Self { tiles: Vec::new(), terms: Vec::new(), pitch };
        let mut weights = 0;
        for same in sums.chunk_by(|(a, _), (b, _)| a == b) {
            let first = plan.terms.len();
            plan.terms.extend(&same[0].0);
            let terms = first..plan.terms.len();
            let tiles = same.len().div_ceil(ROWS);
            for tile in 0..tiles {
                let of_tile = &same[same.len() * tile / tiles..same.len() * (tile + 1) / tiles];
                let channels: Vec<usize> = of_tile.iter().map(|(_, channel)| *channel).collect();
                let end = weights + channels.len() * terms.len();
                plan.tiles.push(Tile { channels, terms: terms.clone(), weights: weights..end });
                weights = end;
            }
        }
        plan
    }

    /// How many weights are kept.
    pub(super) fn weights(&self) -> usize {
        self.tiles.last().map_or(0, |tile| tile.weights.end)
    }

    /// Calls `each` with the positions of each kept weight among the packed ones and among all.
    ///
    /// Packed, a tile's weights follow each other term by term, and channel by channel within a term.
    fn positions(&self, mut each: impl FnMut(usize, usize)) {
        for tile in &self.tiles {
            let mut packed = tile.weights.start;
            for term in &self.terms[tile.terms.clone()] {
                let at = term.channel as usize * self.pitch[1] + term.tap as usize;
                for channel in &tile.channels {
                    each(packed, at + channel * self.pitch[0]);
                    packed += 1;
                }
            }
        }
    }

    /// The kept weights alone.
    pub(super) fn pack<T: Copy>(&self, weights: &[T], packed: &mut [T]) {
        self.positions(|to, from| packed[to] = weights[from]);
    }

    /// The reverse of [`Plan::pack`]; masked weights stay as they were.
    pub(super) fn unpack<T: Copy>(&self, packed: &[T], weights: &mut [T]) {
        self.positions(|from, to| weights[to] = packed[from]);
    }
}

#[cfg(test)]
mod tests {
    use super::Plan;

    #[test]
    fn every_live_weight_is_in_one_tile() {
        for seed in 0..50usize {
            let shape = [seed % 9 + 1, seed % 4 + 1, 1, 3];
            let len: usize = shape.iter().product();
            // Few different lists for some seeds, many for others.
            let kept: Vec<bool> = (0..len).map(|i| i / (seed % 3 * shape[1] * 3 + 1) * 7 % 5 < 3).collect();
            let all: Vec<usize> = (1..=len).collect();
            for plan in [false, true].map(|is_adjoint| Plan::new(shape, is_adjoint, &kept)) {
                let (mut packed, mut back) = (vec![0; plan.weights()], vec![0; len]);
                plan.pack(&all, &mut packed);
                plan.unpack(&packed, &mut back);
                let expected: Vec<usize> = all.iter().map(|&i| if kept[i - 1] { i } else { 0 }).collect();
                assert_eq!(back, expected);
                assert_eq!(packed.len(), kept.iter().filter(|&&kept| kept).count());
            }
        }
    }
}
