//! MADE's sequential direction on plain values, each unit computed once (see [`Causal`](crate::nn::Causal)).
//!
//! What the units of a block of dimensions receive from all dimensions before the block is one matrix product a layer.
//! Within a block, sums grow unit by unit. Values are laid out `[unit][row]`.

use super::columns::{BLOCK, Columns, group};
use super::{Made, known, symlog_of};
use crate::nn::{MaskedLinear, Step};
use crate::{Mapped, nn::causal::in_groups};
use autograd::{Real, Tensor, Var};
use std::ops::Range;

/// A layer of the network, as plain values.
struct Layer<T: Real> {
    weight: Tensor<T>,
    bias: Tensor<T>,
    seen: Vec<usize>,
    inputs: usize,
    /// What the condition adds, `[rows, units]`.
    condition: Option<Tensor<T>>,
}

impl<T: Real> Layer<T> {
    fn new(layer: &MaskedLinear<T>, condition: Option<Tensor<T>>) -> Self {
        let (weight, bias) = (layer.weight.value(), layer.bias.value());
        let inputs = weight.shape()[1];
        Self { weight, bias, seen: layer.seen().to_vec(), inputs, condition }
    }

    /// How many units see no more than the first `inputs` inputs.
    fn ready(&self, inputs: usize) -> usize {
        known(&self.seen, inputs)
    }

    /// Starts the sums of some units: the bias, the condition, and the first `known` inputs as far as all of these units
    /// see them. Returns the number of those inputs. `columns` are the inputs and the outputs of the layer.
    fn begin(&self, units: Range<usize>, known: usize, first: usize, columns: &mut [Columns<T>]) -> usize {
        let [inputs, outputs] = columns else { unreachable!("a layer has two sides") };
        let rows = outputs.rows;
        let width = self.seen.len();
        for unit in units.clone() {
            let bias = self.bias.as_slice()[unit];
            for (row, sum) in outputs.unit_mut(unit).iter_mut().enumerate() {
                let shift = self.condition.as_ref().map_or(T::ZERO, |c| c.as_slice()[(first + row) * width + unit]);
                *sum = bias + shift;
            }
        }
        // A hidden unit of degree d is known before dimension d is, if the layer before it is so narrow that none of
        // its units has degree d. More units are known then than the outputs of the next dimension may see.
        let known = units.clone().next().map_or(0, |unit| known.min(self.seen[unit]));
        if known == 0 {
            return 0;
        }
        let weight = &self.weight.as_slice()[units.start * self.inputs..units.end * self.inputs];
        let (count, from, to) = (units.len(), inputs.units(0..known), outputs.units_mut(units));
        T::gemm(true, [count, known, rows], (weight, (self.inputs, 1)), (from, (rows, 1)), to, rows);
        known
    }

    /// Completes the sums of some units with the inputs from `known` on.
    fn finish(&self, units: Range<usize>, known: usize, columns: &mut [Columns<T>]) {
        let [inputs, outputs] = columns else { unreachable!("a layer has two sides") };
        for unit in units {
            let (row, seen) = (unit * self.inputs, self.seen[unit]);
            let weights = &self.weight.as_slice()[row + known..row + seen];
            let sums = outputs.unit_mut(unit);
            for (&weight, values) in weights.iter().zip(inputs.units(known..seen).chunks_exact(inputs.rows)) {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += weight * *value;
                }
            }
        }
    }
}

/// [`Causal::in_order`](crate::nn::Causal::in_order) of a masked network.
pub(super) fn solve<T: Real>(
    made: &Made<T>,
    t: &Tensor<T>,
    condition: Option<&Tensor<T>>,
    step: &Step<'_, T>,
) -> Mapped<T> {
    let batch = t.shape()[0];
    assert!(**t.shape() == [batch, made.dims], "in order: {} for {} dimensions", t.shape(), made.dims);
    let condition = condition.map(|c| Var::from(c.clone()));
    let layers: Vec<Layer<T>> = made
        .layers
        .iter()
        .enumerate()
        .map(|(l, layer)| Layer::new(layer, made.shift_by_condition(l, condition.as_ref()).map(Var::into_value)))
        .collect();
    in_groups(t, group(batch), |first, t, solved| rows_in_order(made, &layers, first, t, solved, step))
}

/// Solves some rows of the batch, from row `first` on.
fn rows_in_order<T: Real>(
    made: &Made<T>,
    layers: &[Layer<T>],
    first: usize,
    t: &[T],
    solved: &mut [T],
    step: &Step<'_, T>,
) {
    let rows = t.len() / made.dims;
    // The inputs of each layer: the dimensions, then each hidden layer's units; and the outputs.
    let mut values = vec![Columns::new(made.dims, rows)];
    values.extend(layers.iter().map(|layer| Columns::new(layer.seen.len(), rows)));
    let (last, hidden) = layers.split_last().expect("there are outputs");
    // How many inputs of each layer are known.
    let mut known = vec![0; layers.len()];
    // How many of them the sums of this block already contain.
    let mut begun = vec![0; layers.len()];
    let (mut target, mut log_deriv) = (vec![T::ZERO; rows], vec![T::ZERO; rows]);
    let mut log_det = vec![0.0; rows];
    for begin in (0..made.dims).step_by(BLOCK) {
        let end = (begin + BLOCK).min(made.dims);
        // What the block's units receive from everything before the block.
        let mut by_end = end;
        for (l, layer) in hidden.iter().enumerate() {
            let units = known[l + 1]..layer.ready(by_end);
            by_end = units.end;
            begun[l] = layer.begin(units, known[l], first, &mut values[l..=l + 1]);
        }
        let outputs = begin * made.outputs..end * made.outputs;
        begun[hidden.len()] = last.begin(outputs, known[hidden.len()], first, &mut values[hidden.len()..]);
        for i in begin..end {
            let outputs = i * made.outputs..(i + 1) * made.outputs;
            last.finish(outputs.clone(), begun[hidden.len()], &mut values[hidden.len()..]);
            for (target, row) in target.iter_mut().zip(t.chunks_exact(made.dims)) {
                *target = row[i];
            }
            let (dimensions, others) = values.split_at_mut(1);
            let parameters = others[hidden.len()].units(outputs);
            let found = dimensions[0].unit_mut(i);
            step(&target, parameters, found, &mut log_deriv);
            for (row, value) in found.iter_mut().enumerate() {
                solved[row * (made.dims + 1) + i] = *value;
                if made.symlog {
                    *value = symlog_of(*value);
                }
            }
            for (sum, slope) in log_det.iter_mut().zip(&log_deriv) {
                *sum += slope.to_f64();
            }
            known[0] = i + 1;
            for (l, layer) in hidden.iter().enumerate() {
                let units = known[l + 1]..layer.ready(known[l]);
                known[l + 1] = units.end;
                layer.finish(units.clone(), begun[l], &mut values[l..=l + 1]);
                for value in values[l + 1].units_mut(units) {
                    *value = made.activation.of(*value);
                }
            }
        }
    }
    for (solved, &sum) in solved.chunks_exact_mut(made.dims + 1).zip(&log_det) {
        solved[made.dims] = T::from_f64(sum);
    }
}
