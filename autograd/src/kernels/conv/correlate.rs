//! Images in, images out: the convolution and its adjoint in the input.
//!
//! For each image the source is padded with zeros (unless it needs none), and the product of [`super::micro`] runs over
//! panels of output rows that stay in the cache, into a buffer that is then written to the output in its own order.

use super::axis::{Axis, Plan, Sizes, Source};
use super::geometry::{Conv2d, Images};
use super::micro::Product;
use crate::bilinear::Side;
use crate::kernels::scratch;
use crate::kernels::simd::Level;
use crate::real::Real;

/// Places of the output that are computed before they are written out: 64 channels of them in
/// `f32` are an eighth of a megabyte.
pub(super) const PANEL: usize = 512;

/// Bytes of the packed weights that a product reads over and over: they should stay in the second-level cache.
const STAY: usize = 512 << 10;

/// Images in, images out: the convolution or its adjoint in the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Correlation {
    level: Level,
    rows: Plan,
    cols: Plan,
    from: Images,
    to: Images,
    /// The distances between weights of neighboring input channels and of neighboring output channels.
    from_pitch: usize,
    to_pitch: usize,
    batch: usize,
    kernel_w: usize,
    taps: usize,
}

/// Blocks of channels, evenly as wide as a tile can be: the first lane and how many, whole vectors.
pub(super) fn blocks(level: Level, vector: usize, channels: usize) -> impl Iterator<Item = (usize, usize)> {
    let vectors = channels.div_ceil(vector);
    let blocks = vectors.div_ceil(level.tile_vectors());
    (0..blocks).map(move |i| {
        let (first, end) = (vectors * i / blocks, vectors * (i + 1) / blocks);
        (first * vector, (end - first) * vector)
    })
}

/// The sizes of `geometry` along both axes.
pub(super) fn sizes(geometry: &Conv2d) -> [Sizes; 2] {
    let Conv2d { input, output, kernel, spec, .. } = *geometry;
    [(0, input.height, output.height), (1, input.width, output.width)].map(|(axis, input, output)| Sizes {
        input,
        output,
        kernel: kernel[axis],
        stride: spec.stride[axis],
        padding: spec.padding[axis],
        dilation: spec.dilation[axis],
    })
}

impl Correlation {
    /// The convolution, or its adjoint in the input.
    pub(super) fn new(level: Level, geometry: &Conv2d, side: Side) -> Self {
        let Conv2d { batch, input, output, kernel, .. } = *geometry;
        let taps = geometry.taps();
        let pitch = [taps, input.channels * taps];
        let is_forward = side == Side::Output;
        let [rows, cols] = sizes(geometry).map(if is_forward { Plan::forward } else { Plan::adjoint });
        let ([from, to], [from_pitch, to_pitch]) =
            if is_forward { ([input, output], pitch) } else { ([output, input], [pitch[1], pitch[0]]) };
        Self { level, rows, cols, from, to, from_pitch, to_pitch, batch, kernel_w: kernel[1], taps }
    }

    /// Computes `out` from `source` and the weights, images split over `threads`.
    pub(super) fn run<T: Real>(&self, threads: usize, source: &[T], weights: &[T], out: &mut [T]) {
        for r in 0..self.rows.phases() {
            for c in 0..self.cols.phases() {
                let phase = self.phase::<T>(self.rows.phase(r), self.cols.phase(c));
                if phase.rows.outs.count > 0 && phase.cols.outs.count > 0 {
                    phase.run(threads, source, weights, out);
                }
            }
        }
    }

    fn phase<T: Real>(&self, rows: Axis, cols: Axis) -> Phase {
        let vector = self.level.vector::<T>();
        let unpadded = Source::new(self.from.channels, self.rows, self.cols, 0);
        // Lanes hold whole vectors of channels, or, where rows follow each other, of places that
        // include the padding between rows.
        let by_channel = (self.to.channels.next_multiple_of(vector) * cols.outs.count) as f64;
        let by_place = (self.to.channels * self.cols.padded) as f64;
        let neighbors = rows.starts.step == 1 && cols.starts.step == 1 && rows.taps.count * cols.taps.count > 0;
        let places = neighbors && by_place < 0.95 * by_channel;
        let source = if places { Source::new(self.from.channels, self.rows, self.cols, vector) } else { unpadded };
        Phase { all: *self, rows, cols, source, places, vector }
    }
}

