//! MADE: one network for all conditionals of an autoregressive density.

mod adjoint;
mod columns;
mod in_order;
mod recorded;

pub use adjoint::Kept as MadeKept;

use super::{Activation, Causal, Init, Linear, MaskedLinear, Network, RecordedStep, Step};
use crate::Mapped;
use crate::module::{Module, Visitor};
use autograd::{Real, Tensor, Var, outline};
use rand::Rng;

/// The sizes of a [`Made`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeConfig {
    /// Dimensions D of the input, at least 1.
    pub dims: usize,
    /// Units in each hidden layer.
    pub hidden: Vec<usize>,
    /// Outputs for each dimension, the parameters of its conditional.
    pub outputs: usize,
    /// Features of the condition; 0 without one.
    pub condition: usize,
    /// The nonlinearity.
    pub activation: Activation,
    /// Whether the network reads `sign(x)·ln(1 + |x|)` in place of its input x.
    pub symlog: bool,
}

/// `sign(x)·ln(1 + |x|)`, which is close to x near 0 and grows slowly far from it (Hafner et al. 2023, `DreamerV3`, for
/// observations). A network that reads it does not extrapolate far when an input is unlike any that it was trained on.
fn symlog<T: Real>(x: &Var<T>) -> Var<T> {
    x.abs().ln1p() * x.sign()
}

/// [`symlog`] of one value.
fn symlog_of<T: Real>(x: T) -> T {
    let x = x.to_f64();
    T::from_f64(x.abs().ln_1p().copysign(x))
}

/// A masked autoencoder (Germain et al. 2015, MADE), `[batch, D] → [batch, D·outputs]`: the outputs of dimension i depend
/// only on the inputs before i.
///
/// # The mask
///
/// Every unit has a degree m, and weights that would let an output depend on a later input are masked, M = 0:
///
/// <!--
/// Mₖⱼ = 1 where m(j) ≤ m(k)   hidden unit k
/// Mᵢⱼ = 1 where m(j) < i   output of dimension i
/// m(i) = i for inputs,   m(k) = max(1, ⌈ k·(D − 1)/H ⌉ ) for hidden unit k = 1…H
/// -->
#[doc = include_str!("../../formulas/made-mask.html")]
///
/// Degrees rise with k and are spread evenly, so every mask is a staircase (see [`autograd::StaircaseMask`]) and the
/// sequential direction can compute [each unit once](Causal#the-sequential-direction-each-unit-once). For another order of
/// the dimensions, put a permutation before the network. All hidden units of the first layer, and all outputs, see the
/// condition.
#[derive(Debug)]
pub struct Made<T: Real> {
    dims: usize,
    outputs: usize,
    activation: Activation,
    symlog: bool,
    /// The hidden layers, and the outputs last.
    layers: Vec<MaskedLinear<T>>,
    /// What the condition adds to the first layer, and to the outputs if they are another layer.
    condition: Vec<Linear<T>>,
}

/// How many of these degrees, in rising order, are at most `degree`.
fn known(degrees: &[usize], degree: usize) -> usize {
    degrees.partition_point(|&d| d <= degree)
}

impl<T: Real> Made<T> {
    /// A network whose hidden weights keep the scale of activations (He et al. 2015) and whose outputs start small.
    ///
    /// # Panics
    /// If `dims` is 0 or a hidden layer has no units.
    pub fn new(config: &MadeConfig, rng: &mut dyn Rng) -> Self {
        let MadeConfig { dims, hidden, outputs, condition, activation, symlog } = config;
        let (dims, outputs) = (*dims, *outputs);
        assert!(dims > 0 && hidden.iter().all(|&units| units > 0), "MADE: no dimensions, or a layer without units");
        // Degrees and the mask's steps.
        let units = hidden.iter().fold(dims.saturating_mul(outputs), |sum, &units| sum.saturating_add(units));
        outline::spend(dims.saturating_add(units).saturating_mul(4));
        let degrees_of = |units: usize| (1..=units).map(|k| (k * (dims - 1)).div_ceil(units).max(1)).collect();
        let mut before: Vec<usize> = (1..=dims).collect();
        let mut layers = Vec::new();
        for &units in hidden {
            let degrees: Vec<usize> = degrees_of(units);
            // m(j) ≤ m(k)
            let seen: Vec<usize> = degrees.iter().map(|&d| known(&before, d)).collect();
            layers.push(MaskedLinear::new(before.len(), &seen, Init::He { gain: 1.0 }, rng));
            before = degrees;
        }
        // m(j) < i, where i = o / outputs + 1 counts from 1: m(j) ≤ o / outputs.
        let seen: Vec<usize> = (0..dims * outputs).map(|o| known(&before, o / outputs)).collect();
        layers.push(MaskedLinear::new(before.len(), &seen, Init::He { gain: 0.1 }, rng));
        let mut conditions = Vec::new();
        if *condition > 0 {
            let last = layers.len() - 1;
            let (first, outputs) = (layers[0].seen().len(), layers[last].seen().len());
            if last > 0 {
                conditions.push(Linear::new(*condition, first, Init::He { gain: 1.0 }, rng));
            }
            conditions.push(Linear::new(*condition, outputs, Init::He { gain: 0.1 }, rng));
        }
        Self { dims, outputs, activation: *activation, symlog: *symlog, layers, condition: conditions }
    }

