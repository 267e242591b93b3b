//! The sequential direction in the work of one pass.
//!
//! Every library's MADE is inverted by D whole passes: pass i exists for the outputs of dimension i
//! alone. But a hidden unit can be computed once and for all as soon as its last input is known, and
//! with units sorted by degree these are the next few of each layer at each step. The inverse then
//! has as many multiply-adds as one masked pass.
//!
//! Most of them are done as matrix products: the dimensions go by blocks, and what a block's units
//! receive from everything before the block is one product a layer. Within a block, sums go on unit
//! by unit. Numbers lie `[unit][row]`, so that each step is a run over the rows of the batch.

use super::{Made, known};
use crate::nn::MaskedLinear;
use autograd::{Real, Tensor, Var, parallel};
use std::ops::Range;

/// Dimensions a block: more of them make the products larger, and the sums within a block longer.
const BLOCK: usize = 16;

/// Rows of the batch that go together: fewer make narrow products.
const ROWS: usize = 64;

/// A layer as the sequential pass sees it.
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
        let (weight, bias) = (layer.weight().value(), layer.bias().value());
        let inputs = weight.shape()[1];
        Self { weight, bias, seen: layer.seen().to_vec(), inputs, condition }
    }

    /// How many units see no more than the first `inputs` inputs.
    fn ready(&self, inputs: usize) -> usize {
        known(&self.seen, inputs)
    }

    /// Begins the sums of some units: the bias, the condition, and those of the first `known` inputs
    /// that all of these units see. Returns how many inputs that were. `[inputs, outputs]` are the columns
    /// on both sides of the layer.
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
        // A unit may be known before its degree is, and an output must not see it then.
        let known = units.clone().next().map_or(0, |unit| known.min(self.seen[unit]));
        if known == 0 {
            return 0;
        }
        let weight = &self.weight.as_slice()[units.start * self.inputs..units.end * self.inputs];
        let strides = (self.inputs as isize, 1);
        let along = (rows as isize, 1);
        let (count, from, to) = (units.len(), inputs.units(0..known), outputs.units_mut(units));
        T::gemm(count, known, rows, T::ONE, weight, strides, from, along, T::ONE, to, along);
        known
    }

    /// Ends the sums of some units with the inputs from `known` on.
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

/// One run over the batch: values by unit.
struct Columns<T> {
    rows: usize,
    values: Vec<T>,
}

impl<T: Real> Columns<T> {
    fn new(units: usize, rows: usize) -> Self {
        Self { rows, values: vec![T::ZERO; units * rows] }
    }

    fn units(&self, units: Range<usize>) -> &[T] {
        &self.values[units.start * self.rows..units.end * self.rows]
    }

    fn units_mut(&mut self, units: Range<usize>) -> &mut [T] {
        &mut self.values[units.start * self.rows..units.end * self.rows]
    }

    fn unit_mut(&mut self, unit: usize) -> &mut [T] {
        self.units_mut(unit..unit + 1)
    }
}

impl<T: Real> Made<T> {
    /// Solves for y, dimension by dimension: `yᵢ = next(tᵢ, outputs of dimension i given y_<i)`, for
    /// `t` of `[batch, D]`, each hidden unit computed once.
    ///
    /// `next(t, outputs, y)` is called with one dimension's numbers for some rows of the batch; output
    /// j of row r is `outputs[j·rows + r]`.
    ///
    /// # Panics
    /// If `t` is not `[batch, D]`.
    #[must_use]
    pub fn in_order(
        &self,
        t: &Tensor<T>,
        condition: Option<&Tensor<T>>,
        next: &(impl Fn(&[T], &[T], &mut [T]) + Sync),
    ) -> Tensor<T> {
        let batch = t.shape()[0];
        assert!(**t.shape() == [batch, self.dims], "in order: {} for {} dimensions", t.shape(), self.dims);
        let condition = condition.map(|c| Var::from(c.clone()));
        let layers: Vec<Layer<T>> = self
            .layers
            .iter()
            .enumerate()
            .map(|(l, layer)| Layer::new(layer, self.shift_by_condition(l, condition.as_ref()).map(Var::into_value)))
            .collect();
        let mut y = Tensor::zeros(t.shape());
        let each = batch.div_ceil(parallel::threads()).clamp(1, ROWS);
        parallel::side_by_side(y.as_mut_slice(), each * self.dims, &|start, y| {
            let t = &t.as_slice()[start..start + y.len()];
            self.rows_in_order(&layers, start / self.dims, t, y, next);
        });
        y
    }

    /// The same for some rows of the batch, from row `first` on.
    fn rows_in_order(
        &self,
        layers: &[Layer<T>],
        first: usize,
        t: &[T],
        y: &mut [T],
        next: &impl Fn(&[T], &[T], &mut [T]),
    ) {
        let rows = t.len() / self.dims;
        // What each layer reads: the dimensions themselves, then each layer's units.
        let mut values = vec![Columns::new(self.dims, rows)];
        values.extend(layers.iter().map(|layer| Columns::new(layer.seen.len(), rows)));
        let (last, hidden) = layers.split_last().expect("there are outputs");
        // How many of those are known.
        let mut known = vec![0; layers.len()];
        // How many of them the sums of the present block have begun with.
        let mut begun = vec![0; layers.len()];
        let mut target = vec![T::ZERO; rows];
        for begin in (0..self.dims).step_by(BLOCK) {
            let end = (begin + BLOCK).min(self.dims);
            // What the block's units receive from everything before the block.
            let mut by_end = end;
            for (l, layer) in hidden.iter().enumerate() {
                let units = known[l + 1]..layer.ready(by_end);
                by_end = units.end;
                begun[l] = layer.begin(units, known[l], first, &mut values[l..=l + 1]);
            }
            let outputs = begin * self.outputs..end * self.outputs;
            begun[hidden.len()] = last.begin(outputs, known[hidden.len()], first, &mut values[hidden.len()..]);
            for i in begin..end {
                let outputs = i * self.outputs..(i + 1) * self.outputs;
                last.finish(outputs.clone(), begun[hidden.len()], &mut values[hidden.len()..]);
                for (target, row) in target.iter_mut().zip(t.chunks_exact(self.dims)) {
                    *target = row[i];
                }
                let (dimensions, others) = values.split_at_mut(1);
                let found = others[hidden.len()].units(outputs);
                next(&target, found, dimensions[0].unit_mut(i));
                known[0] = i + 1;
                for (l, layer) in hidden.iter().enumerate() {
                    let units = known[l + 1]..layer.ready(known[l]);
                    known[l + 1] = units.end;
                    layer.finish(units.clone(), begun[l], &mut values[l..=l + 1]);
                    for value in values[l + 1].units_mut(units) {
                        *value = self.activation.of(*value);
                    }
                }
            }
        }
        for (i, column) in values[0].values.chunks_exact(rows).enumerate() {
            for (value, row) in column.iter().zip(y.chunks_exact_mut(self.dims)) {
                row[i] = *value;
            }
        }
    }
}