/// The part of a correlation that uses one set of kernel taps.
struct Phase {
    all: Correlation,
    rows: Axis,
    cols: Axis,
    source: Source,
    /// Whether lanes are places.
    places: bool,
    vector: usize,
}

impl Phase {
    /// Terms of each sum.
    fn terms(&self) -> usize {
        self.source.channels * self.rows.taps.count * self.cols.taps.count
    }

    /// Rows of the output in a panel.
    fn panel_rows(&self) -> usize {
        (PANEL / self.cols.outs.count).clamp(1, self.rows.outs.count)
    }

    /// Places from one row of a panel to the next.
    fn panel_pitch(&self) -> usize {
        if self.places { self.source.pitch() } else { self.cols.outs.count }
    }

    /// Lanes that `rows` rows of places take.
    fn panel_lanes(&self, rows: usize) -> usize {
        ((rows - 1) * self.panel_pitch() + self.cols.outs.count).next_multiple_of(self.vector)
    }

    /// Channels of the output, rounded up to whole vectors.
    fn lanes(&self) -> usize {
        self.all.to.channels.next_multiple_of(self.vector)
    }

    fn run<T: Real>(&self, threads: usize, source: &[T], weights: &[T], out: &mut [T]) {
        let terms = self.terms();
        let channels = if self.places { self.all.to.channels } else { self.lanes() };
        let places = if self.places { 0 } else { self.panel_rows() * self.cols.outs.count };
        scratch::with(channels * terms, |matrix| {
            self.pack(weights, matrix);
            scratch::with(terms + places, |offsets| {
                let (steps, starts) = offsets.split_at_mut(terms);
                self.fill_steps(steps);
                self.fill_starts(starts);
                let image = self.all.to.len();
                let work = |first: usize, out: &mut [T]| {
                    self.images(&source[first * self.source.image()..], matrix, steps, starts, out);
                };
                super::split(out, image, threads.min(self.all.batch), &work);
            });
        });
    }

    /// The offset of each term from the start of a place.
    fn fill_steps(&self, steps: &mut [u32]) {
        let (pitch, plane) = (self.source.pitch(), self.source.plane());
        let mut steps = steps.iter_mut();
        for channel in 0..self.source.channels {
            for row in self.rows.reach() {
                for (col, step) in self.cols.reach().zip(&mut steps) {
                    *step = (channel * plane + row * pitch + col) as u32;
                }
            }
        }
    }

    /// Where the places of a panel begin.
    fn fill_starts(&self, starts: &mut [u32]) {
        let pitch = self.source.pitch();
        for (row, starts) in starts.chunks_mut(self.cols.outs.count).enumerate() {
            for (col, start) in self.cols.starts.iter().zip(starts) {
                *start = (row * self.rows.starts.step * pitch + col - self.cols.starts.first) as u32;
            }
        }
    }

    /// The weights in the order of the product: for lanes of places a row of terms for each channel; for lanes of
    /// channels, block after block, a row of lanes for each term, zeros in lanes beyond the last channel.
    fn pack<T: Real>(&self, weights: &[T], matrix: &mut [T]) {
        let Correlation { from, to, from_pitch, to_pitch, .. } = self.all;
        let taps = || {
            self.rows.taps.iter().flat_map(|row| self.cols.taps.iter().map(move |col| row * self.all.kernel_w + col))
        };
        let terms = || (0..from.channels).flat_map(move |channel| taps().map(move |tap| channel * from_pitch + tap));
        if self.places {
            for (channel, row) in matrix.chunks_exact_mut(self.terms().max(1)).enumerate() {
                for (x, term) in row.iter_mut().zip(terms()) {
                    *x = weights[channel * to_pitch + term];
                }
            }
            return;
        }
        // If all taps take part, these are transposes: one, or one for each channel of the source.
        let whole = self.rows.taps.count * self.cols.taps.count == self.all.taps;
        let run = if self.terms() == to_pitch { self.terms() } else { self.all.taps };
        for (first, lanes) in blocks(self.all.level, self.vector, self.all.to.channels) {
            let used = lanes.min(to.channels - first);
            let block = &mut matrix[first * self.terms()..][..lanes * self.terms()];
            if used < lanes {
                block.fill(T::ZERO);
            }
            if whole {
                for (i, block) in block.chunks_exact_mut(run * lanes).enumerate() {
                    let weights = &weights[first * to_pitch + i * from_pitch..];
                    T::transpose([used, run], weights, to_pitch, block, lanes);
                }
                continue;
            }
            for (row, term) in block.chunks_exact_mut(lanes).zip(terms()) {
                for (lane, x) in row[..used].iter_mut().enumerate() {
                    *x = weights[(first + lane) * to_pitch + term];
                }
            }
        }
    }

