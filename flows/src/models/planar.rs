//! The planar flow, whose layers each bend space along one direction (lecture 7).
//!
//! Rezende & Mohamed, *Variational Inference with Normalizing Flows*, 2015.

use crate::layers::{Planar, Standardize};
use crate::{Bijection, Chain, Flow, StandardNormal, Uniform};
use autograd::Real;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The base distribution of a planar flow. Both have mean 0 and variance 1 in each dimension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanarBase {
    /// N(0, I).
    #[default]
    Gaussian,
    /// Uniform on [−√3, √3] in each dimension. The log-density is −∞ where no latent is mapped to.
    Uniform,
}

/// The sizes of a planar flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanarConfig {
    /// Dimensions of the data, D ≥ 1.
    pub dims: usize,
    /// Planar layers.
    pub layers: usize,
    /// The base distribution.
    pub base: PlanarBase,
    /// Features of the condition; 0 without one.
    pub condition: usize,
}

/// K planar layers, in the direction z → x:
///
/// <!--
/// zₖ = zₖ₋₁ + ûₖ tanh aₖ,   aₖ = wₖᵀzₖ₋₁ + bₖ,   k = 1…K,   x = z_K
/// log p(x) = log p_Z(z₀) − Σₖ₌₁ᴷ log(1 + (1 − tanh² aₖ)·wₖᵀûₖ)
/// -->
#[doc = include_str!("../../formulas/planar-density.html")]
///
/// The shift of each layer depends on a point only through wᵀz, so it takes many layers to do what one coupling does.
/// The density of a given point takes a root for each layer, that of a sample does not (see [`Planar`]). So the flow is
/// fitted to energies by its own samples ([`log_ratio_to_energy`](crate::distillation::log_ratio_to_energy)), and refines
/// the posterior of a variational autoencoder. It starts as the identity.
///
/// # On the slides
///
/// - **Lecture:** lecture 7, planar flows
/// - **Paper:** Rezende & Mohamed: planar flows (2015), figures 1 and 3, table 1
/// - **Command:** `zoo planar`
/// - **File:** `flows/src/models/planar.rs`
#[derive(Clone, Copy, Debug)]
pub struct PlanarFlow;

impl PlanarFlow {
    /// A planar flow over rows of D values.
    pub fn build<T: Real>(config: &PlanarConfig, rng: &mut dyn Rng) -> Flow<T> {
        let &PlanarConfig { dims, layers: count, base, condition } = config;
        let mut layers: Vec<Box<dyn Bijection<T>>> = Vec::new();
        for _ in 0..count {
            layers.push(Box::new(Planar::new(dims, condition, rng)));
        }
        let flow = match base {
            PlanarBase::Gaussian => Flow::new(Chain::new(layers), StandardNormal, [dims]),
            PlanarBase::Uniform => {
                let half = 3f64.sqrt();
                layers.push(Box::new(Standardize::new(&vec![-half; dims], &vec![2.0 * half; dims])));
                Flow::new(Chain::new(layers), Uniform, [dims])
            }
        };
        flow.conditioned_on(condition)
    }
}
