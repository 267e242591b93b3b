//! Convolutions of which some taps are dead, and their adjoints: sums over the live ones alone.
//!
//! Sixteen images at a time are laid out so that lanes are images ([`pass`]); no vector then holds
//! several channels, and each few channels can sum just what they see ([`plan`]). All three directions
//! are made of these sums ([`super::micro`]).
//!
//! What this has no way for (strides, padding wider than the kernel) is an ordinary convolution of masked
//! weights.

mod moments;
mod pass;
pub(crate) mod plan;

use super::Conv2d;
use super::micro::{Convolve, Level, Steps, Sums};
use crate::kernels::gemm::scratch;
use crate::taps::KernelMask;
use pass::Pass;
use plan::Plan;

/// Images that are laid out together: a vector of the widest.
const IMAGES: usize = 16;

/// Bytes of an image's rows that are worked on at once: they should stay in the second-level cache.
const STAY: usize = 512 << 10;

/// As [`super::forward`], of the live weights.
///
/// # Panics
/// If a slice has not the length that `geometry` says, or the weights not the shape of `taps`.
pub(crate) fn forward<T: Convolve>(
    taps: &KernelMask,
    geometry: &Conv2d,
    threads: usize,
    x: &[T],
    w: &[T],
    y: &mut [T],
) {
    forward_at(Level::detect(), taps, geometry, threads, x, w, y);
}

/// As [`super::by_input`], of the live weights.
///
/// # Panics
/// If a slice has not the length that `geometry` says, or the weights not the shape of `taps`.
pub(crate) fn by_input<T: Convolve>(
    taps: &KernelMask,
    geometry: &Conv2d,
    threads: usize,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
) {
    by_input_at(Level::detect(), taps, geometry, threads, dy, w, dx);
}

/// As [`super::by_weight`], for the live weights; 0 for the others.
///
/// # Panics
/// If a slice has not the length that `geometry` says, or the weights not the shape of `taps`.
pub(crate) fn by_weight<T: Convolve>(
    taps: &KernelMask,
    geometry: &Conv2d,
    threads: usize,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
) {
    by_weight_at(Level::detect(), taps, geometry, threads, x, dy, dw);
}

pub(super) fn forward_at<T: Convolve>(
    level: Level,
    taps: &KernelMask,
    geometry: &Conv2d,
    threads: usize,
    x: &[T],
    w: &[T],
    y: &mut [T],
) {
    check(taps, geometry, [x.len(), w.len(), y.len()]);
    match Pass::forward(geometry).filter(|pass| fits::<T>(level, geometry, pass)) {
        Some(pass) => run(level, &pass, taps.by_output(), threads, geometry.batch, x, w, y),
        None => masked(taps, w, |w| super::forward_at(level, geometry, threads, x, w, y)),
    }
}

pub(super) fn by_input_at<T: Convolve>(
    level: Level,
    taps: &KernelMask,
    geometry: &Conv2d,
    threads: usize,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
) {
    check(taps, geometry, [dx.len(), w.len(), dy.len()]);
    match Pass::adjoint(geometry).filter(|pass| fits::<T>(level, geometry, pass)) {
        Some(pass) => run(level, &pass, taps.by_input(), threads, geometry.batch, dy, w, dx),
        None => masked(taps, w, |w| super::by_input_at(level, geometry, threads, dy, w, dx)),
    }
}

pub(super) fn by_weight_at<T: Convolve>(
    level: Level,
    taps: &KernelMask,
    geometry: &Conv2d,
    threads: usize,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
) {
    check(taps, geometry, [x.len(), dw.len(), dy.len()]);
    let fits = |pass: &Pass| fits::<T>(level, geometry, pass) && fits::<T>(level, geometry, &pass.output());
    if let Some(pass) = Pass::forward(geometry).filter(fits) {
        return moments::run(level, &pass, taps.by_output(), threads, geometry.batch, x, dy, dw);
    }
    super::by_weight_at(level, geometry, threads, x, dy, dw);
    dw.iter_mut().zip(taps.alive()).filter(|(_, alive)| !**alive).for_each(|(dw, _)| *dw = T::default());
}

#[track_caller]
fn check(taps: &KernelMask, geometry: &Conv2d, lengths: [usize; 3]) {
    let [outputs, inputs, height, width] = taps.shape();
    let shape = [geometry.out_channels, geometry.in_channels, geometry.kernel_h, geometry.kernel_w];
    assert_eq!([outputs, inputs, height, width], shape, "taps: the shape of the weights");
    super::check(geometry, lengths[0], lengths[1], lengths[2]);
}

/// Whether there is something to sum, and 32 bits can count it.
fn fits<T: Convolve>(level: Level, geometry: &Conv2d, pass: &Pass) -> bool {
    let images = IMAGES.min(geometry.batch);
    !geometry.is_empty() && pass.layout(images, level.vector::<T>()).is_some()
}

/// Lends `work` weights of which the dead ones are 0.
fn masked<T: Convolve>(taps: &KernelMask, weights: &[T], work: impl FnOnce(&[T])) {
    scratch::with(weights.len(), |live| {
        for ((live, &weight), &alive) in live.iter_mut().zip(weights).zip(taps.alive()) {
            *live = if alive { weight } else { T::default() };
        }
        work(live);
    });
}

/// Images in, images out, over up to `threads` threads, each with images of its own.
#[expect(clippy::too_many_arguments, reason = "what to compute, from what, on what")]
fn run<T: Convolve>(
    level: Level,
    pass: &Pass,
    plan: &Plan,
    threads: usize,
    batch: usize,
    source: &[T],
    weights: &[T],
    out: &mut [T],
) {
    let [from, to] = [pass.from.image(), pass.to.image()];
    // Sums do not depend on what else is in the lanes.
    let images = IMAGES.min(batch.div_ceil(threads));
    scratch::with(plan.weights(), |packed| {
        plan.pack(weights, packed);
        let work = |first: usize, out: &mut [T]| {
            let source = source[first * images * from..].chunks(images * from);
            for (source, out) in source.zip(out.chunks_mut(images * to)) {
                chunk(level, pass, plan, source, packed, out);
            }
        };
        super::split(out, images * to, threads, 0, &work);
    });
}

/// As many images as fit in lanes.
fn chunk<T: Convolve>(level: Level, pass: &Pass, plan: &Plan, source: &[T], weights: &[T], out: &mut [T]) {
    let (to, image) = (pass.to, pass.to.image());
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
                        T::sums(level, sums, &mut panel[row * lanes..], rows * lanes);
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
