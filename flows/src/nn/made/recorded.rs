//! The sequential direction where gradients are asked for, and by whole passes.

use super::Made;
use crate::nn::Network;
use autograd::{Real, Var};

impl<T: Real> Made<T> {
    /// Solves for y, dimension by dimension, as [`Made::in_order`] does, and recorded where `t`, the
    /// condition or a parameter is: `yᵢ = next(tᵢ, outputs of dimension i given y_<i)` with `tᵢ` of
    /// `[batch, 1]` and the outputs of `[batch, outputs]`. Each hidden unit is computed once here too,
    /// but unit by unit, and every step is a handful of operations on the tape.
    ///
    /// # Panics
    /// If `t` is not `[batch, D]`.
    #[must_use]
    pub fn in_order_recorded(
        &self,
        t: &Var<T>,
        condition: Option<&Var<T>>,
        next: &impl Fn(Var<T>, Var<T>) -> Var<T>,
    ) -> Var<T> {
        assert!(t.extent(1) == self.dims, "in order: {} for {} dimensions", t.shape(), self.dims);
        let last = self.layers.len() - 1;
        let conditions: Vec<_> = (0..=last).map(|l| self.shift_by_condition(l, condition)).collect();
        // What each layer reads, as far as it is known.
        let mut known: Vec<Var<T>> = (0..=last).map(|_| t.slice(1, 0..0)).collect();
        let units = |l: usize, from: usize, to: usize, inputs: &Var<T>| {
            let layer = &self.layers[l];
            let seen = layer.seen()[from..to].iter().copied().max().unwrap_or(0);
            let weight = layer.weight().on(t).slice(0, from..to).slice(1, 0..seen);
            let mask = t.constant_like(autograd::Tensor::from_fn([to - from, seen], |i| {
                if i % seen.max(1) < layer.seen()[from + i / seen.max(1)] { T::ONE } else { T::ZERO }
            }));
            let sum = inputs.slice(1, 0..seen).matmul_t(&(weight * mask)) + layer.bias().on(t).slice(0, from..to);
            match &conditions[l] {
                Some(shift) => sum + shift.slice(1, from..to),
                None => sum,
            }
        };
        for i in 0..self.dims {
            let outputs = units(last, i * self.outputs, (i + 1) * self.outputs, &known[last]);
            let y = next(t.slice(1, i..i + 1), outputs);
            known[0] = Var::concat(1, &[&known[0], &y]);
            for l in 0..last {
                let ready = self.layers[l].seen().partition_point(|&seen| seen <= known[l].extent(1));
                let done = known[l + 1].extent(1);
                if ready > done {
                    let fresh = self.activation.apply(units(l, done, ready, &known[l]));
                    known[l + 1] = Var::concat(1, &[&known[l + 1], &fresh]);
                }
            }
        }
        known.swap_remove(0)
    }

    /// The same by D whole passes, as other libraries have it: the reference that the fast ways are
    /// compared with. `next` is given all dimensions at once, `[batch, D]` and `[batch, D·outputs]`.
    #[must_use]
    pub fn by_passes(
        &self,
        t: &Var<T>,
        condition: Option<&Var<T>>,
        next: &impl Fn(&Var<T>, Var<T>) -> Var<T>,
    ) -> Var<T> {
        let mut y = t.zeros_like();
        for _ in 0..self.dims {
            y = next(t, self.apply(&y, condition));
        }
        y
    }
}
