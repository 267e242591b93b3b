//! The adjoint in the weights.
//!
//! The gradient of a weight sums, over images and places, products of the input and of the output's gradient. Lanes are
//! channels of one of them, laid out place by place, and the columns of the product are channels and taps of the other,
//! which is padded and read through offsets. Usually lanes are output channels; a convolution of stride 1 is symmetric
//! enough that they can be input channels where those fill vectors better.
//!
//! Threads take lanes or columns, so every sum is made by one thread, in one order.

use super::Conv2d;
use super::axis::{Plan, Sizes, Source};
use super::correlate::{PANEL, blocks, sizes};
use super::geometry::Images;
use super::micro::Product;
use crate::kernels::scratch;
use crate::kernels::simd::Level;
use crate::real::Real;

/// A sum over images and places of products of two of their elements.
#[derive(Clone, Copy)]
struct Moments {
    level: Level,
    vector: usize,
    batch: usize,
    /// The channels in lanes: the first, their number, and that number rounded up to whole vectors.
    first: usize,
    channels: usize,
    lanes: usize,
    /// Rows and columns of places.
    height: usize,
    width: usize,
    rows: Plan,
    cols: Plan,
    /// Channels and taps of the padded side.
    others: usize,
    taps: usize,
}

/// Computes `dw` from the input and the output's gradient.
pub(super) fn run<T: Real>(level: Level, threads: usize, geometry: &Conv2d, x: &[T], dy: &[T], dw: &mut [T]) {
    let vector = level.vector::<T>();
    let upright = Moments::upright(level, vector, geometry);
    let swapped = Moments::swapped(level, vector, geometry).filter(|swapped| swapped.work() < upright.work());
    let (moments, wide, narrow) = match &swapped {
        Some(swapped) => (swapped, x, dy),
        None => (&upright, dy, x),
    };
    let columns = moments.others * moments.taps;
    // Each thread reads all of the side that is not split: let that be the smaller one, but leave lanes for wide tiles.
    let vectors = moments.lanes / vector;
    if swapped.is_none() && vectors >= 2 * threads && moments.channels >= moments.others {
        let work = |first: usize, dw: &mut [T]| {
            let part = moments.part(first * vector, dw.len() / columns);
            scratch::with(columns * part.lanes, |sums| {
                part.columns(0, wide, narrow, sums);
                T::transpose([columns, part.channels], sums, part.lanes, dw, columns);
            });
        };
        return super::split(dw, vector * columns, threads, &work);
    }
    scratch::with(columns * moments.lanes, |sums| {
        let work = |first: usize, sums: &mut [T]| moments.columns(first, wide, narrow, sums);
        super::split(sums, moments.lanes, threads, &work);
        if swapped.is_none() {
            return T::transpose([columns, moments.channels], sums, moments.lanes, dw, columns);
        }
        // Lanes are input channels, and taps come from last to first.
        for (out, sums) in sums.chunks_exact(moments.taps * moments.lanes).enumerate() {
            let dw = &mut dw[out * geometry.input.channels * moments.taps..][..geometry.input.channels * moments.taps];
            for (tap, sums) in sums.chunks_exact(moments.lanes).rev().enumerate() {
                for (dw, &sum) in dw.iter_mut().skip(tap).step_by(moments.taps).zip(sums) {
                    *dw = sum;
                }
            }
        }
    });
}

impl Moments {
    fn new(
        level: Level,
        vector: usize,
        geometry: &Conv2d,
        wide: Images,
        others: usize,
        [rows, cols]: [Plan; 2],
    ) -> Self {
        Self {
            level,
            vector,
            batch: geometry.batch,
            first: 0,
            channels: wide.channels,
            lanes: wide.channels.next_multiple_of(vector),
            height: wide.height,
            width: wide.width,
            rows,
            cols,
            others,
            taps: geometry.taps(),
        }
    }

    fn upright(level: Level, vector: usize, geometry: &Conv2d) -> Self {
        let plans = sizes(geometry).map(Plan::forward);
        Self::new(level, vector, geometry, geometry.output, geometry.input.channels, plans)
    }

