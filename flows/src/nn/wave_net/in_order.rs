//! The sequential direction in the work of one pass.
//!
//! A pass for each step of a signal would compute all earlier steps again. Each layer keeps instead what it read
//! in the last `dilation` steps, in a ring whose oldest entry is just what the convolution needs (Le Paine et al.
//! 2016, Fast WaveNet). A step of time then costs what one step costs in a parallel pass, whatever the length.
//!
//! Numbers lie `[unit][row]`: rows of a batch go together through small matrix products.

use super::WaveNet;
use super::layer::Layer;
use crate::nn::{InOrder, Linear, Step};
use autograd::elementwise::{Binary, Unary};
use autograd::{Real, Tensor, Var, parallel};

/// Rows of the batch that go together: fewer make narrow products, more make rings that leave the cache.
const ROWS: usize = 64;

/// A linear map as the sequential pass sees it: the weight `[outputs, inputs]` and the bias.
struct Plain<T: Real> {
    weight: Tensor<T>,
    bias: Tensor<T>,
}

impl<T: Real> Plain<T> {
    fn new(linear: &Linear<T>) -> Self {
        Self { weight: linear.weight().value(), bias: linear.bias().value() }
    }

    fn inputs(&self) -> usize {
        self.weight.shape()[1]
    }

    /// Adds some outputs' sums over some inputs, both from a first one on: as many as `to` and `from` hold.
    fn add(&self, rows: usize, output: usize, input: usize, from: &[T], to: &mut [T]) {
        let weight = &self.weight.as_slice()[output * self.inputs() + input..];
        let (strides, along) = ((self.inputs() as isize, 1), (rows as isize, 1));
        let (outputs, inputs) = (to.len() / rows, from.len() / rows);
        T::gemm(outputs, inputs, rows, T::ONE, weight, strides, from, along, T::ONE, to, along);
    }

    /// All outputs.
    fn apply(&self, rows: usize, from: &[T], to: &mut [T]) {
        spread(self.bias.as_slice(), rows, to);
        self.add(rows, 0, 0, from, to);
    }
}

/// One number for all rows of each unit.
fn spread<T: Real>(numbers: &[T], rows: usize, to: &mut [T]) {
    for (to, &number) in to.chunks_exact_mut(rows).zip(numbers) {
        to.fill(number);
    }
}

/// A layer of the network.
struct Stage<T: Real> {
    dilation: usize,
    residual: usize,
    gate: Plain<T>,
    out: Plain<T>,
    /// What the condition adds to filter and gate, `[batch, 1, 2C]`.
    shift: Option<Tensor<T>>,
}

impl<T: Real> Stage<T> {
    fn new(layer: &Layer<T>, shift: Option<Var<T>>) -> Self {
        let (gate, out) = (Plain::new(&layer.gate), Plain::new(&layer.out));
        let shift = shift.map(Var::into_value);
        Self { dilation: layer.dilation(), residual: layer.residual(), gate, out, shift }
    }

    /// What the sums of filter and gate begin with, `[unit][row]`, for some rows of the batch.
    fn beginning(&self, first: usize, rows: usize) -> Vec<T> {
        let bias = self.gate.bias.as_slice();
        let units = bias.len();
        let shift = |unit: usize, row: usize| match &self.shift {
            Some(shift) => shift.as_slice()[(first + row) * units + unit],
            None => T::ZERO,
        };
        (0..units * rows).map(|i| bias[i / rows] + shift(i / rows, i % rows)).collect()
    }
}

/// The network as the sequential pass sees it.
struct Stages<T: Real> {
    entrance: Plain<T>,
    stages: Vec<Stage<T>>,
    /// All layers' biases of the skips.
    skip: Vec<T>,
    head: [Plain<T>; 2],
}

/// What one group of rows has in memory: everything that a step of time needs, so that it allocates nothing.
struct Memory<T> {
    rows: usize,
    /// What each layer read in the last steps; the entry of step t is `t` modulo their number.
    rings: Vec<Vec<T>>,
    beginnings: Vec<Vec<T>>,
    h: Vec<T>,
    sums: Vec<T>,
    skips: Vec<T>,
    head: Vec<T>,
    outputs: Vec<T>,
}

impl<T: Real> Stages<T> {
    fn new(net: &WaveNet<T>, condition: Option<&Tensor<T>>) -> Self {
        let shifts = net.shifts(condition.map(|c| Var::from(c.clone())).as_ref());
        let stages: Vec<_> = net.layers.iter().zip(shifts).map(|(layer, shift)| Stage::new(layer, shift)).collect();
        let mut skip = vec![T::ZERO; net.head[0].weight().shape()[1]];
        for stage in &stages {
            for (sum, &bias) in skip.iter_mut().zip(&stage.out.bias.as_slice()[stage.residual..]) {
                *sum += bias;
            }
        }
        let [first, second] = &net.head;
        Self { entrance: Plain::new(&net.entrance), stages, skip, head: [Plain::new(first), Plain::new(second)] }
    }