    /// The same network with outputs that start at 0.
    pub fn zero_initialized(self) -> Self {
        let outputs = self.layers.last().map(|layer| &layer.weight).into_iter();
        for weight in outputs.chain(self.condition.last().map(|layer| &layer.weight)) {
            weight.update(|w| w.fill(T::ZERO));
        }
        self
    }

    /// The same network with each dimension's outputs starting near these values, which become the biases.
    ///
    /// # Panics
    /// If there is not one value for each output of a dimension.
    pub fn starting_at(self, outputs: &[f64]) -> Self {
        assert!(outputs.len() == self.outputs, "MADE: {} values for {} outputs", outputs.len(), self.outputs);
        let layer = self.layers.last().expect("there are outputs");
        layer.bias.set(Tensor::from_fn([self.dims * self.outputs], |o| T::from_f64(outputs[o % self.outputs])));
        self
    }

    /// Dimensions of the input.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// What the condition adds to layer `l`.
    fn shift_by_condition(&self, l: usize, condition: Option<&Var<T>>) -> Option<Var<T>> {
        let linear = match l {
            l if l + 1 == self.layers.len() => self.condition.last(),
            0 => self.condition.first(),
            _ => None,
        };
        Some(linear?.apply(condition?))
    }

    /// The outputs. Leaves each hidden layer's activations in `kept`.
    fn pass(&self, x: &Var<T>, condition: Option<&Var<T>>, mut kept: Option<&mut MadeKept<T>>) -> Var<T> {
        let mut h = if self.symlog { symlog(x) } else { x.clone() };
        for (l, layer) in self.layers.iter().enumerate() {
            if l > 0 {
                h = self.activation.apply(h);
                if let Some(kept) = &mut kept {
                    kept.hidden.push(h.value().clone());
                }
            }
            h = layer.apply(&h);
            if let Some(shift) = self.shift_by_condition(l, condition) {
                h = h + shift;
            }
        }
        h
    }
}

impl<T: Real> Network<T> for Made<T> {
    fn apply(&self, x: &Var<T>, condition: Option<&Var<T>>) -> Var<T> {
        self.pass(x, condition, None)
    }
}

impl<T: Real> Causal<T> for Made<T> {
    type Kept = MadeKept<T>;

    fn apply_keeping(&self, x: &Var<T>, condition: Option<&Var<T>>) -> (Var<T>, Self::Kept) {
        let mut kept = MadeKept::new(self, x.value());
        (self.pass(x, condition, Some(&mut kept)), kept)
    }

    fn adjoint(&self, kept: &Self::Kept, g: &Tensor<T>, a: &Tensor<T>, b: &Tensor<T>) -> Tensor<T> {
        adjoint::solve(self, kept, g, a, b)
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn in_order(&self, t: &Tensor<T>, condition: Option<&Tensor<T>>, step: &Step<'_, T>) -> Mapped<T> {
        in_order::solve(self, t, condition, step)
    }

    fn in_order_recorded(&self, t: &Var<T>, condition: Option<&Var<T>>, step: &RecordedStep<'_, T>) -> Var<T> {
        recorded::solve(self, t, condition, step)
    }
}

impl<T: Real> Module<T> for Made<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("activation", self.activation.name());
        visitor.constant("input", if self.symlog { "symlog" } else { "x" });
        self.layers.visit(visitor);
        visitor.part("condition", &self.condition);
    }
}
