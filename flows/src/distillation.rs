//! Probability density distillation: a student that samples fast learns the density of a teacher that does
//! not (van den Oord et al. 2018, *Parallel WaveNet*; lecture 8's MAF teacher and IAF student).
//!
//! <!--
//! KL(student ‖ teacher) = E_{x from the student} [log s(x) − log t(x)]
//! -->
//!
#![doc = include_str!("../formulas/distillation.html")]
//!
//! No data are needed for that: the student draws x itself, and knows its own density of it from the z that it kept.
//! The teacher, frozen, judges x in one pass; its gradient *by x* is what the student learns from, so that x
//! must stay on the tape. The difference is [`reverse_kl`], for any two flows. Its two halves pull against
//! each other: the teacher's alone is greatest where the student draws the teacher's mode again and again,
//! and it is the entropy, −log s(x), that keeps it from that.
//!
//! For a [`ParallelWaveNet`] student both halves have less noise than that, see [`logistic_terms`]. Samples
//! that are likely under the teacher may still sound faint, as KL(student ‖ teacher) may be small where the
//! student leaves a mode out; [`PowerSpectrum::loss`] compares them with real signals.

mod power;

pub use power::PowerSpectrum;

use crate::base::Base;
use crate::bijection::{Context, Mapped};
use crate::flow::Flow;
use crate::layers::{Autoregressive, Reads};
use crate::models::{Generated, ParallelWaveNet};
use crate::module::Module;
use crate::nn::Causal;
use crate::univariate::Univariate;
use autograd::{Real, Var};

/// The greatest log-ratio, in nats, that is told from greater ones.
const FARTHEST: f64 = 1e30;

/// Makes every parameter of a model a constant, for good: gradients pass it by on their way to what lies before,
/// which is all that a teacher is asked for, and less work. (`Param::set_trainable` thaws one.)
pub fn freeze<T: Real>(model: &(impl Module<T> + ?Sized)) {
    for (_, param) in model.params() {
        param.set_trainable(false);
    }
}

/// `log s(x) − log t(x)` in nats of what the student makes of the latents `z`, `[batch, …]`; shape `[batch]`.
/// Its mean over `z` from the base is `KL(student ‖ teacher)`.
///
/// <!--
/// x = f(z)
/// log s(x) = log p_Z(z) − log|det ∂x/∂z|           from the z that x was made from: no inverse
/// -->
///
#[doc = include_str!("../formulas/log-ratio.html")]
///
/// Differentiable in both flows; to train the student alone, [`freeze`] the teacher. A student whose
/// `to_data` is parallel (IAF) and a teacher whose `to_latent` is (MAF) make this two passes.
#[must_use]
pub fn log_ratio<T: Real>(student: &Flow<T>, teacher: &Flow<T>, z: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    log_ratio_to_energy(student, |x| -teacher.log_prob(x, cx), z, cx)
}

/// The same for a density that is known by its energy alone, `t(x) = exp(−U(x))/Z`: `log s(x) + U(x)`, which is
/// less than `log s(x) − log t(x)` by the constant log Z. This is how variational inference fits a flow to what
/// can be evaluated and not sampled (Rezende & Mohamed 2015, equation 15):
///
/// <!--
/// KL(q ‖ exp(−U)/Z) = E_{z ~ p_Z} [log q(x) + U(x)] + log Z
/// x = f(z),   log q(x) = log p_Z(z) − log|det ∂f(z)/∂z|
/// -->
///
#[doc = include_str!("../formulas/reverse-kl.html")]
///
/// `energy` maps x, `[batch, …]`, to U(x) in nats, `[batch]`.
#[must_use]
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
#[must_use]
pub fn reverse_kl<T: Real>(student: &Flow<T>, teacher: &Flow<T>, z: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    log_ratio(student, teacher, z, cx).mean_all()
}

/// The loss where a student begins far from its teacher: `KL` from [`log_ratio`]s r that are softened beyond c nats,
///
/// <!--
/// mean over the batch of  min(r, c) + c·log(max(r, c)/c)
/// -->
///
#[doc = include_str!("../formulas/softened.html")]
///
/// What an untrained student draws may be so unlikely under its teacher, by many powers of ten, that its gradient
/// would swamp all others or overflow. It still says where to go: beyond c it is divided by r/c. Below c nothing
/// is changed.
#[must_use]
pub fn softened<T: Real>(log_ratio: &Var<T>, c: f64) -> Var<T> {
    let near = log_ratio.clamp(f64::MIN, c);
    // Whatever is greater still must not make the sum infinite.
    let far = log_ratio.clamp(c, FARTHEST).scale(1.0 / c).ln().scale(c);
    (near + far).mean_all()
}

/// The two halves of `KL(student ‖ teacher)` for a batch of the student's signals, in nats a signal.
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
    #[must_use]
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
    /// The mean over the batch of `−Σ_t log t(y_t | x_1 … x_{t−1})`, averaged over several `y` for each `x`.
    /// The network sees x once.
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
/// <!--
/// x_t = m_t + s_t·z_t                  (m_t, s_t) from z before t: x_t given the past is logistic
/// entropy       = E Σ_t log s_t + 2T   as a logistic of scale s has the entropy log s + 2
/// cross-entropy = E Σ_t −log t(m_t + s_t·z'_t | x_1 … x_{t−1}),   mean over several fresh z'_t for each t
/// -->
///
/// A logistic of scale s has the entropy ln s + 2, so that the student's is
///
#[doc = include_str!("../formulas/student-entropy.html")]
///
/// The cross-entropy asks the teacher about fresh draws at each step, the mean of several:
///
#[doc = include_str!("../formulas/student-cross-entropy.html")]
///
/// The entropy has no noise but that of the scales. In the cross-entropy the teacher's network sees the path
/// x once, and each step's distribution is then asked about several draws of that step, not only about the
/// one that happened to be drawn (a Rao–Blackwellized estimate: the same expectation, less variance, at
/// hardly more work).
///
/// `draws` are noise of the same kind and shape as `z`, independent of it and of each other. (x is in step
/// with z: the one shift by a step is inside the networks.)
///
/// # Panics
/// If there are no draws, or the teacher reads latents.
#[must_use]
pub fn logistic_terms<T: Real, N: Causal<T>, U: Univariate<T>>(
    student: &ParallelWaveNet<T>,
    teacher: &Teacher<'_, T, N, U>,
    z: &Var<T>,
    draws: &[Var<T>],
    cx: Context<'_, T>,
) -> Terms<T> {
    assert!(!draws.is_empty(), "distillation: no draws to estimate the cross-entropy from");
    assert!(teacher.layer.reads() == Reads::Data, "distillation: this teacher reads latents, and has x last");
    let Generated { value, log_scale, shift } = student.generate(z, cx);
    let scale = log_scale.exp();
    let cross_entropy = teacher.cross_entropy(&value, draws.iter().map(|z| &scale * z + &shift), cx);
    let entropy = log_scale.sum_per_sample().mean_all().shift(2.0 * z.extent(1) as f64);
    Terms { value, cross_entropy, entropy }
}
