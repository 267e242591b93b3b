//! Convolutions of stride 1 and dilation 1.
//!
//! Images are padded with zeros, and a place is the number of an element in a padded plane. A tap of the kernel then is a
//! distance between places, the same for all of them, so the tiles of every tap are read from one layout. Places between
//! the rows of the output are computed too, and left out.

#![allow(unsafe_code, reason = "tiles are read and written through pointers")]

use super::pack::{self, PAIR};
use super::places::{Places, VECTOR};
use super::tiles::{BLOCK, DEPTH, TILE, Tiles};
use crate::bilinear::Side;
use crate::kernels::conv::{Conv2d, Finish, Images};
use crate::kernels::gemm::Transpose;
use crate::kernels::scratch;
use crate::parallel::{share_out, worthwhile};

/// Numbers of the images that are laid out together for the adjoint in the weights: they should stay in the cache.
const TOGETHER: usize = 1 << 17;
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
    /// That of a convolution, or of its adjoint in the input.
    fn new(from: Images, to: Images, kernel: [usize; 2], padding: [usize; 2]) -> Self {
        let size = |images: Images| [images.height, images.width];
        Self { from: size(from), to: size(to), kernel, padding }
    }

    /// Elements from one row of a padded image to the next.
    fn pitch(&self) -> usize {
        self.from[1] + 2 * self.padding[1]
    }

    /// The distances of all taps.
    fn taps(&self) -> impl Iterator<Item = usize> {
        let (pitch, width) = (self.pitch(), self.kernel[1]);
        (0..self.kernel[0]).flat_map(move |row| (0..width).map(move |col| row * pitch + col))
    }

    fn last_tap(&self) -> usize {
        (self.kernel[0] - 1) * self.pitch() + self.kernel[1] - 1
    }

    /// Places of the output up to its last element.
    fn reach(&self) -> usize {
        (self.to[0] - 1) * self.pitch() + self.to[1]
    }

    /// This many places of the output, moved to the right by `shift`.
    fn outputs(&self, count: usize, shift: usize) -> Places {
        let (pitch, [height, width]) = (self.pitch(), self.to);
        Places::new(count, |place| {
            place >= shift && (place - shift) / pitch < height && (place - shift) % pitch < width
        })
    }

    /// The places of the input that are read for this many of the output.
    fn inputs(&self, outputs: usize) -> Places {
        let (pitch, [height, width], padding) = (self.pitch(), self.from, self.padding);
        Places::new(outputs + self.last_tap(), |place| {
            let (row, col) = (place / pitch, place % pitch);
            (padding[0]..padding[0] + height).contains(&row) && (padding[1]..padding[1] + width).contains(&col)
        })
    }
}

/// The convolution, or its adjoint in the input: images in, images out.
pub(in super::super) fn correlate(
    geometry: &Conv2d,
    is_forward: bool,
    threads: usize,
    [source, weights]: [&[f32]; 2],
    finish: Finish<'_, f32>,
    out: &mut [f32],
) {
    let Conv2d { batch, input, output, kernel, spec } = *geometry;
    let taps = kernel[0] * kernel[1];
    let (from, to, padding) = if is_forward {
        (input, output, spec.padding)
    } else {
        (output, input, std::array::from_fn(|axis| kernel[axis] - 1 - spec.padding[axis]))
    };
    let plane = Plane::new(from, to, kernel, padding);
    let outputs = plane.outputs(plane.reach(), 0);
    let inputs = plane.inputs(outputs.count());
    let (blocks, panels) = (from.channels.div_ceil(DEPTH), pack::panels(to.channels));
    // An odd number of cache lines: rows then do not compete for the same places of the cache.
    let pitch = ((inputs.count() / VECTOR) | 1) * VECTOR;
    scratch::with(panels * blocks * taps * PAIR, |left: &mut [u32]| {
        pack_weights(is_forward, threads, taps, [to.channels, from.channels], weights, left);
        scratch::with(blocks * taps, |offsets: &mut [usize]| {
            for (block, offsets) in offsets.chunks_exact_mut(taps).enumerate() {
                let first = block * (DEPTH / 2) * pitch;
                offsets.iter_mut().zip(plane.taps()).for_each(|(offset, tap)| *offset = first + tap);
            }
            let images = source.chunks_exact(source.len() / batch).zip(out.chunks_exact_mut(to.len()));
            let (left, offsets) = (&*left, &*offsets);
            share_out(threads, images, &|(image, out): (&[f32], &mut [f32])| {
                scratch::with(blocks * (DEPTH / 2) * pitch, |pairs: &mut [u32]| {
                    pair_channels(&inputs, from, image, pairs, pitch);
                    sums(&outputs, left, offsets, (pairs, pitch), to, finish, out);
                });
            });
        });
    });
}