    /// Memory for some rows of the batch, from row `first` on, over a signal of this length.
    fn memory(&self, first: usize, rows: usize, length: usize) -> Memory<T> {
        let channels = self.entrance.bias.as_slice().len();
        let room = |units: usize| vec![T::ZERO; units * rows];
        Memory {
            rows,
            rings: self.stages.iter().map(|stage| room(stage.dilation.min(length) * channels)).collect(),
            beginnings: self.stages.iter().map(|stage| stage.beginning(first, rows)).collect(),
            h: room(channels),
            sums: room(2 * channels),
            skips: room(self.skip.len()),
            head: room(self.skip.len()),
            outputs: room(self.head[1].bias.as_slice().len()),
        }
    }

    /// The outputs of step `t`, given the numbers one step before.
    fn step(&self, t: usize, before: &[T], memory: &mut Memory<T>) {
        let Memory { rows, rings, beginnings, h, sums, skips, head, outputs } = memory;
        let (rows, width) = (*rows, h.len());
        self.entrance.apply(rows, before, h);
        spread(&self.skip, rows, skips);
        for ((stage, ring), beginning) in self.stages.iter().zip(rings).zip(beginnings) {
            let at = t % (ring.len() / width) * width;
            let oldest = &mut ring[at..at + width];
            sums.copy_from_slice(beginning);
            stage.gate.add(rows, 0, 0, h, sums);
            // Before this the ring holds what lies before the beginning: zeros.
            if t >= stage.dilation {
                stage.gate.add(rows, 0, width / rows, oldest, sums);
            }
            oldest.copy_from_slice(h);
            let (filter, gate) = sums.split_at_mut(width);
            T::unary_in_place(Unary::Tanh, filter);
            T::unary_in_place(Unary::Sigmoid, gate);
            T::binary_assign(Binary::Mul, filter, gate);
            stage.out.add(rows, stage.residual, 0, filter, skips);
            if stage.residual > 0 {
                for (h, &bias) in h.chunks_exact_mut(rows).zip(stage.out.bias.as_slice()) {
                    h.iter_mut().for_each(|h| *h += bias);
                }
                stage.out.add(rows, 0, 0, filter, h);
            }
        }
        T::unary_in_place(Unary::Relu, skips);
        self.head[0].apply(rows, skips, head);
        T::unary_in_place(Unary::Relu, head);
        self.head[1].apply(rows, head, outputs);
    }
}

/// [`Causal::in_order`](crate::nn::Causal::in_order) of a WaveNet.
pub(super) fn solve<T: Real>(
    net: &WaveNet<T>,
    t: &Tensor<T>,
    condition: Option<&Tensor<T>>,
    step: &Step<'_, T>,
) -> InOrder<T> {
    assert!(t.shape().rank() == 2, "in order: signals of shape {}, not [batch, T]", t.shape());
    let (batch, length) = (t.shape()[0], t.shape()[1]);
    let stages = Stages::new(net, condition);
    // Each row's results, and the sum of its log-slopes behind them.
    let width = length + 1;
    let mut solved = Tensor::zeros([batch, width]);
    let each = batch.div_ceil(parallel::threads()).clamp(1, ROWS);
    parallel::side_by_side(solved.as_mut_slice(), each * width, &|start, solved| {
        for (group, solved) in solved.chunks_mut(ROWS * width).enumerate() {
            let first = start / width + group * ROWS;
            let t = &t.as_slice()[first * length..(first + solved.len() / width) * length];
            rows_in_order(&stages, first, length, t, solved, step);
        }
    });
    let solved = solved.as_slice();
    InOrder {
        value: Tensor::from_fn([batch, length], |i| solved[i / length * width + i % length]),
        log_det: Tensor::from_fn([batch], |row| solved[row * width + length]),
    }
}

/// The same for some rows of the batch, from row `first` on, into T results and the sum of log-slopes a row.
fn rows_in_order<T: Real>(
    stages: &Stages<T>,
    first: usize,
    length: usize,
    t: &[T],
    solved: &mut [T],
    step: &Step<'_, T>,
) {
    let width = length + 1;
    let rows = solved.len() / width;
    let mut memory = stages.memory(first, rows, length);
    let [mut target, mut value, mut log_slope] = [(); 3].map(|()| vec![T::ZERO; rows]);
    let mut log_det = vec![0.0; rows];
    for i in 0..length {
        stages.step(i, &value, &mut memory);
        for (target, row) in target.iter_mut().zip(t.chunks_exact(length)) {
            *target = row[i];
        }
        step(&target, &memory.outputs, &mut value, &mut log_slope);
        for ((row, &value), (sum, slope)) in
            solved.chunks_exact_mut(width).zip(&value).zip(log_det.iter_mut().zip(&log_slope))
        {
            row[i] = value;
            *sum += slope.to_f64();
        }
    }
    for (row, &sum) in solved.chunks_exact_mut(width).zip(&log_det) {
        row[length] = T::from_f64(sum);
    }
}
