//! The adjoint in the weights.

use super::{IMAGES, Job};
use crate::kernels::conv::micro::{Moments, ROWS, Steps};
use crate::kernels::scratch;
use crate::real::Real;

/// Partial sums at most, each of images of its own. As many for any number of threads, so that the
/// result is the same.
const PARTS: usize = 16;

impl Job<'_> {
    /// The gradient by the weights that the mask keeps, from the input and the output's gradient; zeros for the others.
    pub(super) fn weight<T: Real>(&self, x: &[T], dy: &[T], dw: &mut [T]) {
        let (batch, weights) = (self.batch, self.plan.weights());
        dw.fill(T::ZERO);
        if weights == 0 {
            return;
        }
        let chunks = batch.div_ceil(IMAGES);
        let parts = chunks.min(PARTS);
        scratch::with(parts * weights, |sums| {
            let work = |first: usize, sums: &mut [T]| {
                for (i, sums) in sums.chunks_exact_mut(weights).enumerate() {
                    let images = |part: usize| batch.min(chunks * part / parts * IMAGES);
                    let (start, end) = (images(first + i), images(first + i + 1));
                    let [from, to] = [self.pass.from.len(), self.pass.to.len()];
                    self.sum(&x[start * from..end * from], &dy[start * to..end * to], sums);
                }
            };
            crate::kernels::conv::split(sums, weights, self.threads, 0, &work);
            let (all, others) = sums.split_at_mut(weights);
            for part in others.chunks_exact(weights) {
                for (all, &part) in all.iter_mut().zip(part) {
                    *all += part;
                }
            }
            self.plan.unpack(all, dw);
        });
    }

    /// The packed sums over these images.
    fn sum<T: Real>(&self, x: &[T], dy: &[T], sums: &mut [T]) {
        let Self { level, pass, plan, .. } = self;
        let vector = level.vector::<T>();
        let [from, to] = [pass.from.len(), pass.to.len()];
        sums.fill(T::ZERO);
        scratch::with(plan.weights() * vector, |vectors| {
            let mut keep = false;
            for (x, dy) in x.chunks(IMAGES * from).zip(dy.chunks(IMAGES * to)) {
                let images = dy.len() / to;
                let layout = |pass: super::Pass| pass.layout(images, vector).expect("fewer images than fit");
                let [of_x, of_dy] = [layout(*pass), layout(pass.output())];
                scratch::with(plan.terms.len(), |steps| {
                    of_x.fill_steps(&plan.terms, steps);
                    let steps = Steps::new(steps);
                    scratch::with(of_x.len() + of_dy.len(), |buffer| {
                        let (image, wide) = buffer.split_at_mut(of_x.len());
                        of_x.fill(x, image);
                        of_dy.fill(dy, wide);
                        let (lanes, pitch) = (of_x.lanes, of_x.pitch);
                        for tile in &plan.tiles {
                            let mut starts = [0; ROWS];
                            for (start, channel) in starts.iter_mut().zip(&tile.channels) {
                                *start = (channel * pass.to.height * lanes) as u32;
                            }
                            let (channels, rows) = (tile.channels.len(), pass.to.height);
                            let steps = steps.part(tile.terms.clone());
                            let moments = Moments { channels, rows, lanes, wide, starts, image, pitch, steps };
                            let weights = tile.weights.start * vector..tile.weights.end * vector;
                            T::moments(*level, moments, keep, &mut vectors[weights]);
                        }
                        keep = true;
                    });
                });
            }
            T::total(*level, vectors, sums);
        });
    }
}
