//! From images to images: one of the two directions of a convolution, and how the images are laid out for it.

use super::plan::Term;
use crate::kernels::conv::axis::gcd;
use crate::kernels::conv::geometry::{Conv2d, Images};
use crate::kernels::scratch;
use crate::real::Real;

/// One direction of a convolution of stride 1: each place of `to` sums what it sees of `from`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    pub(super) from: Images,
    pub(super) to: Images,
    /// Zeros above and on the left of `from`.
    before: [usize; 2],
    kernel: [usize; 2],
    dilation: [usize; 2],
    /// Whether the first tap reads furthest away.
    reversed: bool,
}

impl Pass {
    /// The convolution; none for strides.
    pub(super) fn forward(geometry: &Conv2d) -> Option<Self> {
        let Conv2d { input: from, output: to, kernel, spec, .. } = *geometry;
        let pass = Self { from, to, before: spec.padding, kernel, dilation: spec.dilation, reversed: false };
        (spec.stride == [1, 1]).then_some(pass)
    }

    /// Its adjoint in the input; none for strides, nor where the padding is wider than the kernel.
    pub(super) fn adjoint(geometry: &Conv2d) -> Option<Self> {
        let forward = Self::forward(geometry)?;
        let reach = forward.reach();
        let before = [reach[0].checked_sub(forward.before[0])?, reach[1].checked_sub(forward.before[1])?];
        Some(Self { from: forward.to, to: forward.from, before, reversed: true, ..forward })
    }

    /// The layout of the convolution's output where it is read place by place.
    pub(super) fn output(&self) -> Self {
        Self { from: self.to, before: [0, 0], kernel: [1, 1], dilation: [1, 1], ..*self }
    }

    /// The distance between the first and the last tap.
    fn reach(&self) -> [usize; 2] {
        [0, 1].map(|axis| (self.kernel[axis] - 1) * self.dilation[axis])
    }

    /// The layout for `images` images, in lanes that are read in whole vectors; `None` if its elements do not fit in 32
    /// bits.
    pub(super) fn layout(&self, images: usize, vector: usize) -> Option<Layout> {
        let lanes = self.to.width.checked_mul(images)?.checked_next_multiple_of(vector)?;
        let reach = self.reach();
        let pitch = lanes.checked_add(reach[1].checked_mul(images)?)?;
        let layout = Layout { pass: *self, images, lanes, pitch, rows: self.to.height + reach[0] };
        let len = pitch.checked_mul(layout.rows)?.checked_mul(self.from.channels)?;
        u32::try_from(len).is_ok().then_some(layout)
    }
}

/// Where the elements of a few images are for a [`Pass`]: channel by channel, row by row, and, within a
/// row, place by place the same place of all images.
///
/// A row of the output, of all these images, is then one run of lanes, and what it sees through a tap
/// is another: no lane is ever idle but at the end of the run, and no border needs care.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pass: Pass,
    pub(super) images: usize,
    /// Lanes of a row of the output, rounded up to whole vectors.
    pub(super) lanes: usize,
    /// Elements from one row to the next.
    pub(super) pitch: usize,
    /// Rows with the padding.
    rows: usize,
}

impl Layout {
    pub(super) fn len(&self) -> usize {
        self.pass.from.channels * self.plane()
    }

    /// Elements from one channel to the next.
    fn plane(&self) -> usize {
        self.rows * self.pitch
    }

    /// The offset of each term from the start of a row.
    pub(super) fn fill_steps(&self, terms: &[Term], steps: &mut [u32]) {
        let Pass { kernel, dilation, reversed, .. } = self.pass;
        for (term, step) in terms.iter().zip(steps) {
            let tap = term.tap as usize;
            let tap = if reversed { kernel[0] * kernel[1] - 1 - tap } else { tap };
            let (row, col) = (tap / kernel[1] * dilation[0], tap % kernel[1] * dilation[1]);
            *step = (term.channel as usize * self.plane() + row * self.pitch + col * self.images) as u32;
        }
    }

    /// Lays out images of `from`, one after another in `source`, with the zeros around them.
    pub(super) fn fill<T: Real>(&self, source: &[T], to: &mut [T]) {
        let (from, [above, left]) = (self.pass.from, self.pass.before);
        let (run, margin) = (from.width * self.images, left * self.images);
        // A few rows are turned at a time, which stay in the first-level cache: together they are whole
        // blocks of the transpose.
        let strip = (8 / gcd(8, from.width)).min(from.height);
        scratch::with(strip * run, |turned: &mut [T]| {
            for (channel, to) in to.chunks_exact_mut(self.plane()).enumerate() {
                let source = &source[channel * from.plane()..];
                let (top, rows) = to.split_at_mut(above * self.pitch);
                let (rows, bottom) = rows.split_at_mut(from.height * self.pitch);
                top.fill(T::ZERO);
                bottom.fill(T::ZERO);
                for (i, rows) in rows.chunks_mut(strip * self.pitch).enumerate() {
                    let places = rows.len() / self.pitch * from.width;
                    let source = &source[i * strip * from.width..];
                    T::transpose([self.images, places], source, from.len(), turned, self.images);
                    for (row, turned) in rows.chunks_exact_mut(self.pitch).zip(turned.chunks_exact(run)) {
                        let (zeros, row) = row.split_at_mut(margin);
                        let (kept, beyond) = row.split_at_mut(run);
                        zeros.fill(T::ZERO);
                        kept.copy_from_slice(turned);
                        beyond.fill(T::ZERO);
                    }
                }
            }
        });
    }
}
