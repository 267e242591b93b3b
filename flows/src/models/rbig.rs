//! RBIG: marginals and rotations fitted to data one after another (lecture 8).
//!
//! Laparra, Camps-Valls & Malo, *Iterative Gaussianization: From ICA to Random Rotations*, 2011.

use crate::base::StandardNormal;
use crate::bijection::{Bijection, Chain};
use crate::flow::Flow;
use crate::layers::Rotation;
use crate::rbig::Marginals;
use autograd::Real;
use serde::{Deserialize, Serialize};

/// The sizes of an RBIG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RbigConfig {
    /// Dimensions of the data, D ≥ 1.
    pub dims: usize,
    /// Layers of marginals; a rotation between each two.
    pub layers: usize,
    /// How the distribution of each dimension is estimated.
    pub marginals: Marginals,
}

/// The model that [`Fitting`](crate::rbig::Fitting) fits, in the direction x → z.
///
/// <!--
/// z⁽ˡ⁾ᵢ = Φ⁻¹(F̂ᵢ⁽ˡ⁾(x⁽ˡ⁾ᵢ))                 each dimension made normal by itself
/// x⁽ˡ⁺¹⁾ = Q⁽ˡ⁾·z⁽ˡ⁾                          and all of them turned: log|det| = 0
/// log p(x) = log N(z⁽ᴸ⁾; 0, I) + Σ_l Σᵢ (ln f̂ᵢ⁽ˡ⁾(x⁽ˡ⁾ᵢ) − ln φ(z⁽ˡ⁾ᵢ))
/// -->
///
/// In each layer, fitted to what the layers before made of the data:
///
#[doc = include_str!("../../formulas/rbig.html")]
#[doc = include_str!("../../formulas/gaussianization-density.html")]
///
/// What is built here has these sizes and has seen no data: to be filled from a checkpoint. Nothing in it
/// is trained.
///
/// # On the slides
///
/// - **Lecture:** lecture 8, Gaussianization
/// - **Paper:** Laparra, Camps-Valls & Malo: RBIG (2011), §II
/// - **Command:** `zoo gaussianize two-moons`
/// - **File:** `flows/src/models/rbig.rs`
#[derive(Clone, Copy, Debug)]
pub struct Rbig;

impl Rbig {
    /// An RBIG that was fitted to nothing.
    #[must_use]
    pub fn build<T: Real>(config: &RbigConfig) -> Flow<T> {
        let &RbigConfig { dims, layers: count, marginals } = config;
        let mut layers: Vec<Box<dyn Bijection<T>>> = Vec::new();
        for i in 0..count {
            if i > 0 {
                layers.push(Box::new(Rotation::identity(dims)));
            }
            layers.push(marginals.unfitted(dims));
        }
        Flow::new(Chain::new(layers), StandardNormal, [dims])
    }
}