    /// The images of one thread, one after another.
    fn images<T: Real>(&self, source: &[T], matrix: &[T], steps: &[u32], starts: &[u32], out: &mut [T]) {
        let (to, count) = (self.all.to, self.cols.outs.count);
        let widest = self.vector * self.all.level.tile_vectors();
        let panel = if self.places {
            to.channels * self.panel_lanes(self.panel_rows())
        } else {
            self.panel_rows() * count * widest.min(self.lanes())
        };
        let padded = self.source.len().next_multiple_of(self.vector);
        scratch::with(padded + panel, |buffer| {
            let (padded, panel) = buffer.split_at_mut(padded);
            padded.fill(T::ZERO);
            let image = to.len();
            for (source, out) in source.chunks(self.source.image().max(1)).zip(out.chunks_exact_mut(image)) {
                let source = self.source.lay_out(source, padded);
                for first_row in (0..self.rows.outs.count).step_by(self.panel_rows()) {
                    let rows = self.panel_rows().min(self.rows.outs.count - first_row);
                    let start = self.rows.starts.first + first_row * self.rows.starts.step;
                    let start = start * self.source.pitch() + self.cols.starts.first;
                    let source = source.get(start..).unwrap_or_default();
                    self.panel(rows, first_row, source, matrix, steps, starts, panel, out);
                }
            }
        });
    }

    /// One panel: the product, then written to the output.
    #[expect(clippy::too_many_arguments, reason = "the buffers of one thread")]
    fn panel<T: Real>(
        &self,
        rows: usize,
        first_row: usize,
        source: &[T],
        matrix: &[T],
        steps: &[u32],
        starts: &[u32],
        panel: &mut [T],
        out: &mut [T],
    ) {
        let (level, to, outs) = (self.all.level, self.all.to, self.cols.outs);
        let plane = to.plane();
        let row_at = |row: usize| (self.rows.outs.first + (first_row + row) * self.rows.outs.step) * to.width;
        if self.places {
            let lanes = self.panel_lanes(rows);
            let product = Product::Places { lanes, matrix, rows: to.channels };
            T::multiply(level, product, source, steps, false, panel);
            for (channel, sums) in panel.chunks_exact(lanes).take(to.channels).enumerate() {
                for (row, sums) in sums.chunks(self.panel_pitch()).take(rows).enumerate() {
                    let out = &mut out[channel * plane + row_at(row)..][..to.width];
                    write_row(&sums[..outs.count], &mut out[outs.first..], outs.step);
                }
            }
            return;
        }
        let starts = &starts[..rows * outs.count];
        for (first, lanes) in blocks(self.all.level, self.vector, self.all.to.channels) {
            let panel = &mut panel[..starts.len() * lanes];
            let matrix = &matrix[first * steps.len()..][..lanes * steps.len()];
            let slice = STAY / (lanes * size_of::<T>());
            for (i, steps) in steps.chunks(slice).enumerate() {
                let matrix = &matrix[i * slice * lanes..];
                let product = Product::Channels { lanes, matrix, starts, pitch: lanes };
                T::multiply(level, product, source, steps, i > 0, panel);
            }
            if steps.is_empty() {
                panel.fill(T::ZERO);
            }
            let used = lanes.min(to.channels - first);
            if outs.count == to.width && self.rows.outs.step == 1 {
                let out = &mut out[first * plane + row_at(0)..];
                T::transpose([starts.len(), used], panel, lanes, out, plane);
            } else {
                for (row, sums) in panel.chunks_exact(lanes * outs.count).enumerate() {
                    for lane in 0..used {
                        let out = &mut out[(first + lane) * plane + row_at(row)..][..to.width];
                        for (sums, col) in sums.chunks_exact(lanes).zip(outs.iter()) {
                            out[col] = sums[lane];
                        }
                    }
                }
            }
        }
    }
}

/// Writes `sums` to every `step`-th element of `out`.
fn write_row<T: Copy>(sums: &[T], out: &mut [T], step: usize) {
    if step == 1 {
        out[..sums.len()].copy_from_slice(sums);
    } else {
        for (x, &sum) in out.iter_mut().step_by(step).zip(sums) {
            *x = sum;
        }
    }
}
