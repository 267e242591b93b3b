//! The adjoint in the weights.

use super::IMAGES;
use super::pass::Pass;
use super::plan::Plan;
use crate::kernels::conv::micro::{Convolve, Level, Moments, ROWS, Steps};
use crate::kernels::gemm::scratch;

/// Partial sums at most, each of images of its own. As many for any number of threads, so that the
/// result is the same.
const PARTS: usize = 16;

/// Computes the live weights' gradient from the input and the output's gradient, and zeros for the dead.
#[expect(clippy::too_many_arguments, reason = "what to compute, from what, on what")]
pub(super) fn run<T: Convolve>(
    level: Level,
    pass: &Pass,
    plan: &Plan,
    threads: usize,
    batch: usize,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
) {
    let weights = plan.weights();
    dw.fill(T::default());
    if weights == 0 {
        return;
    }
    let chunks = batch.div_ceil(IMAGES);
    let parts = chunks.min(PARTS);
    scratch::with(parts * weights, |sums| {
        let work = |first: usize, sums: &mut [T]| {
            for (i, sums) in sums.chunks_exact_mut(weights).enumerate() {
                let part = first + i;
                let images = |part: usize| batch.min(chunks * part / parts * IMAGES);
                let images = images(part)..images(part + 1);
                let [from, to] = [pass.from.image(), pass.to.image()];
                let x = &x[images.start * from..images.end * from];
                let dy = &dy[images.start * to..images.end * to];
                sum(level, pass, plan, x, dy, sums);
            }
        };
        super::super::split(sums, weights, threads, 0, &work);
        let (all, others) = sums.split_at_mut(weights);
        for part in others.chunks_exact(weights) {
            for (all, &part) in all.iter_mut().zip(part) {
                *all = *all + part;
            }
        }
        plan.unpack(all, dw);
    });
}

/// The packed sums over these images.
fn sum<T: Convolve>(level: Level, pass: &Pass, plan: &Plan, x: &[T], dy: &[T], sums: &mut [T]) {
    let vector = level.vector::<T>();
    let (of_dy, [from, to]) = (pass.output(), [pass.from.image(), pass.to.image()]);
    sums.fill(T::default());
    scratch::with(plan.weights() * vector, |vectors| {
        let mut keep = false;
        for (x, dy) in x.chunks(IMAGES * from).zip(dy.chunks(IMAGES * to)) {
            let images = dy.len() / to;
            let layouts = [pass, &of_dy].map(|pass| pass.layout(images, vector).expect("fewer images than fit"));
            scratch::with(plan.terms.len(), |steps| {
                layouts[0].fill_steps(&plan.terms, steps);
                let steps = Steps::new(steps);
                scratch::with(layouts[0].len() + layouts[1].len(), |buffer| {
                    let (image, wide) = buffer.split_at_mut(layouts[0].len());
                    layouts[0].fill(x, image);
                    layouts[1].fill(dy, wide);
                    let (lanes, pitch) = (layouts[0].lanes, layouts[0].pitch);
                    for tile in &plan.tiles {
                        let mut starts = [0; ROWS];
                        for (start, channel) in starts.iter_mut().zip(&tile.channels) {
                            *start = (channel * pass.to.height * lanes) as u32;
                        }
                        let (channels, rows) = (tile.channels.len(), pass.to.height);
                        let steps = steps.part(tile.terms.clone());
                        let moments = Moments { channels, rows, lanes, wide, starts, image, pitch, steps };
                        let weights = tile.weights.start * vector..tile.weights.end * vector;
                        T::moments(level, moments, keep, &mut vectors[weights]);
                    }
                    keep = true;
                });
            });
        }
        T::total(level, vectors, sums);
    });
}
