//! The derivative of WaveNet's sequential direction, each unit visited once (see [`Causal`](crate::nn::Causal)).
//!
//! Time runs backward. Each layer keeps, in a ring, what later steps give to its input of the last `dilation` steps.
//! Values are laid out `[row][unit]`.

use super::{WaveNet, in_order::group_size};
use crate::nn::causal::rows_in_groups;
use autograd::elementwise::Binary;
use autograd::{Real, Tensor};

/// What a pass of a [`WaveNet`] leaves for the adjoint. All are `[batch, steps, units]`.
#[derive(Debug)]
pub struct Kept<T: Real> {
    /// Each layer's filter and gate.
    pub(super) gates: Vec<[Tensor<T>; 2]>,
    /// The head's two hidden layers.
    pub(super) head: Vec<Tensor<T>>,
    /// Weights: of the entrance, of each layer's gate and output, and of the head.
    entrance: Tensor<T>,
    layers: Vec<[Tensor<T>; 2]>,
    ends: [Tensor<T>; 2],
}

impl<T: Real> Kept<T> {
    pub(super) fn new(net: &WaveNet<T>) -> Self {
        let layers = net.layers.iter().map(|layer| [&layer.gate, &layer.out].map(|linear| linear.weight.value()));
        let (gates, head) = (Vec::new(), Vec::new());
        let entrance = net.entrance.weight.value();
        Self { gates, head, entrance, layers: layers.collect(), ends: net.head.each_ref().map(|l| l.weight.value()) }
    }
}

/// The values of some rows of `[batch, steps, units]`, at one step.
struct Rows<'a, T> {
    values: &'a [T],
    first: usize,
    steps: usize,
    units: usize,
}

impl<'a, T: Real> Rows<'a, T> {
    fn new(tensor: &'a Tensor<T>, first: usize, steps: usize) -> Self {
        let units = tensor.shape().elements() / (tensor.shape()[0] * steps).max(1);
        Self { values: tensor.as_slice(), first, steps, units }
    }

    /// The values of row `row` of the group at step `t`.
    fn at(&self, row: usize, t: usize) -> &'a [T] {
        let start = ((self.first + row) * self.steps + t) * self.units;
        &self.values[start..start + self.units]
    }
}

/// `to ← adjoint·W`: the adjoint of a linear layer's first inputs, as many as fit into `to`, from that of its output.
fn back<T: Real>(rows: usize, adjoint: &[T], weight: &Tensor<T>, to: &mut [T]) {
    let (outputs, all, inputs) = (weight.shape()[0], weight.shape()[1], to.len() / rows);
    T::gemm(false, [rows, outputs, inputs], (adjoint, (outputs, 1)), (weight.as_slice(), (all, 1)), to, inputs);
}

/// [`Causal::adjoint`](crate::nn::Causal::adjoint) of a WaveNet.
pub(super) fn solve<T: Real>(
    net: &WaveNet<T>,
    kept: &Kept<T>,
    g: &Tensor<T>,
    a: &Tensor<T>,
    b: &Tensor<T>,
) -> Tensor<T> {
    let (batch, length) = (g.shape()[0], g.shape()[1]);
    let wide = [batch, length * net.outputs];
    let fits = **a.shape() == wide && **b.shape() == wide;
    assert!(fits, "adjoint: {}, {} and {} of {} outputs", g.shape(), a.shape(), b.shape(), net.outputs);
    let dilations: Vec<usize> = net.layers.iter().map(super::Layer::dilation).collect();
    rows_in_groups([batch, length], group_size(batch), |first, solved| {
        let values = [g, a, b].map(|tensor| Rows::new(tensor, first, length));
        group(kept, &dilations, first, &values, solved);
    })
}

