//! Convolutions with kernels of 3 × 3 in 16 products where the definition has 36 (Winograd 1980; Lavin and Gray 2016).
//!
//! For a tile of 2 × 2 outputs `y`, the patch `d` of 4 × 4 inputs that it sees, and a kernel `w`,
//!
//! ```text
//! y = Aᵀ·(Σ_channels (G·w·Gᵀ) ∘ (Bᵀ·d·B))·A
//! ```
//!
//! with the small matrices of [`Turn`]. Each element of the square of 4 × 4 in the middle is, over all tiles and all
//! channels, a product of matrices. Images are laid out place by place ([`Sheet`]), so that all transforms are sums of
//! rows of channels. They are done for a block of tiles at a time, whose planes stay in the second-level cache.
//!
//! The adjoint in the images is the same with turned kernels. The adjoint in the weights ([`weight`]) is the transposed
//! formula, with sums over tiles.

mod sheet;
#[cfg(test)]
mod tests;
pub(super) mod weight;

use super::correlate::blocks;
use super::geometry::Conv2d;
use super::micro::{PLANES, Product, Turn};
use crate::bilinear::Side;
use crate::kernels::scratch;
use crate::kernels::simd::Level;
use crate::real::Real;
use sheet::Sheet;
use std::ops::Range;

/// Places of an image that are laid out at once, about.
const BAND: usize = 1024;

/// Bytes of the planes of a block of tiles, about: they share the second-level cache with weights and images.
const BLOCK: usize = 400 << 10;

/// A block has a multiple of this many tiles: whole tiles of the products.
const UNIT: usize = 6;

/// Fewer channels on either side, and the transforms cost more than they save.
const CHANNELS: usize = 16;

/// The places of one kernel.
const TAPS: usize = 9;

/// Tiles of 2 × 2 places over the images of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    level: Level,
    /// The images whose patches of 4 × 4 are transformed.
    source: Sheet,
    /// The images that the tiles cover.
    target: Sheet,
    batch: usize,
}

/// Whether this way is possible, and faster than the direct sum.
///
/// It is for `f32` only, with which models are trained: `f64` is there for accuracy.
pub(super) fn pays<T: Real>(geometry: &Conv2d) -> bool {
    let Conv2d { input, output, .. } = *geometry;
    let [tiles, places] = [output.height.div_ceil(2) * output.width.div_ceil(2), output.plane()];
    size_of::<T>() == size_of::<f32>()
        && is_possible(geometry)
        && input.channels.min(output.channels) >= CHANNELS
        && 4 * PLANES * tiles <= 3 * TAPS * places
}

/// Whether this way is possible.
fn is_possible(geometry: &Conv2d) -> bool {
    let Conv2d { kernel, spec, .. } = geometry;
    *kernel == [3, 3]
        && spec.stride == [1, 1]
        && spec.dilation == [1, 1]
        && spec.padding.iter().all(|&zeros| zeros <= 2)
}

impl Tiling {
    /// For the convolution, or an adjoint of it.
    fn new<T>(level: Level, geometry: &Conv2d, side: Side) -> Self {
        let Conv2d { batch, input, output, spec, .. } = *geometry;
        let (source, target, padding) = match side {
            Side::Output | Side::Weight => (input, output, spec.padding),
            Side::Input => (output, input, spec.padding.map(|padding| 2 - padding)),
        };
        let vector = level.vector::<T>();
        let (source, target) = (Sheet::new(source, vector, 4, padding), Sheet::new(target, vector, 2, [0, 0]));
        Self { level, source, target, batch }
    }

    /// Tiles in a row.
    fn width(&self) -> usize {
        self.target.images.width.div_ceil(2)
    }

    /// Rows of tiles that are laid out together.
    fn bands(&self) -> impl Iterator<Item = Range<usize>> + Clone {
        let rows = self.target.images.height.div_ceil(2);
        let per = (BAND / (2 * self.target.images.width)).clamp(1, rows);
        (0..rows).step_by(per).map(move |first| first..rows.min(first + per))
    }

    /// Tiles in a block, for planes of this many lanes in all.
    fn block<T>(&self, lanes: usize) -> usize {
        let tiles = self.bands().map(|band| band.len()).max().unwrap_or(0) * self.width();
        let most = (BLOCK / (PLANES * lanes * size_of::<T>())).max(UNIT);
        tiles.div_ceil(tiles.div_ceil(most).max(1)).next_multiple_of(UNIT)
    }

    /// From one plane to the next, for `rows` rows of `lanes`. One vector more keeps planes apart in the caches.
    fn pitch(rows: usize, lanes: usize) -> usize {
        rows * lanes + 16
    }

    /// The most lanes of a block of target channels.
    fn widest(&self, vector: usize) -> usize {
        blocks(self.level, vector, self.target.images.channels).map(|(_, lanes)| lanes).max().unwrap_or(0)
    }
}

