//! WaveNet: a causal network of dilated convolutions over a signal.

mod adjoint;
mod in_order;
mod layer;
mod recorded;

use super::{Causal, Init, Linear, Network, RecordedStep, Step};
use crate::{Mapped, module::parameters};
pub use adjoint::Kept as WaveNetKept;
use autograd::{Real, Tensor, Var, elementwise::Unary};
use layer::Layer;
use rand::Rng;

/// The sizes of a [`WaveNet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaveNetConfig {
    /// Units C of each layer at each step of time.
    pub channels: usize,
    /// Units of the sum of skip connections.
    pub skip: usize,
    /// Layers in one cycle, of dilations 1, 2, 4 … 2^(layers − 1).
    pub layers: usize,
    /// Cycles of dilations.
    pub cycles: usize,
    /// Outputs for each step, the parameters of its conditional.
    pub outputs: usize,
    /// Features of a condition on the whole signal; 0 without one.
    pub condition: usize,
    /// Features F of a track, a condition on each step; 0 without one.
    pub track: usize,
}

impl WaveNetConfig {
    /// How many steps back the outputs see: `1 + cycles·(2^layers − 1)`. One is the shift at the entrance, the others are
    /// the dilations.
    pub fn receptive_field(&self) -> usize {
        1 + self.cycles * ((1 << self.layers) - 1)
    }
}

/// A stack of dilated causal convolutions (van den Oord et al. 2016, WaveNet),
/// `[batch, T] → [batch, T·outputs]`: the outputs of step t depend only on the inputs before t.
///
/// ```text
/// h_t  = V·x_{t−1} + c                                  the entrance
/// u_t  = tanh(W_f·[h_t, h_{t−d}, y_t] + b_f + U_f·c) ⊙ σ(W_g·[h_t, h_{t−d}, y_t] + b_g + U_g·c)
/// h_t ← h_t + R·u_t + r,   k_t ← k_t + S·u_t + s        in each layer, d = 1, 2, 4 … in each cycle
/// outputs of t = A·relu(B·relu(k_t) + b) + a
/// ```
///
/// The input is shifted by one step at the entrance. Before the start of the signal all layers see 0. Signals may have any
/// length. Filter and gate share a weight `[2C, 2C + F]` (rows: filter, gate; columns: now, d steps before, the track),
/// residual and skip another, `[C + skip, C]`. The last layer has no residual, since nothing would read it.
///
/// The condition of a row is c, on the whole signal (the paper's global conditioning), and behind it y, the track of F
/// features for each step (local conditioning): `[batch, condition + T·F]`, the features of a step side by side. The
/// outputs of step t may depend on the track up to and at t. Without a condition c and y are 0.
#[derive(Debug)]
pub struct WaveNet<T: Real> {
    outputs: usize,
    condition: usize,
    track: usize,
    entrance: Linear<T>,
    layers: Vec<Layer<T>>,
    head: [Linear<T>; 2],
}

impl<T: Real> WaveNet<T> {
    /// A network whose gates keep the scale of activations (Glorot & Bengio 2010) and whose outputs start small. The sum of
    /// the residuals (and of the skips) of all layers has the scale of one.
    ///
    /// # Panics
    /// If a size other than the condition's is 0, or `layers` is above 30.
    pub fn new(config: &WaveNetConfig, rng: &mut dyn Rng) -> Self {
        let &WaveNetConfig { channels, skip, layers: count, cycles, outputs, condition, track } = config;
        assert!([channels, skip, count, cycles, outputs].iter().all(|&size| size > 0), "WaveNet: a size is 0");
        assert!(count <= 30, "WaveNet: {count} layers a cycle, more than any signal is long");
        // Not collected, which would allocate for all of them before an outline counts the first.
        let mut layers = Vec::new();
        for l in 0..cycles.saturating_mul(count) {
            layers.push(Layer::new(l, config, rng));
        }
        let entrance = Linear::new(1, channels, Init::Normal { std: 1.0 }, rng);
        let head = [(skip, 1.0), (outputs, 0.1)].map(|(units, gain)| Linear::new(skip, units, Init::He { gain }, rng));
        Self { outputs, condition, track, entrance, layers, head }
    }

    /// The same network with outputs that start at 0.
    pub fn zero_initialized(self) -> Self {
        self.head[1].weight.update(|w| w.fill(T::ZERO));
        self
    }