    /// With input channels in lanes; for stride 1 and padding that is not wider than the kernel.
    fn swapped(level: Level, vector: usize, geometry: &Conv2d) -> Option<Self> {
        let plan = |sizes: Sizes| {
            let padding = ((sizes.kernel - 1) * sizes.dilation).checked_sub(sizes.padding)?;
            let turned = Sizes { input: sizes.output, output: sizes.input, padding, ..sizes };
            (sizes.stride == 1).then(|| Plan::forward(turned))
        };
        let [rows, cols] = sizes(geometry).map(plan);
        Some(Self::new(level, vector, geometry, geometry.input, geometry.output.channels, [rows?, cols?]))
    }

    /// For some of the channels in lanes only.
    fn part(&self, first: usize, channels: usize) -> Self {
        Self { first, channels, lanes: channels.next_multiple_of(self.vector), ..*self }
    }

    /// A measure of the time it takes.
    fn work(&self) -> usize {
        self.lanes * self.others * self.height * self.width
    }

    /// The columns of one thread, from `first` on: channel by channel, tap by tap.
    fn columns<T: Real>(&self, first: usize, wide: &[T], narrow: &[T], sums: &mut [T]) {
        let columns = sums.len() / self.lanes;
        let channels = first / self.taps..(first + columns).div_ceil(self.taps);
        let source = Source::new(channels.len(), self.rows, self.cols, 0);
        let (rows, cols) = (self.rows.phase(0), self.cols.phase(0));
        let panel_rows = (PANEL / self.width).clamp(1, self.height);
        let widest = blocks(self.level, self.vector, self.lanes).map(|(_, lanes)| lanes).max().unwrap_or(0);
        let panel = panel_rows * self.width;
        scratch::with(panel + columns, |offsets| {
            let (steps, starts) = offsets.split_at_mut(panel);
            let (pitch, plane) = (source.pitch(), source.plane());
            let step = rows.starts.step * pitch;
            for (row, steps) in steps.chunks_exact_mut(self.width).enumerate() {
                for (col, x) in cols.starts.iter().zip(steps) {
                    *x = (row * step + col) as u32;
                }
            }
            for (i, start) in starts.iter_mut().enumerate() {
                let column = first - channels.start * self.taps + i;
                let (channel, tap) = (column / self.taps, column % self.taps);
                let (row, col) = (tap / cols.taps.count, tap % cols.taps.count);
                *start = (channel * plane + rows.reach_of(row) * pitch + cols.reach_of(col)) as u32;
            }
            let padded = source.len().next_multiple_of(64);
            scratch::with(padded + panel * widest, |buffer| {
                let (padded, panel) = buffer.split_at_mut(padded);
                padded.fill(T::ZERO);
                let mut keep = false;
                let (of_wide, of_narrow) = (wide.len() / self.batch, narrow.len() / self.batch);
                let skipped = channels.start * (of_narrow / self.others);
                for (wide, narrow) in wide.chunks_exact(of_wide).zip(narrow.chunks_exact(of_narrow)) {
                    let narrow = source.lay_out(&narrow[skipped..][..source.image()], padded);
                    for (i, first_row) in (0..self.height).step_by(panel_rows).enumerate() {
                        let places = panel_rows.min(self.height - first_row) * self.width;
                        let narrow = &narrow[i * panel_rows * step..];
                        for (lane, lanes) in blocks(self.level, self.vector, self.lanes) {
                            let used = lanes.min(self.channels - lane);
                            let plane = self.height * self.width;
                            let from = &wide[(self.first + lane) * plane + first_row * self.width..];
                            let panel = &mut panel[..places * lanes];
                            if used < lanes {
                                panel.fill(T::ZERO);
                            }
                            T::transpose([used, places], from, plane, panel, lanes);
                            let product = Product::Channels { lanes, pitch: self.lanes, matrix: panel, starts };
                            T::multiply(self.level, product, narrow, &steps[..places], keep, &mut sums[lane..]);
                        }
                        keep = true;
                    }
                }
            });
        });
    }
}
