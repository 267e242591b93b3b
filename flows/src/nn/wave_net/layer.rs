//! One dilated convolution with its gate, residual and skip.

use crate::nn::{Init, Linear, WaveNetConfig};
use crate::{Module, Visitor};
use autograd::{Real, Var, elementwise::Unary};
use rand::Rng;

/// The convolution of one dilation.
#[derive(Debug)]
pub(super) struct Layer<T: Real> {
    dilation: usize,
    channels: usize,
    residual: usize,
    pub(super) gate: Linear<T>,
    condition: Option<Linear<T>>,
    pub(super) out: Linear<T>,
}

impl<T: Real> Layer<T> {
    /// Layer `l`. The sum of what all layers add has the scale of one.
    pub(super) fn new(l: usize, config: &WaveNetConfig, rng: &mut dyn Rng) -> Self {
        let &WaveNetConfig { channels, skip, layers, cycles, condition, track, .. } = config;
        let (dilation, among) = (1 << (l % layers), cycles.saturating_mul(layers));
        let residual = if l + 1 < among { channels } else { 0 };
        let scaled = |inputs: usize| Init::Normal { std: 1.0 / (inputs as f64).sqrt() };
        let read = 2 * channels + track;
        let gate = Linear::new(read, 2 * channels, scaled(read), rng);
        let condition = (condition > 0).then(|| Linear::new(condition, 2 * channels, scaled(condition), rng));
        let out = Linear::new(channels, residual + skip, scaled(channels * among), rng);
        Self { dilation, channels, residual, gate, condition, out }
    }

    /// The distance between the two steps of time that it sees.
    pub(super) fn dilation(&self) -> usize {
        self.dilation
    }

    /// Units of its residual; they come before those of its skip.
    pub(super) fn residual(&self) -> usize {
        self.residual
    }

    /// What the condition adds to filter and gate, `[batch, 1, 2C]`.
    pub(super) fn shift(&self, condition: &Var<T>) -> Option<Var<T>> {
        let shift = self.condition.as_ref()?.apply(condition);
        Some(shift.reshape([shift.extent(0), 1, 2 * self.channels]))
    }

    /// Filter and gate, from `h` and from `h` at `dilation` steps earlier; all are `[batch, steps, C]`. Without `earlier`
    /// there are zeros in its place. `track` is `[batch, steps, F]`.
    pub(super) fn gates(
        &self,
        h: &Var<T>,
        earlier: Option<&Var<T>>,
        track: Option<&Var<T>>,
        shift: Option<&Var<T>>,
    ) -> [Var<T>; 2] {
        let channels = self.channels;
        let read: Vec<&Var<T>> = [Some(h), earlier, track].into_iter().flatten().collect();
        let read = if read.len() == 1 { h.clone() } else { Var::concat(2, &read) };
        let weight = self.gate.weight.on(h);
        let weight = match (earlier, track) {
            (Some(_), _) => weight,
            (None, None) => weight.slice(1, 0..channels),
            (None, Some(_)) => {
                let all = weight.extent(1);
                Var::concat(1, &[&weight.slice(1, 0..channels), &weight.slice(1, 2 * channels..all)])
            }
        };
        let sums = read.matmul_t(&weight) + self.gate.bias.on(h);
        let sums = match shift {
            Some(shift) => sums + shift,
            None => sums,
        };
        [sums.slice(2, 0..channels).then(Unary::Tanh), sums.slice(2, channels..2 * channels).then(Unary::Sigmoid)]
    }

    /// The residual and the skip, `[batch, steps, …]`, of filter times gate.
    pub(super) fn split(&self, gated: &Var<T>) -> (Option<Var<T>>, Var<T>) {
        let out = self.out.apply(gated);
        let all = out.extent(2);
        let residual = (self.residual > 0).then(|| out.slice(2, 0..self.residual));
        (residual, out.slice(2, self.residual..all))
    }
}

impl<T: Real> Module<T> for Layer<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.constant("dilation", self.dilation as f64);
        visitor.part("gate", &self.gate);
        visitor.part("condition", &self.condition);
        visitor.part("out", &self.out);
    }
}
