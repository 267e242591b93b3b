//! WaveNet's sequential direction on plain values, each unit computed once (see [`Causal`](crate::nn::Causal)).
//!
//! Each layer keeps what it read in the last `dilation` steps in a ring, whose oldest entry is what the convolution needs
//! (Le Paine et al. 2016, Fast WaveNet). A step of time then costs the same as in a parallel pass, whatever the length.
//!
//! Values are laid out `[row][unit]` and weights `[input][output]`, so products with few rows still fill their vectors.

use super::{Given, WaveNet, layer::Layer};
use crate::nn::{Linear, Step};
use crate::{Mapped, nn::causal::in_groups};
use autograd::elementwise::{Binary, Unary};
use autograd::{Real, Tensor, Var, parallel};

/// Rows of the batch in one group: with more of them the rings leave the cache.
const ROWS: usize = 16;

/// Rows in each group of a batch: groups of nearly the same size, for all threads.
pub(super) fn group_size(batch: usize) -> usize {
    let threads = parallel::threads();
    batch.div_ceil(threads * batch.div_ceil(threads * ROWS).max(1)).max(1)
}

/// A linear layer, as plain values.
struct Plain<T: Real> {
    weight: Tensor<T>,
    /// The distance of weights between two inputs, and between two outputs.
    strides: (usize, usize),
    bias: Tensor<T>,
}

impl<T: Real> Plain<T> {
    /// For groups of one row or of several: one row alone is multiplied by dot products along the inputs.
    fn new(linear: &Linear<T>, lone: bool) -> Self {
        let (weight, bias) = (linear.weight.value(), linear.bias.value());
        if lone {
            return Self { strides: (1, weight.shape()[1]), weight, bias };
        }
        Self { strides: (bias.shape()[0], 1), weight: Var::from(weight).transpose().into_value(), bias }
    }

    /// Adds the products of the inputs in `from`, numbered from `input`, to the outputs in `to`, numbered from `output`.
    fn add(&self, rows: usize, input: usize, output: usize, from: &[T], to: &mut [T]) {
        let (inputs, outputs) = (from.len() / rows, to.len() / rows);
        let weight = &self.weight.as_slice()[input * self.strides.0 + output * self.strides.1..];
        T::gemm(true, [rows, inputs, outputs], (from, (inputs, 1)), (weight, self.strides), to, outputs);
    }

    /// All outputs.
    fn apply(&self, rows: usize, from: &[T], to: &mut [T]) {
        repeat(self.bias.as_slice(), to);
        self.add(rows, 0, 0, from, to);
    }
}

/// Copies these values into each row.
fn repeat<T: Real>(values: &[T], to: &mut [T]) {
    to.chunks_exact_mut(values.len()).for_each(|row| row.copy_from_slice(values));
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
    fn new(layer: &Layer<T>, shift: Option<Var<T>>, lone: bool) -> Self {
        let (gate, out) = (Plain::new(&layer.gate, lone), Plain::new(&layer.out, lone));
        let shift = shift.map(Var::into_value);
        Self { dilation: layer.dilation(), residual: layer.residual(), gate, out, shift }
    }

    /// The start of the sums of filter and gate, for some rows of the batch.
    fn beginning(&self, first: usize, rows: usize) -> Vec<T> {
        let units = self.gate.bias.shape()[0];
        let mut sums = vec![T::ZERO; rows * units];
        repeat(self.gate.bias.as_slice(), &mut sums);
        if let Some(shift) = &self.shift {
            T::binary_assign(Binary::Add, &mut sums, &shift.as_slice()[first * units..(first + rows) * units]);
        }
        sums
    }
}

/// The network, as plain values.
struct Stages<T: Real> {
    entrance: Plain<T>,
    stages: Vec<Stage<T>>,
    /// All layers' biases of the skips.
    skip: Vec<T>,
    head: [Plain<T>; 2],
    /// `[batch, steps, F]`.
    track: Option<Tensor<T>>,
}

/// The memory of one group of rows, so that a step of time allocates nothing.
struct Memory<T> {
    /// The group's first row in the batch, and how many they are.
    first: usize,
    rows: usize,
    /// What each layer read in the last steps; the entry of step t is t modulo the ring's length.
    rings: Vec<Vec<T>>,
    beginnings: Vec<Vec<T>>,
    track: Vec<T>,
    h: Vec<T>,
    sums: Vec<T>,
    gated: Vec<T>,
    skips: Vec<T>,
    head: Vec<T>,
    outputs: Vec<T>,
}

