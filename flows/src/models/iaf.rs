//! IAF: MAF with the roles of x and z exchanged (lecture 8).
//!
//! Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling, *Improving Variational Inference with Inverse
//! Autoregressive Flow*, 2016.

use super::maf::{AutoregressiveConfig, autoregressive};
use crate::{Flow, layers::Reads};
use autograd::Real;
use rand::Rng;

/// Inverse autoregressive flow, in the direction z → x.
///
/// The network reads z in place of x, so from z to x all dimensions are mapped at once:
///
/// <!--
/// xᵢ = exp(αᵢ(z_<i))·zᵢ + μᵢ(z_<i)   all i at once
/// zᵢ = (xᵢ − μᵢ(z_<i))·exp(−αᵢ(z_<i))   i = 1…D in order
/// -->
#[doc = include_str!("../../formulas/iaf.html")]
/// <!-- log|det ∂x/∂z| = Σᵢ₌₁ᴰ αᵢ(z_<i) -->
#[doc = include_str!("../../formulas/iaf-determinant.html")]
///
/// A sample takes one pass a layer. A sample that the model drew itself keeps its z, so its density is one pass too
/// ([`Flow::sample_with_log_prob`]). The density of another point takes the dimensions in order, in the work of about
/// one pass, and so does its gradient, in the work of a few. An IAF learns from data by maximum likelihood at about the
/// price of two steps of a MAF.
///
/// # On the slides
///
/// - **Lecture:** lecture 8, IAF
/// - **Paper:** Kingma et al.: IAF (2016), figure 2
/// - **Command:** `zoo train iaf`; next to MAF: `zoo maf-vs-iaf`
/// - **File:** `flows/src/models/iaf.rs`
#[derive(Clone, Copy, Debug)]
pub struct Iaf;

impl Iaf {
    /// An IAF over rows of D values. At first no dimension depends on another, and without a
    /// [`Gate`](super::Gate) the IAF is the identity.
    ///
    /// # Panics
    /// If it has more than one component: z → x of a mixture has no formula, and is the direction that an IAF is for.
    /// Also if `config.dims` is 0 or a hidden layer has no units.
    pub fn build<T: Real>(config: &AutoregressiveConfig, rng: &mut dyn Rng) -> Flow<T> {
        assert!(config.components == 1, "IAF: {} components, not 1", config.components);
        autoregressive(config, Reads::Latent, rng)
    }
}
