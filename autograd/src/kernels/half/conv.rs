//! Convolutions of stride 1 and dilation 1.
//!
//! Images are padded with zeros, and a place is the number of an element in a padded plane. A tap of the kernel then is a
//! distance between places, the same for all of them, so the tiles of every tap are read from one layout. Places between
//! the rows of the output are computed too, and left out.

#![allow(unsafe_code, reason = "tiles are read and written through pointers")]

use super::pack::{self, Factor, Matrix, PAIR};
use super::tiles::{BLOCK, DEPTH, Tiles};
use crate::bilinear::Side;
use crate::kernels::conv::Conv2d;
use crate::kernels::gemm::Transpose;
use crate::kernels::scratch;
use crate::parallel::share_out;

/// Images whose places are laid out at a time for the adjoint in the weights: they should stay in the cache.
const TOGETHER: usize = 4;
/// With fewer channels most of a tile would be zeros.
const CHANNELS: usize = 8;

/// Whether a convolution can be computed here, and is worth it.
pub(in super::super) fn pays(geometry: &Conv2d) -> bool {
    let Conv2d { input, output, kernel, spec, .. } = *geometry;
    let small = |axis: usize| spec.padding[axis] < kernel[axis];
    spec.stride == [1, 1]
        && spec.dilation == [1, 1]
        && small(0)
        && small(1)
        && input.channels.min(output.channels) >= CHANNELS
        && geometry.len(Side::Output) * input.channels * kernel[0] * kernel[1] >= 1 << 20
}

/// A correlation of padded images.
#[derive(Clone, Copy)]
struct Plane {
    /// Rows and columns of an image, and of what is made of it.
    from: [usize; 2],
    to: [usize; 2],
    kernel: [usize; 2],
    padding: [usize; 2],
}

impl Plane {
    /// Elements from one row of a padded image to the next.
    fn pitch(&self) -> usize {
        self.from[1] + 2 * self.padding[1]
    }

    /// Places of the output, those between its rows included, rounded up to whole blocks.
    fn places(&self) -> usize {
        (self.to[0] * self.pitch()).next_multiple_of(BLOCK)
    }

    /// The distances of all taps.
    fn taps(&self) -> impl Iterator<Item = usize> {
        let (pitch, width) = (self.pitch(), self.kernel[1]);
        (0..self.kernel[0]).flat_map(move |row| (0..width).map(move |col| row * pitch + col))
    }

    /// Elements of a padded image that are read, rounded up to an even number.
    fn padded(&self) -> usize {
        (self.places() + self.taps().last().unwrap_or(0) + 2).next_multiple_of(2)
    }

    /// Where each row of an image begins in the padded image.
    fn rows(&self) -> impl Iterator<Item = usize> {
        let (pitch, padding) = (self.pitch(), self.padding);
        (0..self.from[0]).map(move |row| (row + padding[0]) * pitch + padding[1])
    }
}

/// The convolution, or its adjoint in the input: images in, images out.
pub(in super::super) fn correlate(
    geometry: &Conv2d,
    is_forward: bool,
    threads: usize,
    source: &[f32],
    weights: &[f32],
    out: &mut [f32],
) {
    let Conv2d { input, output, kernel, spec, .. } = *geometry;
    let taps = kernel[0] * kernel[1];
    let size = |images: crate::kernels::conv::Images| [images.height, images.width];
    let (from, to, padding) = if is_forward {
        (input, output, spec.padding)
    } else {
        (output, input, std::array::from_fn(|axis| kernel[axis] - 1 - spec.padding[axis]))
    };
    let plane = Plane { from: size(from), to: size(to), kernel, padding };
    let (blocks, panels) = (from.channels.div_ceil(DEPTH), pack::panels(to.channels));
    let steps = blocks * taps;
    scratch::with(panels * steps * PAIR, |left: &mut [u32]| {
        pack_weights(is_forward, taps, [to.channels, from.channels], weights, left);
        scratch::with(steps, |offsets: &mut [usize]| {
            for (block, offsets) in offsets.chunks_exact_mut(taps).enumerate() {
                let first = block * (DEPTH / 2) * plane.padded();
                offsets.iter_mut().zip(plane.taps()).for_each(|(offset, tap)| *offset = first + tap);
            }
            let (of_from, of_to) = (source.len() / geometry.batch, out.len() / geometry.batch);
            let images = source.chunks_exact(of_from).zip(out.chunks_exact_mut(of_to));
            let (left, offsets) = (&*left, &*offsets);
            share_out(threads, images, &|(image, out): (&[f32], &mut [f32])| {
                scratch::with(blocks * (DEPTH / 2) * plane.padded() + BLOCK, |pairs: &mut [u32]| {
                    pair_channels(&plane, from.channels, image, pairs);
                    sums(&plane, left, offsets, pairs, to.channels, out);
                });
            });
        });
    });
}

