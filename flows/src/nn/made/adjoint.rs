//! The derivative of MADE's sequential direction, each unit visited once (see [`Causal`](crate::nn::Causal)).
//!
//! What the units of a block of dimensions receive from everything after the block is one matrix product a layer.
//! Within a block, each unit's adjoint is added to those of its inputs as soon as it is complete.

use super::columns::{BLOCK, Columns, group};
use super::{Made, known};
use crate::nn::{Activation, causal::rows_in_groups};
use autograd::{Real, Tensor, Var};
use std::ops::Range;

/// What a pass of a [`Made`] leaves for the adjoint.
#[derive(Debug)]
pub struct Kept<T: Real> {
    /// Each layer's weights.
    weights: Vec<Tensor<T>>,
    /// Each hidden layer's activations, `[batch, units]`.
    pub(super) hidden: Vec<Tensor<T>>,
    /// The derivative of what the first layer reads by the input, `[batch, D]`; 1 where there is none.
    slopes: Option<Tensor<T>>,
}

impl<T: Real> Kept<T> {
    pub(super) fn new(made: &Made<T>, x: &Tensor<T>) -> Self {
        let weights = made.layers.iter().map(|layer| layer.weight.value()).collect();
        // d/dx sign(x)·ln(1 + |x|) = 1/(1 + |x|)
        let slope = |x: &Tensor<T>| Var::from(x.clone()).abs().shift(1.0).recip().into_value();
        Self { weights, hidden: Vec::new(), slopes: made.symlog.then(|| slope(x)) }
    }
}

/// A layer of the network: the adjoints of its outputs go to its inputs.
struct Layer<'a, T: Real> {
    weight: &'a Tensor<T>,
    seen: &'a [usize],
}

impl<T: Real> Layer<'_, T> {
    /// Adds what output `o` gives to those of these inputs that it sees.
    fn push(&self, o: usize, inputs: Range<usize>, from: &Columns<T>, to: &mut Columns<T>) {
        let seen = inputs.start..inputs.end.min(self.seen[o]);
        if seen.is_empty() {
            return;
        }
        let weights = &self.weight.as_slice()[o * self.weight.shape()[1]..];
        let adjoint = from.unit(o);
        let sums = to.units_mut(seen.clone()).chunks_exact_mut(adjoint.len());
        for (&weight, sums) in weights[seen].iter().zip(sums) {
            for (sum, &value) in sums.iter_mut().zip(adjoint) {
                *sum += weight * value;
            }
        }
    }

    /// Adds what all outputs from `after` on give to these inputs.
    fn receive(&self, after: usize, inputs: Range<usize>, from: &Columns<T>, to: &mut Columns<T>) {
        let (outputs, pitch, rows) = (self.seen.len(), self.weight.shape()[1], from.rows);
        // From here on every output sees all of these inputs.
        let whole = self.seen.partition_point(|&seen| seen < inputs.end).max(after);
        (after..whole).for_each(|o| self.push(o, inputs.clone(), from, to));
        if inputs.is_empty() || whole == outputs {
            return;
        }
        let weight = &self.weight.as_slice()[whole * pitch + inputs.start..];
        let sizes = [inputs.len(), outputs - whole, rows];
        T::gemm(true, sizes, (weight, (1, pitch)), (from.units(whole..outputs), (rows, 1)), to.units_mut(inputs), rows);
    }
}

/// The network, and when its units become known.
struct Sweep<'a, T: Real> {
    layers: Vec<Layer<'a, T>>,
    /// By layer of units (the dimensions, then each hidden layer): how many of them are known once the first i dimensions
    /// are, for i = 0 … D.
    reached: Vec<Vec<usize>>,
    activation: Activation,
    outputs: usize,
}

