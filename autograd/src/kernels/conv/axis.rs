//! A correlation, one axis at a time.
//!
//! Both the convolution and its adjoint in the input give every place of their output the sum, over
//! kernel taps, of weights times elements of a *source* image (the input; the output's gradient).
//! Along an axis everything is an arithmetic progression, which [`Axis`] writes down:
//!
//! - forward, place `o` and tap `k` meet at `o·stride + k·dilation` of the padded input;
//! - backward, input element `i` meets through tap `k` the output `(i + padding − k·dilation) /
//!   stride`, where that is whole. Which taps those are depends only on the *phase*
//!   `(i + padding) mod stride`: each phase is a correlation of its own, with stride 1.

/// An arithmetic progression of `count` positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) first: usize,
    pub(super) step: usize,
    pub(super) count: usize,
}

impl Steps {
    pub(super) fn iter(self) -> impl DoubleEndedIterator<Item = usize> + Clone {
        (0..self.count).map(move |i| self.first + i * self.step)
    }

    fn last(self) -> Option<usize> {
        self.count.checked_sub(1).map(|last| self.first + last * self.step)
    }
}

/// One phase of a correlation along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    /// Places in the output.
    pub(super) outs: Steps,
    /// Where in the padded source each place begins.
    pub(super) starts: Steps,
    /// Kernel taps.
    pub(super) taps: Steps,
    /// The distance from the start of a place to what each tap reads: increasing, or decreasing in the adjoint.
    reach: Steps,
    reversed: bool,
}

impl Axis {
    /// The distance from the start of a place to what each tap reads.
    pub(super) fn reach(self) -> impl Iterator<Item = usize> + Clone {
        let Self { reach, reversed, .. } = self;
        (0..reach.count).map(move |i| reach.first + reach.step * if reversed { reach.count - 1 - i } else { i })
    }

    /// The same for one tap, of a forward phase.
    pub(super) fn reach_of(self, tap: usize) -> usize {
        debug_assert!(!self.reversed && tap < self.reach.count);
        self.reach.first + tap * self.reach.step
    }

    /// The elements of the padded source that this phase needs.
    fn extent(self) -> usize {
        self.starts.last().zip(self.reach.last()).map_or(0, |(start, reach)| start + reach + 1)
    }
}

/// The sizes along one axis of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) dilation: usize,
}

/// A correlation along one axis: its phases, and how the source is padded for all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    sizes: Sizes,
    /// Whether this is the adjoint.
    adjoint: bool,
    /// Elements of the source.
    pub(super) source: usize,
    /// Zeros before the source.
    pub(super) before: usize,
    /// Elements of the source with zeros before and after, or with its end cut off.
    pub(super) padded: usize,
}

impl Plan {
    pub(super) fn forward(sizes: Sizes) -> Self {
        let mut plan = Self { sizes, adjoint: false, source: sizes.input, before: sizes.padding, padded: 0 };
        plan.padded = plan.phase(0).extent();
        plan
    }

    pub(super) fn adjoint(sizes: Sizes) -> Self {
        let mut plan = Self { sizes, adjoint: true, source: sizes.output, before: 0, padded: 0 };
        // The furthest that any phase looks before the source.
        let before = (0..plan.phases()).filter_map(|r| plan.before_phase(r)).max();
        plan.before = before.unwrap_or(0);
        plan.padded = (0..plan.phases()).map(|r| plan.phase(r).extent()).max().unwrap_or(0);
        plan
    }

    pub(super) fn phases(&self) -> usize {
        if self.adjoint { self.sizes.stride } else { 1 }
    }

    /// Phase `r`. Every place of the output is in one.
    pub(super) fn phase(&self, r: usize) -> Axis {
        let Sizes { output, kernel, stride, dilation, .. } = self.sizes;
        if self.adjoint {
            return self.adjoint_phase(r);
        }
        Axis {
            outs: Steps { first: 0, step: 1, count: output },
            starts: Steps { first: 0, step: stride, count: output },
            taps: Steps { first: 0, step: 1, count: kernel },
            reversed: false,
            reach: Steps { first: 0, step: dilation, count: kernel },
        }
    }

    /// The taps of phase `r` of the adjoint, those with `k·dilation ≡ r` modulo the stride, and the
    /// places, `i + padding = q·stride + r`. With `e = (k·dilation − r) / stride`, place and tap
    /// meet at output `q − e`, so the last tap reads furthest back.
    fn adjoint_taps(&self, r: usize) -> (Steps, isize, Steps, isize) {
        let Sizes { input, kernel, stride, padding, dilation, .. } = self.sizes;
        let period = stride / gcd(stride, dilation);
        let first = (0..period.min(kernel)).find(|k| k * dilation % stride == r);
        let taps = first.map_or(Steps { first: 0, step: period, count: 0 }, |first| Steps {
            first,
            step: period,
            count: (kernel - first).div_ceil(period),
        });
        let signed = |n: usize| n as isize;
        let furthest = taps.last().map_or(0, |k| (signed(k * dilation) - signed(r)) / signed(stride));
        // The first element of the input that is in this phase.
        let place = (r + stride - padding % stride) % stride;
        let outs = Steps { first: place, step: stride, count: input.saturating_sub(place).div_ceil(stride) };
        let q = (signed(place + padding) - signed(r)) / signed(stride);
        (taps, furthest, outs, q)
    }

