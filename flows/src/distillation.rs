//! Probability density distillation: a student that samples fast learns the density of a teacher that samples slowly
//! (van den Oord et al. 2018, *Parallel WaveNet*; lecture 8's MAF teacher and IAF student).
//!
//! <!-- KL(student ‖ teacher) = E_{x~s}[log s(x) − log t(x)] -->
#![doc = include_str!("../formulas/distillation.html")]
//!
//! No data are needed: the student draws x itself, and knows its density from the z that x was made from. The frozen
//! teacher evaluates log t(x) in one pass. The loss is [`reverse_kl`], for any two flows. The teacher's term alone would
//! make the student collapse to the teacher's mode; the entropy, −E log s(x), prevents that.
//!
//! This loss lets a student leave out much of what its teacher draws. So there are others, for any two flows:
//! [`forward_kl`] on the teacher's samples, both together ([`jeffreys`]), and regression to the teacher's map ([`guided`]).
//!
//! For a [`ParallelWaveNet`] student, [`logistic_terms`] has less variance. A student that misses a mode can have a small
//! KL and faint samples; [`PowerSpectrum::loss`] compares them with real signals, and [`PowerSpectrum::paired_loss`] with
//! those of the same condition. [`regularized_kl`] is ClariNet's loss. [`forward_on_windows`] is the other KL, from the
//! teacher's signals to the student.

mod forward;
mod guided;
mod paired;
mod power;
mod regularized;
mod windows;

pub use forward::{forward_kl, forward_log_ratio, jeffreys};
pub use guided::{guided, initialize};
pub use power::PowerSpectrum;
pub use regularized::{REGULARIZER, regularized_kl};
pub use windows::forward_on_windows;

use crate::layers::{Autoregressive, Reads};
use crate::models::{Generated, ParallelWaveNet};
use crate::{Base, Context, Flow, Mapped, Module, nn::Causal, univariate::Univariate};
use autograd::{Real, Var};

/// Log-ratios are clamped to this many nats.
const FARTHEST: f64 = 1e30;

/// Makes every parameter of a model a constant: gradients pass through the model to its input, as a teacher needs, and
/// none are computed for the parameters. (`Param::set_trainable` undoes it.)
pub fn freeze<T: Real>(model: &(impl Module<T> + ?Sized)) {
    for (_, param) in model.params() {
        param.set_trainable(false);
    }
}

/// `log s(x) − log t(x)` in nats at the student's samples x from latents `z`, `[batch, …]`; shape `[batch]`. Its mean
/// over z from the base is `KL(student ‖ teacher)`.
///
/// <!-- x = f(z),   log s(x) = log p_Z(z) − log|det ∂f(z)/∂z| -->
#[doc = include_str!("../formulas/log-ratio.html")]
///
/// Differentiable in both flows; [`freeze`] the teacher to train the student alone. With an IAF as student and a MAF as
/// teacher, both directions are parallel.
pub fn log_ratio<T: Real>(student: &Flow<T>, teacher: &Flow<T>, z: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    log_ratio_to_energy(student, |x| -teacher.log_prob(x, cx), z, cx)
}

/// The same for an unnormalized density `t(x) = exp(−U(x))/Z`: `log s(x) + U(x)`, which leaves out the constant log Z.
/// This is how variational inference fits a flow to a density that can be evaluated but not sampled (Rezende & Mohamed
/// 2015, equation 15):
///
/// <!--
/// KL(q ‖ exp(−U)/Z) = E_{z~p_Z}[log q(x) + U(x)] + log Z,   x = f(z)
/// log q(x) = log p_Z(z) − log|det ∂f(z)/∂z|
/// -->
#[doc = include_str!("../formulas/reverse-kl.html")]
///
/// `energy` maps x, `[batch, …]`, to U(x) in nats, `[batch]`.
pub fn log_ratio_to_energy<T: Real>(
    student: &Flow<T>,
    energy: impl FnOnce(&Var<T>) -> Var<T>,
    z: &Var<T>,
    cx: Context<'_, T>,
) -> Var<T> {
    let Mapped { value: x, log_det } = student.bijection().to_data(z, cx);
    student.base().log_prob(z) - log_det + energy(&x)
}

/// `KL(student ‖ teacher)` in nats, the mean of [`log_ratio`] over the batch: the loss.
pub fn reverse_kl<T: Real>(student: &Flow<T>, teacher: &Flow<T>, z: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    log_ratio(student, teacher, z, cx).mean_all()
}