/// [`Causal::adjoint`](crate::nn::Causal::adjoint) of a masked network.
pub(super) fn solve<T: Real>(made: &Made<T>, kept: &Kept<T>, g: &Tensor<T>, a: &Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
    let (batch, dims, wide) = (g.shape()[0], made.dims, made.dims * made.outputs);
    let shapes = [g, a, b].map(Tensor::shape);
    assert!(
        **shapes[0] == [batch, dims] && shapes[1..].iter().all(|shape| ***shape == [batch, wide]),
        "adjoint: {}, {} and {} for {dims} dimensions of {} outputs",
        shapes[0],
        shapes[1],
        shapes[2],
        made.outputs
    );
    let layers = made.layers.iter().zip(&kept.weights).map(|(layer, weight)| Layer { weight, seen: layer.seen() });
    let layers: Vec<_> = layers.collect();
    let mut reached: Vec<Vec<usize>> = vec![(0..=dims).collect()];
    for layer in &layers[..layers.len() - 1] {
        let before = reached.last().expect("the dimensions come first");
        reached.push(before.iter().map(|&inputs| known(layer.seen, inputs)).collect());
    }
    let sweep = Sweep { layers, reached, activation: made.activation, outputs: made.outputs };
    rows_in_groups([batch, dims], group(batch), |first, solved| {
        let rows = solved.len() / dims;
        let part = |tensor: &Tensor<T>| Columns::of(tensor, first, rows);
        let hidden: Vec<_> = kept.hidden.iter().map(part).collect();
        let slopes = kept.slopes.as_ref().map(part);
        let found = sweep.group(&hidden, slopes.as_ref(), [&part(g), &part(a), &part(b)]);
        T::transpose([dims, rows], found.units(0..dims), rows, solved, dims);
    })
}

impl<T: Real> Sweep<'_, T> {
    /// λ of a group of rows.
    fn group(&self, hidden: &[Columns<T>], slopes: Option<&Columns<T>>, [g, a, b]: [&Columns<T>; 3]) -> Columns<T> {
        let (rows, dims, last) = (g.rows, self.reached[0].len() - 1, hidden.len());
        // The adjoints of each layer's inputs (first those of the dimensions, which become λ), and of the outputs. They are
        // sums until they are complete.
        let mut adjoints = vec![Columns::new(dims, rows)];
        adjoints.extend(self.layers.iter().map(|layer| Columns::new(layer.seen.len(), rows)));
        for begin in (0..dims).step_by(BLOCK).rev() {
            let end = (begin + BLOCK).min(dims);
            let block = |l: usize| self.reached[l][begin]..self.reached[l][end];
            for l in (0..=last).rev() {
                let after = if l == last { end * self.outputs } else { self.reached[l + 1][end] };
                let (to, from) = adjoints.split_at_mut(l + 1);
                self.layers[l].receive(after, block(l), &from[0], &mut to[l]);
            }
            for i in (begin..end).rev() {
                for l in (1..=last).rev() {
                    let (to, from) = adjoints.split_at_mut(l);
                    for unit in self.reached[l][i]..self.reached[l][i + 1] {
                        for (sum, &y) in from[0].unit_mut(unit).iter_mut().zip(hidden[l - 1].unit(unit)) {
                            *sum *= self.activation.slope_at(y);
                        }
                        self.layers[l - 1].push(unit, block(l - 1), &from[0], &mut to[l - 1]);
                    }
                }
                let lambda = adjoints[0].unit_mut(i);
                if let Some(slopes) = slopes {
                    lambda.iter_mut().zip(slopes.unit(i)).for_each(|(sum, &slope)| *sum *= slope);
                }
                lambda.iter_mut().zip(g.unit(i)).for_each(|(sum, &g)| *sum += g);
                for o in i * self.outputs..(i + 1) * self.outputs {
                    let (others, outputs) = adjoints.split_at_mut(last + 1);
                    let terms = others[0].unit(i).iter().zip(a.unit(o)).zip(b.unit(o));
                    for (adjoint, ((&lambda, &a), &b)) in outputs[0].unit_mut(o).iter_mut().zip(terms) {
                        *adjoint = a * lambda + b;
                    }
                    self.layers[last].push(o, block(last), &outputs[0], &mut others[last]);
                }
            }
        }
        adjoints.swap_remove(0)
    }
}