    /// How many elements before the source phase `r` reads.
    fn before_phase(&self, r: usize) -> Option<usize> {
        let (taps, furthest, outs, q) = self.adjoint_taps(r);
        (taps.count > 0 && outs.count > 0).then(|| usize::try_from(furthest - q).unwrap_or(0))
    }

    fn adjoint_phase(&self, r: usize) -> Axis {
        let (taps, furthest, outs, q) = self.adjoint_taps(r);
        let start = usize::try_from(q - furthest + self.before as isize).unwrap_or(0);
        let step = taps.step * self.sizes.dilation / self.sizes.stride;
        Axis {
            outs,
            starts: Steps { first: start, step: 1, count: outs.count },
            taps,
            reversed: true,
            reach: Steps { first: 0, step, count: taps.count },
        }
    }
}

pub(super) fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// How a source image of `channels` planes is laid out for a correlation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) channels: usize,
    rows: Plan,
    cols: Plan,
    /// Elements that may be read past the end.
    slack: usize,
}

impl Source {
    pub(super) fn new(channels: usize, rows: Plan, cols: Plan, slack: usize) -> Self {
        Self { channels, rows, cols, slack }
    }

    /// Whether the image can be read in place.
    pub(super) fn in_place(&self) -> bool {
        let fits = |plan: &Plan| plan.before == 0 && plan.padded <= plan.source;
        self.slack == 0 && fits(&self.rows) && fits(&self.cols)
    }

    /// Elements from one row to the next.
    pub(super) fn pitch(&self) -> usize {
        if self.in_place() { self.cols.source } else { self.cols.padded }
    }

    /// Elements from one channel to the next.
    pub(super) fn plane(&self) -> usize {
        self.pitch() * if self.in_place() { self.rows.source } else { self.rows.padded }
    }

    /// Elements of an unpadded image.
    pub(super) fn image(&self) -> usize {
        self.channels * self.rows.source * self.cols.source
    }

    /// Elements that [`Source::lay_out`] needs.
    pub(super) fn len(&self) -> usize {
        if self.in_place() { 0 } else { self.channels * self.plane() + self.slack }
    }

    /// The image as the correlation reads it: where it is, or copied into `padded`. What is around
    /// it there stays as it was, and should be zeros.
    pub(super) fn lay_out<'a, T: Copy>(&self, image: &'a [T], padded: &'a mut [T]) -> &'a [T] {
        if self.in_place() {
            return image;
        }
        let (pitch, plane) = (self.pitch(), self.plane());
        let (width, height) = (self.cols.source, self.rows.source);
        let cut = |plan: &Plan| plan.source.min(plan.padded.saturating_sub(plan.before));
        let (kept_w, kept_h) = (cut(&self.cols), cut(&self.rows));
        if kept_w > 0 {
            for c in 0..self.channels {
                let from = image[c * width * height..][..width * height].chunks_exact(width);
                let first = c * plane + self.rows.before * pitch + self.cols.before;
                for (row, from) in from.take(kept_h).enumerate() {
                    padded[first + row * pitch..][..kept_w].copy_from_slice(&from[..kept_w]);
                }
            }
        }
        padded
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, Sizes};

    /// Every meeting of an input element, a tap and an output element, by the definition and by both plans.
    #[test]
    fn plans_meet_where_the_definition_says() {
        for bits in 0..6 * 4 * 4 * 4 * 3usize {
            let digit = |by: usize, of: usize| bits / by % of;
            let (extra, kernel) = (digit(1, 6), digit(6, 4) + 1);
            let (stride, dilation, padding) = (digit(24, 4) + 1, digit(96, 4) + 1, digit(384, 3));
            let reach = (kernel - 1) * dilation + 1;
            let input = (reach + extra).saturating_sub(2 * padding);
            let output = (input + 2 * padding - reach) / stride + 1;
            let sizes = Sizes { input, output, kernel, stride, padding, dilation };
            let mut met = Vec::new();
            for o in 0..output {
                for k in 0..kernel {
                    let at = o * stride + k * dilation;
                    if at >= padding && at - padding < input {
                        met.push((at - padding, k, o));
                    }
                }
            }
            met.sort_unstable();
            for (plan, adjoint) in [(Plan::forward(sizes), false), (Plan::adjoint(sizes), true)] {
                let mut planned = Vec::new();
                let mut covered = 0;
                for r in 0..plan.phases() {
                    let axis = plan.phase(r);
                    covered += axis.outs.count;
                    assert_eq!(axis.outs.count, axis.starts.count);
                    assert_eq!(axis.taps.count, axis.reach().count());
                    for (out, start) in axis.outs.iter().zip(axis.starts.iter()) {
                        for (k, reach) in axis.taps.iter().zip(axis.reach()) {
                            let at = start + reach;
                            assert!(at < plan.padded, "{sizes:?} {plan:?}");
                            if at >= plan.before && at - plan.before < plan.source {
                                let source = at - plan.before;
                                planned.push(if adjoint { (out, k, source) } else { (source, k, out) });
                            }
                        }
                    }
                }
                planned.sort_unstable();
                assert_eq!(planned, met, "{sizes:?}");
                assert_eq!(covered, if adjoint { input } else { output }, "{sizes:?}");
            }
        }
    }
}