/// The loss for a student that starts far from its teacher: KL from [`log_ratio`]s r, softened beyond c nats:
///
/// <!-- mean[min(r, c) + c log(max(r, c)/c)] -->
#[doc = include_str!("../formulas/softened.html")]
///
/// An untrained student's samples may be so unlikely under the teacher that their gradient overflows or swamps all
/// others. Beyond c it is divided by r/c. Below c nothing changes.
pub fn softened<T: Real>(log_ratio: &Var<T>, c: f64) -> Var<T> {
    let near = log_ratio.clamp(f64::MIN, c);
    let far = log_ratio.clamp(c, FARTHEST).scale(1.0 / c).ln().scale(c);
    (near + far).mean_all()
}

/// The two terms of `KL(student ‖ teacher)` for a batch of the student's signals, in nats per signal.
#[derive(Clone, Debug)]
pub struct Terms<T: Real> {
    /// The student's signals x, `[batch, T]`, on the tape.
    pub value: Var<T>,
    /// `−E log t(x)`, a scalar.
    pub cross_entropy: Var<T>,
    /// `−E log s(x)`, a scalar.
    pub entropy: Var<T>,
}

impl<T: Real> Terms<T> {
    /// `KL(student ‖ teacher)` = cross-entropy − entropy: the loss.
    pub fn kl(&self) -> Var<T> {
        &self.cross_entropy - &self.entropy
    }
}

/// The teacher of [`logistic_terms`]: a layer that reads data, and the distribution of its latents.
#[derive(Debug)]
pub struct Teacher<'a, T: Real, N, U> {
    /// The map between data and latents.
    pub layer: &'a Autoregressive<N, U>,
    /// The distribution of the latents.
    pub base: &'a dyn Base<T>,
}

impl<T: Real, N: Causal<T>, U: Univariate<T>> Teacher<'_, T, N, U> {
    /// The mean over the batch of `−Σ_t log t(y_t | x_1 … x_{t−1})`, averaged over several y for each x. The network is
    /// evaluated once.
    fn cross_entropy(&self, x: &Var<T>, ys: impl ExactSizeIterator<Item = Var<T>>, cx: Context<'_, T>) -> Var<T> {
        let (parameters, count) = (self.layer.parameters(x, cx), ys.len());
        let log_prob = |y: Var<T>| {
            let mapped = self.layer.univariate().to_latent(&y, &parameters);
            self.base.log_prob(&mapped.value) + mapped.log_deriv.sum_per_sample()
        };
        let sum = ys.map(log_prob).reduce(|sum, term| sum + term);
        sum.expect("there is a draw").mean_all().scale(-1.0 / count as f64)
    }
}

/// Cross-entropy and entropy of a logistic student at noise `z`, `[batch, T]`, standard logistic.
///
/// A logistic distribution with scale s has entropy ln s + 2, so the student's is
///
/// <!--
/// xₜ = mₜ(z_<t) + sₜ(z_<t)·zₜ,   zₜ ~ Logistic(0, 1)
/// H(student) = E_z[Σₜ₌₁ᵀ log sₜ(z_<t)] + 2T
/// -->
#[doc = include_str!("../formulas/student-entropy.html")]
///
/// The cross-entropy evaluates the teacher at several fresh draws z′ for each step:
///
/// <!-- H(student, teacher) = E_z Σₜ₌₁ᵀ E_{zₜ′}[−log t(mₜ + sₜzₜ′ | x₁, … , xₜ₋₁)] -->
#[doc = include_str!("../formulas/student-cross-entropy.html")]
///
/// The teacher's network is evaluated once, on the path x. Several draws for each step have the same expectation with
/// less variance (Rao–Blackwellization). `draws` are noise like `z`, independent of it and of each other.
///
/// # Panics
/// If there are no draws, or the teacher reads latents.
pub fn logistic_terms<T: Real, N: Causal<T>, U: Univariate<T>>(
    student: &ParallelWaveNet<T>,
    teacher: &Teacher<'_, T, N, U>,
    z: &Var<T>,
    draws: &[Var<T>],
    cx: Context<'_, T>,
) -> Terms<T> {
    assert!(!draws.is_empty(), "distillation: no draws to estimate the cross-entropy from");
    assert!(teacher.layer.reads() == Reads::Data, "distillation: the teacher must read data, not latents");
    let Generated { value, log_scale, shift } = student.generate(z, cx);
    let scale = log_scale.exp();
    let cross_entropy = teacher.cross_entropy(&value, draws.iter().map(|z| &scale * z + &shift), cx);
    let entropy = log_scale.sum_per_sample().mean_all().shift(2.0 * z.extent(1) as f64);
    Terms { value, cross_entropy, entropy }
}
