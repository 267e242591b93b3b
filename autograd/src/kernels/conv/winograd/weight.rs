//! The adjoint in the weights: `dw = Gᵀ·(Σ_tiles (A·g·Aᵀ) ∘ (Bᵀ·d·B))·G` for each pair of channels, with a tile `g` of the
//! output's gradient.
//!
//! Images are summed in groups, whose number depends on the amount of work alone. Threads take groups, so every sum is
//! made by one thread, in one order.

use super::super::correlate::blocks;
use super::super::geometry::Conv2d;
use super::super::micro::{PLANES, Product, TILE, Turn};
use super::{TAPS, Tiling, parts, progression};
use crate::bilinear::Side;
use crate::elementwise::Binary;
use crate::kernels::scratch;
use crate::kernels::simd::Level;
use crate::parallel::share_out;
use crate::real::Real;

/// The most groups, and the most numbers that they sum in all.
const GROUPS: usize = 8;
const SUMS: usize = 4 << 20;

/// Tiles that a group should have at least: each costs about as much as a few dozen tiles.
const TILES: usize = 192;

/// Computes `dw` from the input and the output's gradient.
pub(in super::super) fn run<T: Real>(level: Level, threads: usize, geometry: &Conv2d, x: &[T], dy: &[T], dw: &mut [T]) {
    let tiling = Tiling::new::<T>(level, geometry, Side::Weight);
    let Tiling { source, target, batch, .. } = tiling;
    let (ins, outs) = (source.images.channels, target.images.channels);
    let tiles = batch * target.images.height.div_ceil(TILE) * tiling.width();
    let len = PLANES * ins * target.lanes;
    // A power of two, so that they can be split evenly over two or four threads.
    let groups = 1 << (tiles / TILES).min(GROUPS).min(SUMS / len).min(batch).max(1).ilog2();
    let per = batch.div_ceil(groups);
    scratch::with(len * groups, |sums: &mut [T]| {
        share_out(threads, sums.chunks_exact_mut(len).enumerate(), &|(group, sums): (usize, &mut [T])| {
            let [first, end] = [group, group + 1].map(|group| batch.min(group * per));
            let [x_len, dy_len] = [source, target].map(|sheet| sheet.images.len());
            tiling.moments(&x[first * x_len..end * x_len], &dy[first * dy_len..end * dy_len], sums);
        });
        let (total, others) = sums.split_at_mut(len);
        for sums in others.chunks_exact(len) {
            T::binary_assign(Binary::Add, total, sums);
        }
        let vector = level.vector::<T>();
        scratch::with(ins * TAPS, |table: &mut [u32]| {
            scratch::with(ins * TAPS * tiling.widest(vector), |taps: &mut [T]| {
                for (first, lanes) in blocks(level, vector, outs) {
                    progression(table, lanes);
                    let total = &total[PLANES * ins * first..][..PLANES * ins * lanes];
                    T::transform(level, Turn::WeightGradient, lanes, table, ins * lanes, total, taps);
                    let dw = &mut dw[first * ins * TAPS..];
                    T::transpose([ins * TAPS, lanes.min(outs - first)], taps, lanes, dw, ins * TAPS);
                }
            });
        });
    });
}

impl Tiling {
    /// The sums over a group of images: for each block of output channels, `PLANES` matrices, with a row for each input
    /// channel.
    fn moments<T: Real>(&self, x: &[T], dy: &[T], sums: &mut [T]) {
        let Self { source, target, level, .. } = *self;
        let vector = level.vector::<T>();
        let (ins, outs, widest) = (source.images.channels, target.images.channels, self.widest(vector));
        let [together, tiles, block] = self.blocks();
        let (pitch, dy_pitch) = (Self::pitch(block, source.lanes), Self::pitch(block, widest));
        let sheets = [source, target].map(|sheet| self.sheet(sheet, together));
        let lens = [sheets[0], sheets[1], PLANES * pitch, PLANES * dy_pitch];
        let counts = [tiles * source.square(), tiles * target.square(), block, ins];
        let mut keep = false;
        parts(lens, |[laid, laid_dy, planes, dy_planes]: [&mut [T]; 4]| {
            parts(counts, |[table, dy_table, steps, starts]: [&mut [u32]; 4]| {
                progression(steps, source.lanes);
                progression(starts, 1);
                laid.fill(T::ZERO);
                laid_dy.fill(T::ZERO);
                for band in self.bands() {
                    source.offsets(&band, self.width(), table);
                    target.offsets(&band, self.width(), dy_table);
                    let images = x.chunks(together * source.images.len());
                    for (x, dy) in images.zip(dy.chunks(together * target.images.len())) {
                        source.lay_out(&band, x, laid);
                        target.lay_out(&band, dy, laid_dy);
                        let tiles = dy.len() / target.images.len() * band.len() * self.width();
                        let tables = table[..tiles * source.square()].chunks(block * source.square());
                        for (table, dy_table) in tables.zip(dy_table.chunks(block * target.square())) {
                            let steps = &steps[..table.len() / source.square()];
                            let dy_table = &dy_table[..steps.len() * target.square()];
                            T::transform(level, Turn::Image, source.lanes, table, pitch, laid, planes);
                            for (first, lanes) in blocks(level, vector, outs) {
                                let (from, kind) = (&laid_dy[first..], Turn::OutputGradient);
                                T::transform(level, kind, lanes, dy_table, dy_pitch, from, dy_planes);
                                let sums = sums[PLANES * ins * first..].chunks_exact_mut(ins * lanes);
                                let planes = planes.chunks_exact(pitch).zip(dy_planes.chunks_exact(dy_pitch));
                                for (sums, (plane, matrix)) in sums.zip(planes) {
                                    let product = Product::Channels { lanes, matrix, starts, pitch: lanes };
                                    T::multiply(level, product, plane, steps, keep, sums);
                                }
                            }
                            keep = true;
                        }
                    }
                }
            });
        });
        if !keep {
            sums.fill(T::ZERO);
        }
    }
}
