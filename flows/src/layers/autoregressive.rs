//! The autoregressive layer, which makes MAF one way round and IAF the other.

use super::{Conditional, Elementwise};
use crate::bijection::{Bijection, Context, Mapped};
use crate::module::{Module, Visitor};
use crate::nn::Causal;
use autograd::{Real, Var};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whose earlier dimensions the network reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// x's: masked autoregressive flow (Papamakarios et al. 2017).
    Data,
    /// z's: inverse autoregressive flow (Kingma et al. 2016).
    Latent,
}

/// An increasing map of each dimension, chosen by the dimensions before it, on `[batch, D]`; with
/// [`Affine`](super::Affine) conditionals a scale and a shift.
///
/// <!--
/// xᵢ = exp(αᵢ)·zᵢ + μᵢ       (μᵢ, αᵢ) from x_<i (MAF) or from z_<i (IAF)
/// zᵢ = (xᵢ − μᵢ)·exp(−αᵢ)
/// log|det ∂x/∂z| = Σ α,  log|det ∂z/∂x| = −Σ α
/// -->
///
/// Where the network reads x (MAF), in both directions:
///
#[doc = include_str!("../../formulas/maf.html")]
#[doc = include_str!("../../formulas/maf-determinant.html")]
///
/// Where it reads z (IAF):
///
#[doc = include_str!("../../formulas/iaf.html")]
#[doc = include_str!("../../formulas/iaf-determinant.html")]
///
/// With [`Mixture`](super::Mixture) conditionals, on a base of their kind, each dimension given those before it has a
/// mixture's density.
///
/// The Jacobian is triangular. MAF has all of x at once in `to_latent`, one parallel pass; `to_data`
/// needs x_<i for xᵢ and goes through the dimensions in order. IAF is the reverse. The sequential
/// direction costs the multiply-adds of one pass here, not of D: see [`Causal::in_order`].
#[derive(Debug)]
pub struct Autoregressive<N, C> {
    net: N,
    conditional: C,
    reads: Reads,
    whole_passes: Arc<WholePasses>,
}

/// Whether the sequential direction is computed by D whole passes of the network.
#[derive(Debug, Default)]
struct WholePasses(AtomicBool);

/// Runs `f` while every autoregressive layer of `model` computes its sequential direction by D whole passes of its
/// network, as other libraries do. This is slow: the reference for tests and timings.
pub fn with_whole_passes<T: Real, R>(model: &(impl Module<T> + ?Sized), f: impl FnOnce() -> R) -> R {
    let layers = Visitor::handles::<WholePasses>(model);
    let set = |on: bool| layers.iter().for_each(|layer| layer.0.store(on, Ordering::Relaxed));
    set(true);
    let result = f();
    set(false);
    result
}

impl<N, C> Autoregressive<N, C> {
    /// A layer whose network gives each dimension the parameters of its conditional.
    ///
    /// # Panics
    /// If it gives another number of them.
    #[must_use]
    pub fn new<T: Real>(net: N, conditional: C, reads: Reads) -> Self
    where
        N: Causal<T>,
        C: Conditional<T>,
    {
        let (given, needed) = (net.outputs(), conditional.parameters());
        assert!(given == needed, "autoregressive: a network with {given} outputs a dimension, not {needed}");
        Self { net, conditional, reads, whole_passes: Arc::default() }
    }

    /// What maps each dimension under the network's parameters for it.
    #[must_use]
    pub fn conditional(&self) -> &C {
        &self.conditional
    }

    /// Whose earlier dimensions the network reads.
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.reads
    }

    /// The parameters of all conditionals, `[batch, D, parameters]`, given what the network reads: one pass.
    #[must_use]
    pub fn parameters<T: Real>(&self, read: &Var<T>, cx: Context<'_, T>) -> Var<T>
    where
        N: Causal<T>,
        C: Conditional<T>,
    {
        let parameters = self.net.apply(read, cx.condition);
        parameters.reshape([read.extent(0), read.extent(1), self.conditional.parameters()])
    }

    /// The direction whose input the network reads, one pass: each number with its own log-derivative.
    #[must_use]
    pub fn parallel<T: Real>(&self, input: &Var<T>, cx: Context<'_, T>) -> Elementwise<T>
    where
        N: Causal<T>,
        C: Conditional<T>,
    {
        let parameters = self.parameters(input, cx);
        match self.reads {
            Reads::Data => self.conditional.to_latent(input, &parameters),
            Reads::Latent => self.conditional.to_data(input, &parameters),
        }
    }

    /// The direction whose result the network reads, of some dimensions whose parameters are known.
    fn step<T: Real>(&self, target: &Var<T>, outputs: &Var<T>) -> Var<T>
    where
        C: Conditional<T>,
    {
        let parameters = outputs.reshape([target.extent(0), target.extent(1), self.conditional.parameters()]);
        match self.reads {
            Reads::Data => self.conditional.to_data(target, &parameters).value,
            Reads::Latent => self.conditional.to_latent(target, &parameters).value,
        }
    }

    /// The direction whose result the network reads: through the dimensions in order.
    fn sequential<T: Real>(&self, target: &Var<T>, cx: Context<'_, T>) -> Mapped<T>
    where
        N: Causal<T>,
        C: Conditional<T>,
    {
        if self.whole_passes.0.load(Ordering::Relaxed) {
            let value = self.net.by_passes(target, cx.condition, &|t, outputs| self.step(t, outputs));
            return self.with_log_det(value, cx);
        }
        if target.tape().is_some() {
            let value = self.net.in_order_recorded(target, cx.condition, &|t, outputs| self.step(t, outputs));
            return self.with_log_det(value, cx);
        }
        let step = |t: &[T], parameters: &[T], y: &mut [T], log_deriv: &mut [T]| match self.reads {
            Reads::Data => self.conditional.to_data_rows(t, parameters, y, log_deriv),
            Reads::Latent => self.conditional.to_latent_rows(t, parameters, y, log_deriv),
        };
        let solved = self.net.in_order(target.value(), cx.condition.map(Var::value), &step);
        Mapped { value: solved.value.into(), log_det: solved.log_det.into() }
    }

    /// The log-determinant of the sequential direction is that of the other one at the result, with
    /// the other sign.
    fn with_log_det<T: Real>(&self, value: Var<T>, cx: Context<'_, T>) -> Mapped<T>
    where
        N: Causal<T>,
        C: Conditional<T>,
    {
        let log_det = -self.parallel(&value, cx).log_deriv.sum_per_sample();
        Mapped { value, log_det }
    }

    fn mapped<T: Real>(&self, input: &Var<T>, cx: Context<'_, T>, parallel: bool) -> Mapped<T>
    where
        N: Causal<T>,
        C: Conditional<T>,
    {
        if !parallel {
            return self.sequential(input, cx);
        }
        let Elementwise { value, log_deriv } = self.parallel(input, cx);
        Mapped { value, log_det: log_deriv.sum_per_sample() }
    }
}

impl<T: Real, N: Causal<T>, C: Conditional<T>> Bijection<T> for Autoregressive<N, C> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        self.mapped(x, cx, self.reads == Reads::Data)
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        self.mapped(z, cx, self.reads == Reads::Latent)
    }
}

impl<T: Real, N: Module<T>, C> Module<T> for Autoregressive<N, C> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.part("net", &self.net);
        visitor.handle(self.whole_passes.clone());
    }
}