/// Lays out the weights: for each panel of lanes, for each 32 terms, the tiles of each tap. In the adjoint the taps come
/// from last to first, and weights `[term, lane, tap]` in place of `[lane, term, tap]`.
fn pack_weights(is_forward: bool, taps: usize, [lanes, terms]: [usize; 2], weights: &[f32], left: &mut [u32]) {
    let blocks = terms.div_ceil(DEPTH);
    scratch::with(taps * lanes * terms, |matrices: &mut [f32]| {
        let inner = if is_forward { terms } else { lanes };
        for (outer, weights) in weights.chunks_exact(inner * taps).enumerate() {
            for (inner, kernel) in weights.chunks_exact(taps).enumerate() {
                let at = if is_forward { outer * terms + inner } else { inner * terms + outer };
                for (tap, &weight) in kernel.iter().enumerate() {
                    let tap = if is_forward { tap } else { taps - 1 - tap };
                    matrices[tap * lanes * terms + at] = weight;
                }
            }
        }
        for (tap, matrix) in matrices.chunks_exact(lanes * terms).enumerate() {
            let matrix = Matrix { elements: matrix, lane: terms, term: 1 };
            for panel in 0..pack::panels(lanes) {
                let lanes = panel * BLOCK..lanes.min((panel + 1) * BLOCK);
                for block in 0..blocks {
                    let terms = block * DEPTH..terms.min((block + 1) * DEPTH);
                    let to = &mut left[((panel * blocks + block) * taps + tap) * PAIR..][..PAIR];
                    pack::panel(Factor::Left, matrix, &lanes, &terms, to);
                }
            }
        }
    });
}

/// Pads an image, with two channels in each number.
fn pair_channels(plane: &Plane, channels: usize, image: &[f32], pairs: &mut [u32]) {
    pairs.fill(0);
    let ([_, width], area) = (plane.from, plane.from[0] * plane.from[1]);
    let zeros = vec![0.0; if channels % 2 == 1 { width } else { 0 }];
    for (pair, to) in pairs.chunks_exact_mut(plane.padded()).take(channels.div_ceil(2)).enumerate() {
        for (row, start) in plane.rows().enumerate() {
            let at = |channel: usize| &image[channel * area + row * width..][..width];
            let second = if 2 * pair + 1 < channels { at(2 * pair + 1) } else { &zeros };
            pack::across(at(2 * pair), second, &mut to[start..start + width]);
        }
    }
}

/// All channels of one image of the output.
fn sums(plane: &Plane, left: &[u32], offsets: &[usize], pairs: &[u32], channels: usize, out: &mut [f32]) {
    let (places, [height, width]) = (plane.places(), plane.to);
    let tiles = Tiles::new();
    scratch::with(BLOCK * places, |block: &mut [f32]| {
        for (panel, left) in left.chunks_exact(offsets.len() * PAIR).enumerate() {
            for first in (0..places).step_by(BLOCK) {
                // SAFETY: the panel has two tiles for each offset. The furthest element that is read, of the last plane
                // of pairs, is at the last place plus the last tap, inside the padded plane. `block` has 32 rows of
                // `places`, a multiple of 32.
                unsafe {
                    let right = (pairs.as_ptr().add(first), plane.padded(), 16);
                    tiles.block(left.as_ptr(), right, offsets, (block.as_mut_ptr().add(first), places), false);
                }
            }
            let used = BLOCK.min(channels - panel * BLOCK);
            let out = &mut out[panel * BLOCK * height * width..][..used * height * width];
            for (out, sums) in out.chunks_exact_mut(height * width).zip(block.chunks_exact(places)) {
                for (out, sums) in out.chunks_exact_mut(width).zip(sums.chunks(plane.pitch())) {
                    out.copy_from_slice(&sums[..width]);
                }
            }
        }
    });
}

