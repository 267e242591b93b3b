//! MADE's sequential direction on a tape.

use super::{Made, symlog};
use crate::nn::RecordedStep;
use autograd::{Real, Tensor, Var};

/// Each hidden unit is computed once, a few operations at a time.
#[track_caller]
pub(super) fn solve<T: Real>(
    made: &Made<T>,
    t: &Var<T>,
    condition: Option<&Var<T>>,
    step: &RecordedStep<'_, T>,
) -> Var<T> {
    assert!(t.extent(1) == made.dims, "in order: {} for {} dimensions", t.shape(), made.dims);
    let last = made.layers.len() - 1;
    let conditions: Vec<_> = (0..=last).map(|l| made.shift_by_condition(l, condition)).collect();
    // The inputs of each layer, as far as they are known.
    let mut known: Vec<Var<T>> = (0..=last).map(|_| t.slice(1, 0..0)).collect();
    let units = |l: usize, from: usize, to: usize, inputs: &Var<T>| {
        let layer = &made.layers[l];
        let seen = layer.seen()[from..to].iter().copied().max().unwrap_or(0);
        let weight = layer.weight.on(t).slice(0, from..to).slice(1, 0..seen);
        let mask = t.constant_like(Tensor::from_fn([to - from, seen], |i| {
            if i % seen.max(1) < layer.seen()[from + i / seen.max(1)] { T::ONE } else { T::ZERO }
        }));
        let sum = inputs.slice(1, 0..seen).matmul_t(&(weight * mask)) + layer.bias.on(t).slice(0, from..to);
        match &conditions[l] {
            Some(shift) => sum + shift.slice(1, from..to),
            None => sum,
        }
    };
    let mut solved = Vec::with_capacity(made.dims);
    for i in 0..made.dims {
        let outputs = units(last, i * made.outputs, (i + 1) * made.outputs, &known[last]);
        let y = step(&t.slice(1, i..i + 1), &outputs);
        known[0] = Var::concat(1, &[&known[0], &if made.symlog { symlog(&y) } else { y.clone() }]);
        solved.push(y);
        for l in 0..last {
            let ready = made.layers[l].seen().partition_point(|&seen| seen <= known[l].extent(1));
            let done = known[l + 1].extent(1);
            if ready > done {
                let fresh = made.activation.apply(units(l, done, ready, &known[l]));
                known[l + 1] = Var::concat(1, &[&known[l + 1], &fresh]);
            }
        }
    }
    Var::concat(1, &solved.iter().collect::<Vec<_>>())
}
