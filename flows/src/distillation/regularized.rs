//! ClariNet's loss: a KL in closed form, step by step, with a regularizer.

use crate::layers::{Autoregressive, Reads};
use crate::models::{Generated, ParallelWaveNet};
use crate::univariate::Mixture;
use crate::{Context, nn::Causal};
use autograd::{Real, Var};
use std::f64::consts::PI;

/// The standard deviation of a standard logistic distribution, π/√3.
const SPREAD: f64 = PI / 1.732_050_807_568_877_2;

/// The weight λ of the regularizer, as in the paper.
pub const REGULARIZER: f64 = 4.0;

/// The regularized divergence of Ping, Peng & Chen (2019, *ClariNet*), in nats per signal, between the student's
/// conditionals at noise `z`, `[batch, T]`, and its teacher's given the student's signal:
///
/// <!--
/// E_z Σₜ₌₁ᵀ [log(σₜ/sₜ) + (sₜ² + (mₜ − μₜ)²)/(2σₜ²) − ½ + λ(log σₜ − log sₜ)²]
/// mₜ, sₜ: student’s mean and deviation given the past,   μₜ, σₜ: teacher’s
/// -->
#[doc = include_str!("../../formulas/regularized-kl.html")]
///
/// Both conditionals are Gaussian in the paper. Here the student's are logistic and the teacher's mixtures, and Gaussians
/// of the same means and deviations take their place. The regularizer, of weight [`REGULARIZER`], is there because the KL
/// alone has steep slopes where a narrow student meets a narrow teacher: the paper's students did not train without it.
/// Returns the student's signal and the loss.
///
/// # Panics
/// If the teacher reads latents.
pub fn regularized_kl<T: Real, N: Causal<T>>(
    student: &ParallelWaveNet<T>,
    teacher: &Autoregressive<N, Mixture>,
    z: &Var<T>,
    cx: Context<'_, T>,
) -> (Var<T>, Var<T>) {
    assert!(teacher.reads() == Reads::Data, "distillation: the teacher must read data, not latents");
    let Generated { value, log_scale, shift } = student.generate(z, cx);
    let [mean, variance] = teacher.univariate().moments(&teacher.parameters(&value, cx));
    // log σ − log s, with the variance of the student's logistic.
    let apart = variance.ln().scale(0.5) - log_scale.shift(SPREAD.ln());
    let precise = (shift - mean).square() / variance;
    let kl = &apart + (apart.scale(-2.0).exp() + precise).scale(0.5).shift(-0.5);
    let loss = (kl + apart.square().scale(REGULARIZER)).sum_per_sample().mean_all();
    (value, loss)
}