/// Lays out the weights: for each panel of lanes, for each 32 terms, the tiles of each tap. In the adjoint the taps come
/// from last to first, and weights `[term, lane, tap]` in place of `[lane, term, tap]`.
fn pack_weights(
    is_forward: bool,
    threads: usize,
    taps: usize,
    [lanes, terms]: [usize; 2],
    weights: &[f32],
    left: &mut [u32],
) {
    let blocks = terms.div_ceil(DEPTH);
    let (outers, inners) = if is_forward { (lanes, terms) } else { (terms, lanes) };
    let (of_lane, of_term) = if is_forward { (DEPTH * taps, taps) } else { (taps, BLOCK * taps) };
    let threads = worthwhile(threads, 16 * weights.len());
    share_out(threads, left.chunks_exact_mut(taps * PAIR).enumerate(), &|(nth, tiles): (usize, &mut [u32])| {
        let (panel, block) = (nth / blocks, nth % blocks);
        let [outer, inner] = if is_forward { [panel, block] } else { [block, panel] }.map(|first| first * BLOCK);
        let count = BLOCK.min(inners - inner) * taps;
        // The weights of this block, rounded, in the order in which they are stored.
        scratch::with(BLOCK * DEPTH * taps, |near: &mut [u16]| {
            if count < BLOCK * taps || outers < outer + BLOCK {
                near.fill(0);
            }
            for (outer, near) in (outer..outers).zip(near.chunks_exact_mut(BLOCK * taps)) {
                pack::round(&weights[(outer * inners + inner) * taps..][..count], &mut near[..count]);
            }
            for (tap, tiles) in tiles.chunks_exact_mut(PAIR).enumerate() {
                let tap = if is_forward { tap } else { taps - 1 - tap };
                let rows: &mut [u16] = bytemuck::cast_slice_mut(tiles);
                for (lane, row) in rows.chunks_exact_mut(DEPTH).enumerate() {
                    let from = near[lane * of_lane + tap..].iter().step_by(of_term);
                    row.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
                }
            }
        });
    });
}

/// Pads an image, with two channels in each number.
fn pair_channels(inputs: &Places, images: Images, image: &[f32], pairs: &mut [u32], pitch: usize) {
    let (area, used) = (images.plane(), images.channels.div_ceil(2));
    let zeros = vec![0.0; if images.channels.is_multiple_of(2) { 0 } else { area }];
    for (two, to) in image.chunks(2 * area).zip(pairs.chunks_exact_mut(pitch)) {
        let (first, second) = two.split_at(area);
        inputs.across(first, if second.is_empty() { &zeros } else { second }, to);
    }
    pairs[used * pitch..].fill(0);
}

/// All channels of one image of the output.
fn sums(
    outputs: &Places,
    left: &[u32],
    offsets: &[usize],
    (pairs, pitch): (&[u32], usize),
    images: Images,
    finish: Finish<'_, f32>,
    out: &mut [f32],
) {
    let tiles = Tiles::new();
    let outs = out.chunks_mut(BLOCK * images.plane());
    for (panel, (left, out)) in left.chunks_exact(offsets.len() * PAIR).zip(outs).enumerate() {
        let finish = Finish { bias: finish.bias.get(panel * BLOCK..).unwrap_or_default(), ..finish };
        let mut sums = [[0.0; BLOCK]; BLOCK];
        for first in (0..outputs.count()).step_by(BLOCK) {
            // SAFETY: the panel has two tiles for each offset. The furthest element that is read, of the last plane of
            // pairs, is at the last place plus the last tap, inside the padded plane. `sums` is 32 × 32.
            unsafe {
                let right = (pairs.as_ptr().add(first), pitch, VECTOR);
                tiles.block(left.as_ptr(), right, offsets, (sums.as_mut_ptr().cast(), BLOCK), false);
            }
            outputs.collect(first, &sums, finish, out);
        }
    }
}