/// The weights as planes: for each block of target channels, `PLANES` matrices, with a row for each channel of the
/// source.
fn turn_weights<T: Real>(tiling: &Tiling, is_turned: bool, weights: &[T], planes: &mut [T]) {
    let (from, to) = (tiling.source.images.channels, tiling.target.images.channels);
    let vector = tiling.level.vector::<T>();
    let widest = tiling.widest(vector);
    scratch::with(from * TAPS, |table: &mut [u32]| {
        scratch::with(from * TAPS * widest, |taps: &mut [T]| {
            for (first, lanes) in blocks(tiling.level, vector, to) {
                let used = lanes.min(to - first);
                let taps = &mut taps[..from * TAPS * lanes];
                if used < lanes {
                    taps.fill(T::ZERO);
                }
                if is_turned {
                    for (taps, weights) in taps.chunks_exact_mut(TAPS * lanes).zip(weights.chunks_exact(to * TAPS)) {
                        T::transpose([used, TAPS], &weights[first * TAPS..], TAPS, taps, lanes);
                    }
                } else {
                    T::transpose([used, from * TAPS], &weights[first * from * TAPS..], from * TAPS, taps, lanes);
                }
                for (i, offset) in table.iter_mut().enumerate() {
                    let tap = if is_turned { i / TAPS * TAPS + TAPS - 1 - i % TAPS } else { i };
                    *offset = (tap * lanes) as u32;
                }
                let planes = &mut planes[PLANES * from * first..][..PLANES * from * lanes];
                T::transform(tiling.level, Turn::Weight, lanes, table, from * lanes, taps, planes);
            }
        });
    });
}

/// Computes the output of a convolution from its input, or the gradient of its input from that of its output, images
/// split over `threads`.
pub(super) fn run<T: Real>(
    level: Level,
    threads: usize,
    geometry: &Conv2d,
    side: Side,
    source: &[T],
    weights: &[T],
    out: &mut [T],
) {
    let tiling = Tiling::new::<T>(level, geometry, side);
    let len = PLANES * tiling.source.images.channels * tiling.target.lanes;
    scratch::with(len, |matrices| {
        turn_weights(&tiling, side == Side::Input, weights, matrices);
        let work = |first: usize, out: &mut [T]| {
            tiling.images(&source[first * tiling.source.images.len()..], matrices, out);
        };
        super::split(out, tiling.target.images.len(), threads.min(tiling.batch), &work);
    });
}

impl Tiling {
    /// The images of one thread, one after another.
    fn images<T: Real>(&self, source: &[T], matrices: &[T], out: &mut [T]) {
        let Self { source: sheet, target, .. } = *self;
        let widest = self.widest(self.level.vector::<T>());
        let block = self.block::<T>(sheet.lanes + widest);
        let (pitch, out_pitch) = (Self::pitch(block, sheet.lanes), Self::pitch(block, widest));
        let lens = [sheet.len(self.bands()), target.len(self.bands()), PLANES * pitch, PLANES * out_pitch];
        scratch::with(lens.iter().sum(), |mut buffer: &mut [T]| {
            let [laid, laid_out, planes, sums] = lens.map(|len| buffer.split_off_mut(..len).unwrap_or_default());
            for sheet in [&mut *laid, laid_out] {
                sheet.fill(T::ZERO);
            }
            for band in self.bands() {
                let tiles = band.len() * self.width();
                let channels = sheet.images.channels;
                scratch::with(tiles * (PLANES + 4) + block + channels, |mut offsets: &mut [u32]| {
                    let [table, out_table, starts, steps] = [tiles * PLANES, tiles * 4, block, channels]
                        .map(|len| offsets.split_off_mut(..len).unwrap_or_default());
                    sheet.offsets(band.clone(), self.width(), table);
                    target.offsets(band.clone(), self.width(), out_table);
                    progression(starts, sheet.lanes);
                    progression(steps, 1);
                    let images = source.chunks_exact(sheet.images.len());
                    for (image, out) in images.zip(out.chunks_exact_mut(target.images.len())) {
                        sheet.lay_out(band.clone(), image, laid);
                        let tables = table.chunks(block * PLANES).zip(out_table.chunks(block * 4));
                        for (table, out_table) in tables {
                            T::transform(self.level, Turn::Image, sheet.lanes, table, pitch, laid, planes);
                            let starts = &starts[..table.len() / PLANES];
                            self.products(planes, pitch, matrices, starts, steps, out_table, sums, laid_out);
                        }
                        target.put(band.clone(), laid_out, out);
                    }
                });
            }
        });
    }

    /// The products of a block of tiles, and what they give.
    #[expect(clippy::too_many_arguments, reason = "the buffers of one thread")]
    fn products<T: Real>(
        &self,
        planes: &[T],
        pitch: usize,
        matrices: &[T],
        starts: &[u32],
        steps: &[u32],
        table: &[u32],
        sums: &mut [T],
        laid_out: &mut [T],
    ) {
        let sums_pitch = sums.len() / PLANES;
        for (first, lanes) in blocks(self.level, self.level.vector::<T>(), self.target.images.channels) {
            let matrices = matrices[PLANES * steps.len() * first..].chunks_exact(steps.len() * lanes);
            let planes = planes.chunks_exact(pitch);
            for ((sums, planes), matrix) in sums.chunks_exact_mut(sums_pitch).zip(planes).zip(matrices) {
                let product = Product::Channels { lanes, matrix, starts, pitch: lanes };
                T::multiply(self.level, product, planes, steps, false, sums);
            }
            T::transform(self.level, Turn::Output, lanes, table, sums_pitch, sums, &mut laid_out[first..]);
        }
    }
}

/// `0, step, 2·step, …`
fn progression(numbers: &mut [u32], step: usize) {
    for (i, x) in numbers.iter_mut().enumerate() {
        *x = (i * step) as u32;
    }
}
