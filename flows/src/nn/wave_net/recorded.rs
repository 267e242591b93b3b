//! WaveNet's sequential direction on a tape.

use super::{Given, WaveNet, add};
use crate::nn::RecordedStep;
use autograd::{Real, Var};

/// Each unit is computed once: what a layer read is kept for the step that is one dilation later.
#[track_caller]
pub(super) fn solve<T: Real>(
    net: &WaveNet<T>,
    t: &Var<T>,
    condition: Option<&Var<T>>,
    step: &RecordedStep<'_, T>,
) -> Var<T> {
    let (batch, length) = (t.extent(0), t.extent(1));
    let Given { shifts, track } = net.given(t, condition);
    // What each layer read, by step.
    let mut read: Vec<Vec<Var<T>>> = net.layers.iter().map(|_| Vec::with_capacity(length)).collect();
    let mut solved: Vec<Var<T>> = Vec::with_capacity(length);
    for i in 0..length {
        let target = t.slice(1, i..i + 1);
        let before = solved.last().map_or_else(|| target.zeros_like(), Var::clone);
        let mut h = net.entrance.apply(&before.reshape([batch, 1, 1]));
        let track = track.as_ref().map(|track| track.slice(1, i..i + 1));
        let mut skips: Option<Var<T>> = None;
        for ((layer, read), shift) in net.layers.iter().zip(&mut read).zip(&shifts) {
            let earlier = i.checked_sub(layer.dilation()).map(|at| &read[at]);
            let [filter, gate] = layer.gates(&h, earlier, track.as_ref(), shift.as_ref());
            let (residual, skip) = layer.split(&(filter * gate));
            skips = add(skips, skip);
            read.push(h.clone());
            if let Some(residual) = residual {
                h = h + residual;
            }
        }
        let outputs = net.end(skips.expect("there are layers"), None).reshape([batch, net.outputs]);
        solved.push(step(&target, &outputs));
    }
    Var::concat(1, &solved.iter().collect::<Vec<_>>())
}