/// The adjoint in the weights: for each tap, a product of the gradient's channels and the input's, over all places of a
/// group of images after another.
pub(in super::super) fn by_weight(geometry: &Conv2d, threads: usize, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let Conv2d { batch, input, output, kernel, spec } = *geometry;
    let plane = Plane::new(input, output, kernel, spec.padding);
    let distances: Vec<usize> = plane.taps().collect();
    let taps = distances.len();
    // Pairs of places begin at even ones: for an odd tap the gradient moves by one place, and the tap becomes even.
    let shifts = if distances.iter().any(|tap| tap % 2 == 1) { 2 } else { 1 };
    let gradients: Vec<Places> = (0..shifts).map(|shift| plane.outputs(plane.reach() + 1, shift)).collect();
    let (places, inputs) = (gradients[0].count(), plane.inputs(gradients[0].count()));
    let [out_panels, in_panels] = [output, input].map(|images| pack::panels(images.channels));
    let (of_left, of_right) = (pack::panel_len(places), inputs.count() / 2 * BLOCK);
    let together = (TOGETHER / (shifts * out_panels * of_left + in_panels * of_right)).clamp(1, batch);
    let jobs = out_panels * in_panels * taps;
    // All taps of two panels in one job, if that is enough jobs.
    let per = if out_panels * in_panels >= 2 * threads { taps } else { 1 };
    let lens = [together * shifts * out_panels * of_left, together * in_panels * of_right];
    scratch::with(lens[0] + lens[1], |group: &mut [u32]| {
        let (left, right) = group.split_at_mut(lens[0]);
        scratch::with(jobs * BLOCK * BLOCK, |sums: &mut [f32]| {
            for first in (0..batch).step_by(together) {
                let count = together.min(batch - first);
                let (x, dy) = (&x[first * input.len()..], &dy[first * output.len()..]);
                share_out(threads, left.chunks_exact_mut(together * of_left).enumerate(), &|(nth, left)| {
                    let left: &mut [u32] = left;
                    let (shift, panel) = (nth / out_panels, nth % out_panels);
                    let images = dy.chunks_exact(output.len()).zip(left.chunks_exact_mut(of_left)).take(count);
                    images.for_each(|(dy, left)| gradient_panel(&gradients[shift], output, panel, dy, left));
                });
                let panels = right.chunks_exact_mut(of_right).take(count * in_panels).enumerate();
                share_out(threads, panels, &|(nth, right): (usize, &mut [u32])| {
                    let x = &x[nth / in_panels * input.len()..][..input.len()];
                    input_panel(&inputs, input, nth % in_panels, x, right);
                });
                let (left, right) = (&*left, &*right);
                scratch::with(count * places / DEPTH, |offsets: &mut [usize]| {
                    for (image, offsets) in offsets.chunks_exact_mut(places / DEPTH).enumerate() {
                        let first = image * in_panels * of_right;
                        offsets.iter_mut().enumerate().for_each(|(q, at)| *at = first + q * (DEPTH / 2) * BLOCK);
                    }
                    let offsets = &*offsets;
                    let parts = sums.chunks_mut(per * BLOCK * BLOCK).enumerate();
                    share_out(threads, parts, &|(part, sums): (usize, &mut [f32])| {
                        let tiles = Tiles::new();
                        for (nth, sums) in sums.chunks_exact_mut(BLOCK * BLOCK).enumerate() {
                            let (panels, tap) = ((part * per + nth) / taps, distances[(part * per + nth) % taps]);
                            let (out, input) = (panels / in_panels, panels % in_panels);
                            let left = &left[(tap % 2 * out_panels + out) * together * of_left..][..count * of_left];
                            let right = &right[input * of_right + tap / 2 * BLOCK..];
                            // SAFETY: the left panel has two tiles for each offset, and the right one 32 numbers for
                            // each pair of places up to the last place plus the last tap. `sums` is 32 × 32.
                            unsafe {
                                let right = (right.as_ptr(), BLOCK, VECTOR);
                                tiles.block(left.as_ptr(), right, offsets, (sums.as_mut_ptr(), BLOCK), first > 0);
                            }
                        }
                    });
                });
            }
            // For each pair of channels the taps follow one another.
            for (panels, sums) in sums.chunks_exact(taps * BLOCK * BLOCK).enumerate() {
                let (out, first) = (panels / in_panels * BLOCK, panels % in_panels * BLOCK);
                let used = BLOCK.min(input.channels - first);
                for out in out..output.channels.min(out + BLOCK) {
                    let sums = &sums[out % BLOCK * BLOCK..];
                    let dw = &mut dw[(out * input.channels + first) * taps..][..used * taps];
                    f32::transpose([taps, used], sums, BLOCK * BLOCK, dw, taps);
                }
            }
        });
    });
}

/// A panel of an output's gradient: lanes are channels, terms are places, with 0 between rows.
fn gradient_panel(places: &Places, images: Images, panel: usize, dy: &[f32], left: &mut [u32]) {
    let area = images.plane();
    if images.channels < (panel + 1) * BLOCK {
        left.fill(0);
    }
    for (lane, dy) in dy[panel * BLOCK * area..].chunks_exact(area).take(BLOCK).enumerate() {
        places.along(dy, &mut left[lane * TILE..], PAIR);
    }
}

/// A panel of an input, `[pair of places][32 channels]`.
fn input_panel(places: &Places, images: Images, panel: usize, x: &[f32], right: &mut [u32]) {
    let (area, pairs) = (images.plane(), places.count() / 2);
    scratch::with(BLOCK * pairs, |rows: &mut [u32]| {
        if images.channels < (panel + 1) * BLOCK {
            rows.fill(0);
        }
        for (x, row) in x[panel * BLOCK * area..].chunks_exact(area).zip(rows.chunks_exact_mut(pairs)) {
            places.along(x, row, TILE);
        }
        let (rows, right) = (bytemuck::cast_slice(rows), bytemuck::cast_slice_mut(right));
        f32::transpose([BLOCK, pairs], rows, pairs, right, BLOCK);
    });
}
