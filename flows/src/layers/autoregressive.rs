//! The affine autoregressive layer, which makes MAF one way round and IAF the other.

use crate::bijection::{Bijection, Context, Mapped};
use crate::module::{Module, Visitor};
use crate::nn::{Made, Network};
use autograd::{Real, Var};
use serde::{Deserialize, Serialize};

/// Whose earlier dimensions the network reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// x's: masked autoregressive flow (Papamakarios et al. 2017).
    Data,
    /// z's: inverse autoregressive flow (Kingma et al. 2016).
    Latent,
}

/// How far a log-scale may go: `s ← 10·tanh(s/10)`, which is s itself to within a thousandth below
/// 0.5 and keeps far inputs from overflowing. A factor of e¹⁰ = 22,000 is more than data ask for.
const BOUND: f64 = 10.0;

/// What the network's two numbers for each dimension, `(m, s)`, mean. Both use s softly bounded to ±10.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// `μ = m`, `α = s`.
    #[default]
    None,
    /// `α = log σ(s)`, `μ = (1 − σ(s))·m`: never stretches, and mixes old and new (IAF's equation 14).
    Sigmoid,
}

/// An affine map of each dimension, chosen by the dimensions before it, on `[batch, D]`:
///
/// ```text
/// xᵢ = exp(αᵢ)·zᵢ + μᵢ       (μᵢ, αᵢ) from x_<i (MAF) or from z_<i (IAF)
/// zᵢ = (xᵢ − μᵢ)·exp(−αᵢ)
/// log|det ∂x/∂z| = Σ α,  log|det ∂z/∂x| = −Σ α
/// ```
///
/// The Jacobian is triangular. MAF has all of x at once in `to_latent`, one parallel pass; `to_data`
/// needs x_<i for xᵢ and goes through the dimensions in order. IAF is the reverse. The sequential
/// direction costs the multiply-adds of one pass here, not of D: see [`Made::in_order`].
#[derive(Debug)]
pub struct AffineAutoregressive<T: Real> {
    net: Made<T>,
    reads: Reads,
    gate: Gate,
}

impl<T: Real> AffineAutoregressive<T> {
    /// A layer whose network gives two numbers for each dimension.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    pub fn new(net: Made<T>, reads: Reads, gate: Gate) -> Self {
        assert!(net.outputs() == 2, "autoregressive: a network with {} outputs a dimension, not 2", net.outputs());
        Self { net, reads, gate }
    }

    /// `(μ, α)` of the dimensions that these outputs of the network are for.
    fn affine(&self, outputs: &Var<T>) -> (Var<T>, Var<T>) {
        let (batch, dims) = (outputs.extent(0), outputs.extent(1) / 2);
        let pairs = outputs.reshape([batch, dims, 2]);
        let [m, s] = [0, 1].map(|j| pairs.slice(2, j..j + 1).reshape([batch, dims]));
        let s = s.scale(1.0 / BOUND).tanh().scale(BOUND);
        match self.gate {
            Gate::None => (m, s),
            Gate::Sigmoid => ((-&s).sigmoid() * m, s.log_sigmoid()),
        }
    }

    /// The direction whose input the network reads: one pass.
    fn parallel(&self, input: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let (shift, log_scale) = self.affine(&self.net.apply(input, cx.condition));
        let log_det = log_scale.sum_per_sample();
        match self.reads {
            Reads::Data => Mapped { value: (input - shift) * (-log_scale).exp(), log_det: -log_det },
            Reads::Latent => Mapped { value: input * log_scale.exp() + shift, log_det },
        }
    }

    /// The dimensions' own map in the direction whose result the network reads.
    fn step(&self, target: &Var<T>, outputs: &Var<T>) -> Var<T> {
        let (shift, log_scale) = self.affine(outputs);
        match self.reads {
            Reads::Data => target * log_scale.exp() + shift,
            Reads::Latent => (target - shift) * (-log_scale).exp(),
        }
    }

    /// The direction whose result the network reads: through the dimensions in order. Its
    /// log-determinant is that of the other direction, at the result.
    fn sequential(&self, target: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let recorded = target.tape().is_some();
        let value = if recorded {
            self.net.in_order_recorded(target, cx.condition, &|t, outputs| self.step(&t, &outputs))
        } else {
            let condition = cx.condition.map(Var::value);
            Var::from(self.net.in_order(target.value(), condition, &|t, outputs, y| self.step_rows(t, outputs, y)))
        };
        let Mapped { log_det, .. } = self.parallel(&value, cx);
        Mapped { value, log_det: -log_det }
    }

    /// [`Self::step`] of one dimension over some rows.
    fn step_rows(&self, target: &[T], outputs: &[T], y: &mut [T]) {
        let (shifts, log_scales) = outputs.split_at(target.len());
        for (((y, &t), m), s) in y.iter_mut().zip(target).zip(shifts).zip(log_scales) {
            let (t, m, s) = (t.to_f64(), m.to_f64(), BOUND * (s.to_f64() / BOUND).tanh());
            let (shift, log_scale) = match self.gate {
                Gate::None => (m, s),
                // log σ(s) = −ln(1 + e⁻ˢ), from the side on which e is small.
                Gate::Sigmoid => (m / (1.0 + s.exp()), s.min(0.0) - (-s.abs()).exp().ln_1p()),
            };
            *y = T::from_f64(match self.reads {
                Reads::Data => t * log_scale.exp() + shift,
                Reads::Latent => (t - shift) * (-log_scale).exp(),
            });
        }
    }

    /// The sequential direction by D whole passes: the reference that the fast way is compared with.
    #[must_use]
    pub fn sequential_by_passes(&self, target: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        let value = self.net.by_passes(target, cx.condition, &|t, outputs| self.step(t, &outputs));
        let Mapped { log_det, .. } = self.parallel(&value, cx);
        Mapped { value, log_det: -log_det }
    }
}

impl<T: Real> Bijection<T> for AffineAutoregressive<T> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        match self.reads {
            Reads::Data => self.parallel(x, cx),
            Reads::Latent => self.sequential(x, cx),
        }
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        match self.reads {
            Reads::Data => self.sequential(z, cx),
            Reads::Latent => self.parallel(z, cx),
        }
    }
}

impl<T: Real> Module<T> for AffineAutoregressive<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.part("net", &self.net);
    }
}
