//! Convolutions with kernels of 3 × 3 in a quarter of the products (Winograd 1980; Lavin and Gray 2016).
//!
//! For a tile of 4 × 4 outputs `y`, the patch `d` of 6 × 6 inputs that it sees, and a kernel `w`,
//!
//! ```text
//! y = Aᵀ·(Σ_channels (G·w·Gᵀ) ∘ (Bᵀ·d·B))·A
//! ```
//!
//! with the small matrices of [`Turn`]: 36 products for each pair of channels, where the definition has 144. Each element
//! of the square of 6 × 6 in the middle is, over all tiles and all channels, a product of matrices. Images are laid out
//! place by place ([`Sheet`]), so that all transforms are sums of rows of channels. They are done for a block of tiles at
//! a time, whose planes stay in the second-level cache.
//!
//! The adjoint in the images is the same with turned kernels. The adjoint in the weights ([`weight`]) is the transposed
//! formula, with sums over tiles.
//!
//! With 64 channels rounding errors are about twice those of the direct sum. They are relative to the largest numbers of
//! a patch, and an infinity or a NaN spreads over its tile.

mod sheet;
#[cfg(test)]
mod tests;
pub(super) mod weight;

use super::Finish;
use super::correlate::blocks;
use super::geometry::Conv2d;
use super::micro::{PLANES, Product, TILE, Turn};
use crate::bilinear::Side;
use crate::kernels::scratch;
use crate::kernels::simd::Level;
use crate::real::Real;
use sheet::Sheet;
use std::ops::Range;

/// Places of an image that are laid out at once, about.
const BAND: usize = 1024;

/// Tiles of a block at most: all of their planes share the second-level cache with weights and images. Small images are
/// put together until they have about as many.
const BLOCK: usize = 49;

/// Fewer channels on either side, and the transforms cost more than they save.
const CHANNELS: usize = 16;

/// The most pairs of channels: the transformed weights are four times as many numbers as the kernels, and are read again
/// for each block.
const PAIRS: usize = 256 * 256;

/// The places of one kernel.
const TAPS: usize = 9;

/// Tiles over the images of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    level: Level,
    /// The images whose patches are transformed.
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
    let [tiles, places] = [output.height.div_ceil(TILE) * output.width.div_ceil(TILE), output.plane()];
    size_of::<T>() == size_of::<f32>()
        && is_possible(geometry)
        && input.channels.min(output.channels) >= CHANNELS
        && input.channels * output.channels <= PAIRS
        && 2 * PLANES * tiles <= TAPS * places
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
        let (source, target) =
            (Sheet::new(source, vector, TILE + 2, padding), Sheet::new(target, vector, TILE, [0, 0]));
        Self { level, source, target, batch }
    }

    /// Tiles in a row.
    fn width(&self) -> usize {
        self.target.images.width.div_ceil(TILE)
    }

    /// Rows of tiles that are laid out together.
    fn bands(&self) -> impl Iterator<Item = Range<usize>> + Clone {
        let rows = self.target.images.height.div_ceil(TILE);
        let per = (BAND / (TILE * self.target.images.width)).clamp(1, rows);
        (0..rows).step_by(per).map(move |first| first..rows.min(first + per))
    }

    /// Images that are laid out together, the most tiles of a band of them, and the tiles of a block.
    fn blocks(&self) -> [usize; 3] {
        let tiles = self.bands().map(|band| band.len() * self.width()).max().unwrap_or(1);
        let together = (BLOCK / tiles).clamp(1, self.batch);
        let tiles = tiles * together;
        [together, tiles, tiles.div_ceil(tiles.div_ceil(BLOCK))]
    }

    /// Elements of a sheet of this many images.
    fn sheet(&self, sheet: Sheet, together: usize) -> usize {
        let places = self.bands().map(|band| sheet.places(&band)).max().unwrap_or(0);
        (1 + together * places) * sheet.lanes
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
    [source, weights]: [&[T]; 2],
    finish: Finish<'_, T>,
    out: &mut [T],
) {
    let tiling = Tiling::new::<T>(level, geometry, side);
    let lens = [PLANES * tiling.source.images.channels * tiling.target.lanes, tiling.target.lanes];
    parts(lens, |[matrices, bias]: [&mut [T]; 2]| {
        turn_weights(&tiling, side == Side::Input, weights, matrices);
        bias.fill(T::ZERO);
        bias[..finish.bias.len()].copy_from_slice(finish.bias);
        let finish = Finish { bias, relu: finish.relu };
        let work = |first: usize, out: &mut [T]| {
            tiling.images(&source[first * tiling.source.images.len()..], matrices, finish, out);
        };
        super::split(out, tiling.target.images.len(), threads.min(tiling.batch), &work);
    });
}

impl Tiling {
    /// The images of one thread, a few after another.
    fn images<T: Real>(&self, source: &[T], matrices: &[T], finish: Finish<'_, T>, out: &mut [T]) {
        let Self { source: sheet, target, .. } = *self;
        let widest = self.widest(self.level.vector::<T>());
        let [together, tiles, block] = self.blocks();
        let (pitch, out_pitch) = (Self::pitch(block, sheet.lanes), Self::pitch(block, widest));
        let sheets = [sheet, target].map(|sheet| self.sheet(sheet, together));
        let lens = [sheets[0], sheets[1], PLANES * pitch, PLANES * out_pitch];
        let counts = [tiles * sheet.square(), tiles * target.square(), block, sheet.images.channels];
        parts(lens, |[laid, laid_out, planes, sums]: [&mut [T]; 4]| {
            parts(counts, |[table, out_table, starts, steps]: [&mut [u32]; 4]| {
                progression(starts, sheet.lanes);
                progression(steps, 1);
                laid.fill(T::ZERO);
                laid_out.fill(T::ZERO);
                for band in self.bands() {
                    sheet.offsets(&band, self.width(), table);
                    target.offsets(&band, self.width(), out_table);
                    let images = source.chunks(together * sheet.images.len());
                    for (images, out) in images.zip(out.chunks_mut(together * target.images.len())) {
                        sheet.lay_out(&band, images, laid);
                        let tiles = out.len() / target.images.len() * band.len() * self.width();
                        let tables = table[..tiles * sheet.square()].chunks(block * sheet.square());
                        for (table, out_table) in tables.zip(out_table.chunks(block * target.square())) {
                            T::transform(self.level, Turn::Image, sheet.lanes, table, pitch, laid, planes);
                            let starts = &starts[..table.len() / sheet.square()];
                            let out_table = &out_table[..starts.len() * target.square()];
                            self.products(planes, pitch, matrices, starts, steps, finish, out_table, sums, laid_out);
                        }
                        target.put(&band, laid_out, out);
                    }
                }
            });
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
        finish: Finish<'_, T>,
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
            let kind = Turn::Output { bias: &finish.bias[first..], relu: finish.relu };
            T::transform(self.level, kind, lanes, table, sums_pitch, sums, &mut laid_out[first..]);
        }
    }
}

/// Working memory in parts of these lengths.
fn parts<T: bytemuck::Pod, R, const N: usize>(lens: [usize; N], work: impl FnOnce([&mut [T]; N]) -> R) -> R {
    scratch::with(lens.iter().sum(), |mut buffer: &mut [T]| {
        work(lens.map(|len| buffer.split_off_mut(..len).unwrap_or_default()))
    })
}

/// `0, step, 2·step, …`
fn progression(numbers: &mut [u32], step: usize) {
    for (i, x) in numbers.iter_mut().enumerate() {
        *x = (i * step) as u32;
    }
}