    /// The same network with each step's outputs starting near these values, which become the biases.
    ///
    /// # Panics
    /// If there is not one value for each output.
    pub fn starting_at(self, outputs: &[f64]) -> Self {
        assert!(outputs.len() == self.outputs, "WaveNet: {} values for {} outputs", outputs.len(), self.outputs);
        self.head[1].bias.update(|b| b.iter_mut().zip(outputs).for_each(|(b, &x)| *b = T::from_f64(x)));
        self
    }

    /// What the condition on the whole signal adds to the gates of each layer, `[batch, 1, 2C]`, and the track,
    /// `[batch, steps, F]`, for a signal x, `[batch, steps]`.
    fn given(&self, x: &Var<T>, condition: Option<&Var<T>>) -> Given<T> {
        let (batch, steps) = (x.extent(0), x.extent(1));
        let (own, all) = (self.condition, self.condition + steps * self.track);
        if let Some(found) = condition.map(|condition| condition.extent(1)) {
            assert!(found == all, "WaveNet: a condition of {found} features, not {all} for {steps} steps");
        }
        let whole = condition.filter(|_| own > 0).map(|condition| condition.slice(1, 0..own));
        let shifts = self.layers.iter().map(|layer| layer.shift(whole.as_ref()?)).collect();
        let shape = [batch, steps, self.track];
        let track = (self.track > 0).then(|| match condition {
            Some(condition) => condition.slice(1, own..all).reshape(shape),
            None => x.constant_like(Tensor::zeros(shape)),
        });
        Given { shifts, track }
    }

    /// The outputs from the sum of skip connections, `[batch, steps, skip] → [batch, steps, outputs]`.
    fn end(&self, skip: Var<T>, kept: Option<&mut WaveNetKept<T>>) -> Var<T> {
        let [first, second] = &self.head;
        let skip = skip.then(Unary::Relu);
        let h = first.apply(&skip).then(Unary::Relu);
        if let Some(kept) = kept {
            kept.head = vec![skip.into_value(), h.value().clone()];
        }
        second.apply(&h)
    }

    /// The outputs. Leaves filters, gates, and what the head computes in `kept`.
    fn pass(&self, x: &Var<T>, condition: Option<&Var<T>>, mut kept: Option<&mut WaveNetKept<T>>) -> Var<T> {
        let (batch, length) = (x.extent(0), x.extent(1));
        let Given { shifts, track } = self.given(x, condition);
        let before = earlier(&x.reshape([batch, length, 1]), 1);
        let before = before.unwrap_or_else(|| x.zeros_like().reshape([batch, length, 1]));
        let mut h = self.entrance.apply(&before);
        let mut skips: Option<Var<T>> = None;
        for (layer, shift) in self.layers.iter().zip(&shifts) {
            let earlier = earlier(&h, layer.dilation());
            let [filter, gate] = layer.gates(&h, earlier.as_ref(), track.as_ref(), shift.as_ref());
            if let Some(kept) = &mut kept {
                kept.gates.push([&filter, &gate].map(|value| value.value().clone()));
            }
            let (residual, skip) = layer.split(&(filter * gate));
            skips = add(skips, skip);
            if let Some(residual) = residual {
                h = h + residual;
            }
        }
        self.end(skips.expect("there are layers"), kept).reshape([batch, length * self.outputs])
    }
}

/// A condition as the layers take it.
struct Given<T: Real> {
    shifts: Vec<Option<Var<T>>>,
    track: Option<Var<T>>,
}

/// `h_{t−d}` at each t, `[batch, T, C]`; none if all of it lies before the start.
fn earlier<T: Real>(h: &Var<T>, dilation: usize) -> Option<Var<T>> {
    let length = h.extent(1);
    (dilation < length).then(|| h.slice(1, 0..length - dilation).pad(1, dilation, 0))
}

/// A sum with one more term.
fn add<T: Real>(sum: Option<Var<T>>, term: Var<T>) -> Option<Var<T>> {
    match sum {
        Some(sum) => Some(sum + term),
        None => Some(term),
    }
}

impl<T: Real> Network<T> for WaveNet<T> {
    fn apply(&self, x: &Var<T>, condition: Option<&Var<T>>) -> Var<T> {
        self.pass(x, condition, None)
    }
}

impl<T: Real> Causal<T> for WaveNet<T> {
    type Kept = WaveNetKept<T>;

    fn apply_keeping(&self, x: &Var<T>, condition: Option<&Var<T>>) -> (Var<T>, Self::Kept) {
        let mut kept = WaveNetKept::new(self);
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

parameters!(WaveNet: entrance, layers, head; activation = "relu", filter = "tanh", gate = "sigmoid");
