//! Convolutions under a [`KernelMask`], and their adjoints: sums over the weights that the mask keeps.
//!
//! Up to sixteen images are laid out together so that lanes are images ([`pass`]); no vector then holds
//! several channels, and each few channels can sum just what they see ([`plan`]). All three products
//! are made of these sums ([`super::micro`]).
//!
//! Other geometries (strides, padding wider than the kernel) are an ordinary convolution with masked weights.

mod moments;
mod pass;
pub(crate) mod plan;

use super::Conv2d;
use super::micro::{Steps, Sums};
use crate::bilinear::Side;
use crate::kernel_mask::KernelMask;
use crate::kernels::scratch;
use crate::kernels::simd::Level;
use crate::real::Real;
use pass::Pass;
use plan::Plan;

/// Images that are laid out together: a vector of the widest.
const IMAGES: usize = 16;

/// Bytes of an image's rows that are worked on at once: they should stay in the second-level cache.
const STAY: usize = 512 << 10;

/// As [`super::product`] with the weights that the mask keeps. The gradient of the others is 0.
///
/// # Panics
/// If a slice does not have the length that `geometry` says, or the weights not the shape of the mask.
pub(crate) fn product<T: Real>(
    mask: &KernelMask,
    geometry: &Conv2d,
    side: Side,
    threads: usize,
    a: &[T],
    b: &[T],
    out: &mut [T],
) {
    assert_eq!(mask.shape(), geometry.shape(Side::Weight), "kernel mask: the shape of the weights");
    let lengths = [Side::Input, Side::Weight, Side::Output].map(|side| geometry.len(side));
    let found = side.sorted(a.len(), b.len(), out.len());
    assert_eq!(found, lengths, "conv2d_masked: elements of the input, the weights and the output");
    // In half precision it is faster to multiply with the zeros, too.
    let in_half = super::is_half::<T>(geometry);
    if let Some(job) = Job::new(mask, geometry, side, threads).filter(|job| !in_half && job.fits::<T>()) {
        return if side == Side::Weight { job.weight(a, b, out) } else { job.images(a, b, out) };
    }
    let kept = |(weight, &is_kept): (T, &bool)| if is_kept { weight } else { T::ZERO };
    if side == Side::Weight {
        super::product(geometry, side, threads, a, b, out);
        out.iter_mut().zip(mask.kept()).for_each(|(dw, is_kept)| *dw = kept((*dw, is_kept)));
    } else {
        scratch::with(b.len(), |masked: &mut [T]| {
            let weights = b.iter().copied().zip(mask.kept()).map(kept);
            masked.iter_mut().zip(weights).for_each(|(to, weight)| *to = weight);
            super::product(geometry, side, threads, a, masked, out);
        });
    }
}

/// A product by the sums of a plan.
struct Job<'a> {
    level: Level,
    threads: usize,
    batch: usize,
    /// From images to images; for the gradient by weights, those of the convolution itself.
    pass: Pass,
    plan: &'a Plan,
    side: Side,
}

impl<'a> Job<'a> {
    /// None for geometries that have no [`Pass`].
    fn new(mask: &'a KernelMask, geometry: &Conv2d, side: Side, threads: usize) -> Option<Self> {
        let pass = if side == Side::Input { Pass::adjoint(geometry) } else { Pass::forward(geometry) };
        let plan = if side == Side::Input { mask.by_input() } else { mask.by_output() };
        let job = |pass| Self { level: Level::current(), threads, batch: geometry.batch, pass, plan, side };
        pass.filter(|_| !geometry.is_empty()).map(job)
    }

    /// Whether 32 bits can count the elements of what is laid out.
    fn fits<T: Real>(&self) -> bool {
        let fits = |pass: Pass| pass.layout(IMAGES.min(self.batch), self.level.vector::<T>()).is_some();
        fits(self.pass) && (self.side != Side::Weight || fits(self.pass.output()))
    }

    /// Images in, images out, with the images split over threads.
    fn images<T: Real>(&self, source: &[T], weights: &[T], out: &mut [T]) {
        let [from, to] = [self.pass.from.len(), self.pass.to.len()];
        // Sums do not depend on what else is in the lanes.
        let images = IMAGES.min(self.batch.div_ceil(self.threads));
        scratch::with(self.plan.weights(), |packed| {
            self.plan.pack(weights, packed);
            let work = |first: usize, out: &mut [T]| {
                let source = source[first * images * from..].chunks(images * from);
                for (source, out) in source.zip(out.chunks_mut(images * to)) {
                    self.chunk(source, packed, out);
                }
            };
            super::split(out, images * to, self.threads, &work);
        });
    }

    /// The images that fit in lanes together.
    fn chunk<T: Real>(&self, source: &[T], weights: &[T], out: &mut [T]) {
        let Self { level, pass, plan, .. } = self;
        let (to, image) = (pass.to, pass.to.len());
        let images = out.len() / image;
        let layout = pass.layout(images, level.vector::<T>()).expect("fewer images than fit");
        let (lanes, pitch) = (layout.lanes, layout.pitch);
        let band = (STAY / (pass.from.channels * pitch * size_of::<T>())).clamp(4, to.height.max(4)) / 4 * 4;
        let channels = plan.tiles.iter().map(|tile| tile.channels.len()).max().unwrap_or(0);
        scratch::with(plan.terms.len(), |steps| {
            layout.fill_steps(&plan.terms, steps);
            let steps = Steps::new(steps);
            scratch::with(layout.len() + channels * band * lanes, |buffer| {
                let (laid, panel) = buffer.split_at_mut(layout.len());
                layout.fill(source, laid);
                for first in (0..to.height).step_by(band) {
                    let rows = band.min(to.height - first);
                    for tile in &plan.tiles {
                        let steps = steps.part(tile.terms.clone());
                        for row in 0..rows {
                            let image = &laid[(first + row) * pitch..];
                            let weights = &weights[tile.weights.clone()];
                            let sums = Sums { channels: tile.channels.len(), lanes, image, steps, weights };
                            T::sums(*level, sums, &mut panel[row * lanes..], rows * lanes);
                        }
                        for (channel, sums) in tile.channels.iter().zip(panel.chunks_exact(rows * lanes)) {
                            let out = &mut out[channel * to.plane() + first * to.width..];
                            // Where whole rows fill whole vectors, they follow each other.
                            let at_once = if lanes == to.width * images { rows } else { 1 };
                            let run = at_once * to.width;
                            for (i, sums) in sums.chunks_exact(at_once * lanes).enumerate() {
                                T::transpose([run, images], sums, images, &mut out[i * run..], image);
                            }
                        }
                    }
                }
            });
        });
    }
}