/// The adjoint in the weights.
pub(in super::super) fn by_weight(geometry: &Conv2d, threads: usize, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let Conv2d { batch, input, output, kernel, spec } = *geometry;
    let plane =
        Plane { from: [input.height, input.width], to: [output.height, output.width], kernel, padding: spec.padding };
    let (ins, outs, taps) = (input.channels, output.channels, kernel[0] * kernel[1]);
    let (in_panels, out_panels) = (pack::panels(ins), pack::panels(outs));
    let (left_len, right_len) = (pack::panel_len(plane.places()), plane.padded() / 2 * BLOCK);
    let distances: Vec<usize> = plane.taps().collect();
    let jobs = out_panels * in_panels * taps;
    // For each image of a group: the panels of its output's gradient, and those of its input, from an even place on and
    // from an odd one.
    let [of_left, of_right] = [out_panels * left_len, 2 * in_panels * right_len];
    scratch::with(TOGETHER * (of_left + of_right), |group: &mut [u32]| {
        scratch::with(jobs * BLOCK * BLOCK, |sums: &mut [f32]| {
            for first in (0..batch).step_by(TOGETHER) {
                let count = TOGETHER.min(batch - first);
                let parts = group.chunks_exact_mut(of_left + of_right).take(count).enumerate();
                share_out(threads, parts, &|(nth, part): (usize, &mut [u32])| {
                    let (left, right) = part.split_at_mut(of_left);
                    let image =
                        |all: &[f32]| (first + nth) * (all.len() / batch)..(first + nth + 1) * (all.len() / batch);
                    gradient_panels(&plane, outs, &dy[image(dy)], left);
                    input_panels(&plane, ins, &x[image(x)], right);
                });
                let group = &*group;
                share_out(threads, sums.chunks_mut(BLOCK * BLOCK).enumerate(), &|(job, sums): (usize, &mut [f32])| {
                    let (panels, tap) = (job / taps, distances[job % taps]);
                    let (out, input) = (panels / in_panels, panels % in_panels);
                    let tiles = Tiles::new();
                    let steps = left_len / PAIR;
                    scratch::with(steps, |offsets: &mut [usize]| {
                        offsets.iter_mut().enumerate().for_each(|(q, offset)| *offset = q * (DEPTH / 2) * BLOCK);
                        for (nth, part) in group.chunks_exact(of_left + of_right).take(count).enumerate() {
                            let left = &part[out * left_len..][..left_len];
                            let right = &part[of_left + (2 * input + tap % 2) * right_len..][..right_len];
                            let right = &right[tap / 2 * BLOCK..];
                            debug_assert!((steps * DEPTH / 2) * BLOCK <= right.len());
                            let keep = first + nth > 0;
                            // SAFETY: the left panel has two tiles for each offset, and the right one 32 numbers for
                            // each pair of places up to the last place plus the last tap. `sums` is 32 × 32.
                            unsafe {
                                let right = (right.as_ptr(), BLOCK, 16);
                                tiles.block(left.as_ptr(), right, offsets, (sums.as_mut_ptr(), BLOCK), keep);
                            }
                        }
                    });
                });
            }
            for (job, sums) in sums.chunks_exact(BLOCK * BLOCK).enumerate() {
                let (panels, tap) = (job / taps, job % taps);
                let (out, input) = (panels / in_panels * BLOCK, panels % in_panels * BLOCK);
                for (o, sums) in sums.chunks_exact(BLOCK).take(outs - out).enumerate() {
                    for (i, &sum) in sums.iter().take(ins - input).enumerate() {
                        dw[((out + o) * ins + input + i) * taps + tap] = sum;
                    }
                }
            }
        });
    });
}

/// The panels of an output's gradient: lanes are channels, terms are places, with 0 between rows.
fn gradient_panels(plane: &Plane, channels: usize, dy: &[f32], left: &mut [u32]) {
    let (places, [height, width]) = (plane.places(), plane.to);
    scratch::with(BLOCK * places, |padded: &mut [f32]| {
        padded.fill(0.0);
        for (panel, left) in left.chunks_exact_mut(pack::panel_len(places)).enumerate() {
            let used = BLOCK.min(channels - panel * BLOCK);
            let from = dy[panel * BLOCK * height * width..].chunks_exact(height * width);
            for (padded, from) in padded.chunks_exact_mut(places).zip(from).take(used) {
                for (padded, from) in padded.chunks_mut(plane.pitch()).zip(from.chunks_exact(width)) {
                    padded[..width].copy_from_slice(from);
                }
            }
            let matrix = Matrix { elements: padded, lane: places, term: 1 };
            pack::panel(Factor::Left, matrix, &(0..used), &(0..places), left);
        }
    });
}

/// The panels of an input, `[pair of places][32 channels]`, with pairs that begin at even places, then at odd ones.
fn input_panels(plane: &Plane, channels: usize, x: &[f32], right: &mut [u32]) {
    let (len, area, width) = (plane.padded(), plane.from[0] * plane.from[1], plane.from[1]);
    scratch::with(len + 1, |padded: &mut [f32]| {
        padded.fill(0.0);
        scratch::with(BLOCK * len / 2, |rows: &mut [u32]| {
            for (nth, right) in right.chunks_exact_mut(len / 2 * BLOCK).enumerate() {
                let (panel, odd) = (nth / 2, nth % 2);
                rows.fill(0);
                let from = x[panel * BLOCK * area..].chunks_exact(area).take(BLOCK.min(channels - panel * BLOCK));
                for (row, from) in rows.chunks_exact_mut(len / 2).zip(from) {
                    for (start, from) in plane.rows().zip(from.chunks_exact(width)) {
                        padded[start..start + width].copy_from_slice(from);
                    }
                    pack::along(&padded[odd..odd + len], row);
                }
                let (rows, right) = (bytemuck::cast_slice(rows), bytemuck::cast_slice_mut(right));
                f32::transpose([BLOCK, len / 2], rows, len / 2, right, BLOCK);
            }
        });
    });
}
