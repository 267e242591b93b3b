//! The optimizers' arithmetic: one pass over memory each, split over the threads.
//!
//! A step over millions of parameters is limited by how fast memory can be read and written, so
//! nothing here makes a temporary. The optimizers themselves are in the `flows` crate. All panic if lengths differ.

use crate::parallel::{GRAIN, share_out, threads};
use crate::real::Real;
use crate::tensor::Tensor;

pub use crate::kernels::optimizer::AdamStep;

/// Adam's state for one parameter.
#[derive(Clone, Debug)]
pub struct Moments<T: Real> {
    /// The running mean of gradients.
    pub m: Tensor<T>,
    /// The running mean of squared gradients.
    pub v: Tensor<T>,
    /// The largest `v` so far, for AMSGrad (Reddi et al. 2018).
    pub vmax: Option<Tensor<T>>,
}

impl<T: Real> Moments<T> {
    /// Zeros of a parameter's shape.
    pub fn new(like: &Tensor<T>, amsgrad: bool) -> Self {
        let zeros = || Tensor::zeros(like.shape());
        Self { m: zeros(), v: zeros(), vmax: amsgrad.then(zeros) }
    }
}

/// One step of Adam (Kingma & Ba 2015) on `p`, with decoupled weight decay (Loshchilov & Hutter 2019):
/// `p ← p − lr·(m̂/(√v̂ + ε) + decay·p)`.
pub fn adam<T: Real>(step: AdamStep, p: &mut [T], g: &[T], moments: &mut Moments<T>) {
    let per = piece(p.len());
    let Moments { m, v, vmax } = moments;
    let mut vmax = vmax.as_mut().map(|vmax| vmax.as_mut_slice().chunks_mut(per));
    let moments = m.as_mut_slice().chunks_mut(per).zip(v.as_mut_slice().chunks_mut(per));
    let moments = moments.map(|(m, v)| (m, v, vmax.as_mut().and_then(Iterator::next)));
    let pieces = p.chunks_mut(per).zip(g.chunks(per)).zip(moments);
    share_out(threads(), pieces, &|((p, g), (m, v, vmax))| T::adam(step, p, g, m, v, vmax));
}

/// One step of gradient descent with momentum: `velocity ← momentum·velocity + g`, `p ← p − lr·velocity`
/// (with `nesterov`, with the velocity one step ahead).
pub fn sgd<T: Real>(lr: f64, momentum: f64, nesterov: bool, p: &mut [T], g: &[T], velocity: Option<&mut [T]>) {
    let per = piece(p.len());
    let mut velocity = velocity.map(|velocity| velocity.chunks_mut(per));
    let pieces = p.chunks_mut(per).map(|p| (p, velocity.as_mut().and_then(Iterator::next)));
    type Moved<'a, T> = (&'a mut [T], Option<&'a mut [T]>);
    share_out(threads(), pieces.zip(g.chunks(per)), &|((p, velocity), g): (Moved<'_, T>, &[T])| {
        T::sgd(lr, momentum, nesterov, p, g, velocity);
    });
}

/// The exponential moving average `average ← decay·average + (1 − decay)·p`.
pub fn ema<T: Real>(decay: f64, average: &mut [T], p: &[T]) {
    let per = piece(p.len());
    let pieces = average.chunks_mut(per).zip(p.chunks(per));
    share_out(threads(), pieces, &|(average, p): (&mut [T], &[T])| T::ema(decay, average, p));
}

/// How many elements each thread takes.
fn piece(len: usize) -> usize {
    let pieces = threads().min(len / GRAIN).max(1);
    len.div_ceil(pieces).next_multiple_of(16).max(16)
}