impl<T: Real> Stages<T> {
    fn new(net: &WaveNet<T>, t: &Tensor<T>, condition: Option<&Tensor<T>>, lone: bool) -> Self {
        let condition = condition.map(|c| Var::from(c.clone()));
        let Given { shifts, track } = net.given(&t.clone().into(), condition.as_ref());
        let stages = net.layers.iter().zip(shifts).map(|(layer, shift)| Stage::new(layer, shift, lone));
        let stages: Vec<_> = stages.collect();
        let mut skip = vec![T::ZERO; net.head[0].weight.shape()[1]];
        for stage in &stages {
            T::binary_assign(Binary::Add, &mut skip, &stage.out.bias.as_slice()[stage.residual..]);
        }
        let head = net.head.each_ref().map(|linear| Plain::new(linear, lone));
        let track = track.map(Var::into_value);
        Self { entrance: Plain::new(&net.entrance, lone), stages, skip, head, track }
    }

    /// Memory for some rows of the batch, from row `first` on, over a signal of this length.
    fn memory(&self, first: usize, rows: usize, length: usize) -> Memory<T> {
        let channels = self.entrance.bias.shape()[0];
        let room = |units: usize| vec![T::ZERO; rows * units];
        Memory {
            first,
            rows,
            rings: self.stages.iter().map(|stage| room(stage.dilation.min(length) * channels)).collect(),
            beginnings: self.stages.iter().map(|stage| stage.beginning(first, rows)).collect(),
            track: room(self.track.as_ref().map_or(0, |track| track.shape()[2])),
            h: room(channels),
            sums: room(2 * channels),
            gated: room(channels),
            skips: room(self.skip.len()),
            head: room(self.skip.len()),
            outputs: room(self.head[1].bias.shape()[0]),
        }
    }

    /// The outputs of step `t`, given the values one step before.
    fn step(&self, t: usize, before: &[T], memory: &mut Memory<T>) {
        let Memory { first, rows, rings, beginnings, track, h, sums, gated, skips, head, outputs } = memory;
        let (rows, width) = (*rows, h.len());
        let channels = width / rows;
        if let Some(tracks) = &self.track {
            let (steps, features) = (tracks.shape()[1], tracks.shape()[2]);
            for (row, track) in track.chunks_exact_mut(features).enumerate() {
                let at = ((*first + row) * steps + t) * features;
                track.copy_from_slice(&tracks.as_slice()[at..at + features]);
            }
        }
        self.entrance.apply(rows, before, h);
        repeat(&self.skip, skips);
        for ((stage, ring), beginning) in self.stages.iter().zip(rings).zip(beginnings) {
            let at = t % (ring.len() / width) * width;
            let oldest = &mut ring[at..at + width];
            sums.copy_from_slice(beginning);
            stage.gate.add(rows, 0, 0, h, sums);
            // Before the start there are only zeros.
            if t >= stage.dilation {
                stage.gate.add(rows, channels, 0, oldest, sums);
            }
            if !track.is_empty() {
                stage.gate.add(rows, 2 * channels, 0, track, sums);
            }
            oldest.copy_from_slice(h);
            for (sums, gated) in sums.chunks_exact_mut(2 * channels).zip(gated.chunks_exact_mut(channels)) {
                let (filter, gate) = sums.split_at_mut(channels);
                T::unary_in_place(Unary::Tanh, filter);
                T::unary_in_place(Unary::Sigmoid, gate);
                T::binary(Binary::Mul, filter, gate, gated);
            }
            stage.out.add(rows, 0, stage.residual, gated, skips);
            if stage.residual > 0 {
                for row in h.chunks_exact_mut(channels) {
                    T::binary_assign(Binary::Add, row, &stage.out.bias.as_slice()[..channels]);
                }
                stage.out.add(rows, 0, 0, gated, h);
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
) -> Mapped<T> {
    assert!(t.shape().rank() == 2, "in order: signals of shape {}, not [batch, T]", t.shape());
    let (batch, length) = (t.shape()[0], t.shape()[1]);
    let each = group_size(batch);
    let stages = Stages::new(net, t, condition, each == 1);
    in_groups(t, each, |first, t, solved| rows_in_order(&stages, first, length, t, solved, step))
}

/// Solves some rows of the batch, from row `first` on.
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
    let mut parameters = memory.outputs.clone();
    let [mut target, mut value, mut log_deriv] = [(); 3].map(|()| vec![T::ZERO; rows]);
    let mut log_det = vec![0.0; rows];
    for i in 0..length {
        stages.step(i, &value, &mut memory);
        let outputs = memory.outputs.len() / rows;
        T::transpose([rows, outputs], &memory.outputs, outputs, &mut parameters, rows);
        for (target, row) in target.iter_mut().zip(t.chunks_exact(length)) {
            *target = row[i];
        }
        step(&target, &parameters, &mut value, &mut log_deriv);
        for (row, solved) in solved.chunks_exact_mut(width).enumerate() {
            solved[i] = value[row];
            log_det[row] += log_deriv[row].to_f64();
        }
    }
    for (solved, &sum) in solved.chunks_exact_mut(width).zip(&log_det) {
        solved[length] = T::from_f64(sum);
    }
}