/// λ of some rows of the batch, from row `first` on.
fn group<T: Real>(kept: &Kept<T>, dilations: &[usize], first: usize, values: &[Rows<'_, T>; 3], solved: &mut [T]) {
    let [g, a, b] = values;
    let length = g.steps;
    let rows = solved.len() / length;
    let (channels, outputs) = (kept.entrance.shape()[0], a.units);
    let gates: Vec<_> = kept.gates.iter().map(|both| both.each_ref().map(|t| Rows::new(t, first, length))).collect();
    let head: Vec<_> = kept.head.iter().map(|tensor| Rows::new(tensor, first, length)).collect();
    let skip = head[0].units;
    let room = |units: usize| vec![T::ZERO; rows * units];
    // By layer: what later steps give to its input, and the entry of step t at t modulo the dilation.
    let mut rings: Vec<Vec<T>> = dilations.iter().map(|&dilation| room(dilation.min(length) * channels)).collect();
    let (mut of_outputs, mut of_head, mut of_skips) = (room(outputs), room(skip), room(skip));
    let (mut of_gated, mut of_sums, mut of_pair) = (room(channels), room(2 * channels), room(2 * channels));
    // The adjoints of the layers' input, and of a layer's residual and skip.
    let (mut of_h, mut of_both) = (room(channels), room(channels + skip));
    for t in (0..length).rev() {
        for row in 0..rows {
            // The entrance reads the value one step before. Here `of_h` is still that of the step after.
            let later = of_h[row * channels..].iter().zip(kept.entrance.as_slice());
            let later = later.fold(T::ZERO, |sum, (&adjoint, &weight)| sum + adjoint * weight);
            let lambda = g.at(row, t)[0] + later;
            solved[row * length + t] = lambda;
            let terms = a.at(row, t).iter().zip(b.at(row, t));
            for (adjoint, (&a, &b)) in of_outputs[row * outputs..].iter_mut().zip(terms) {
                *adjoint = a * lambda + b;
            }
        }
        back(rows, &of_outputs, &kept.ends[1], &mut of_head);
        where_positive(&head[1], t, &mut of_head);
        back(rows, &of_head, &kept.ends[0], &mut of_skips);
        where_positive(&head[0], t, &mut of_skips);
        of_h.fill(T::ZERO);
        for (l, [of_gate, of_out]) in kept.layers.iter().enumerate().rev() {
            let residual = of_out.shape()[0] - skip;
            let both = &mut of_both[..rows * (residual + skip)];
            for (row, both) in both.chunks_exact_mut(residual + skip).enumerate() {
                both[..residual].copy_from_slice(&of_h[row * channels..row * channels + residual]);
                both[residual..].copy_from_slice(&of_skips[row * skip..(row + 1) * skip]);
            }
            back(rows, both, of_out, &mut of_gated);
            for row in 0..rows {
                let [filter, gate] = gates[l].each_ref().map(|rows| rows.at(row, t));
                let (of_filter, of_gate) = of_sums[2 * row * channels..].split_at_mut(channels);
                for (c, &adjoint) in of_gated[row * channels..(row + 1) * channels].iter().enumerate() {
                    of_filter[c] = adjoint * gate[c] * (T::ONE - filter[c] * filter[c]);
                    of_gate[c] = adjoint * filter[c] * gate[c] * (T::ONE - gate[c]);
                }
            }
            back(rows, &of_sums, of_gate, &mut of_pair);
            let width = rows * channels;
            let at = t % (rings[l].len() / width) * width;
            let ring = &mut rings[l][at..at + width];
            T::binary_assign(Binary::Add, &mut of_h, ring);
            for (row, pair) in of_pair.chunks_exact(2 * channels).enumerate() {
                let (now, earlier) = pair.split_at(channels);
                T::binary_assign(Binary::Add, &mut of_h[row * channels..(row + 1) * channels], now);
                ring[row * channels..(row + 1) * channels].copy_from_slice(earlier);
            }
        }
    }
}

/// The adjoint through a ReLU with these results.
fn where_positive<T: Real>(results: &Rows<'_, T>, t: usize, adjoint: &mut [T]) {
    for (row, adjoint) in adjoint.chunks_exact_mut(results.units).enumerate() {
        for (adjoint, &result) in adjoint.iter_mut().zip(results.at(row, t)) {
            if result <= T::ZERO {
                *adjoint = T::ZERO;
            }
        }
    }
}
