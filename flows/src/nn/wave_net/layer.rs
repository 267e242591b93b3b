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
        let &WaveNetConfig { channels, skip, layers, cycles, condition, .. } = config;
        let (dilation, among) = (1 << (l % layers), cycles * layers);
        let residual = if l + 1 < among { channels } else { 0 };
        let scaled = |inputs: usize| Init::Normal { std: 1.0 / (inputs as f64).sqrt() };
        let gate = Linear::new(2 * channels, 2 * channels, scaled(2 * channels), rng);
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

    /// The residual and the skip, from `h` and from `h` at `dilation` steps earlier; all are `[batch, steps, …]`. Without
    /// `earlier` there are zeros in its place.
    pub(super) fn apply(
        &self,
        h: &Var<T>,
        earlier: Option<&Var<T>>,
        shift: Option<&Var<T>>,
    ) -> (Option<Var<T>>, Var<T>) {
        let channels = self.channels;
        let sums = match earlier {
            Some(earlier) => self.gate.apply(&Var::concat(2, &[h, earlier])),
            None => h.matmul_t(&self.gate.weight.on(h).slice(1, 0..channels)) + self.gate.bias.on(h),
        };
        let sums = match shift {
            Some(shift) => sums + shift,
            None => sums,
        };
        let filter = sums.slice(2, 0..channels).then(Unary::Tanh);
        let gate = sums.slice(2, channels..2 * channels).then(Unary::Sigmoid);
        let out = self.out.apply(&(filter * gate));
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
