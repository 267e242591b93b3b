//! IAF: MAF with the roles of x and z exchanged (lecture 8).
//!
//! Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling, *Improving Variational Inference with Inverse
//! Autoregressive Flow*, 2016.

use super::maf::{AutoregressiveConfig, autoregressive};
use crate::flow::Flow;
use crate::layers::{Gate, Reads};
use autograd::Real;
use rand::Rng;

/// Inverse autoregressive flow, in the direction z → x.
///
/// <!--
/// (μᵢ, αᵢ) = MADE(z₁ … zᵢ₋₁)
/// xᵢ = exp(αᵢ)·zᵢ + μᵢ                     log|det ∂x/∂z| = Σ α
/// -->
///
/// The network reads z in place of x, so that from z to x all dimensions go at once:
///
#[doc = include_str!("../../formulas/iaf.html")]
#[doc = include_str!("../../formulas/iaf-determinant.html")]
///
/// Samples take one pass a layer, and a sample that the model drew itself keeps its z, so that its
/// density is one pass too ([`Flow::sample_with_log_prob`]). Densities of other points go through the
/// dimensions in order.
///
/// # On the slides
///
/// - **Lecture:** lecture 8, IAF
/// - **Paper:** Kingma et al.: IAF (2016), figure 2
/// - **Command:** `zoo train iaf`; MAF beside it: `zoo trade-off`
/// - **File:** `flows/src/models/iaf.rs`
#[derive(Clone, Copy, Debug)]
pub struct Iaf;

impl Iaf {
    /// An IAF over rows of D numbers; with [`Gate::Sigmoid`] in the paper's gated form. It starts without any
    /// dependence of one dimension on another (without a gate, as the identity).
    ///
    /// # Panics
    /// If it is to have more than one component: a mixture's z → x is the direction without a formula, and would
    /// be the one that an IAF is chosen for.
    #[must_use]
    pub fn build<T: Real>(config: &AutoregressiveConfig, gate: Gate, rng: &mut dyn Rng) -> Flow<T> {
        assert!(config.components == 1, "IAF: {} components, not 1", config.components);
        autoregressive(config, Reads::Latent, gate, rng)
    }
}
