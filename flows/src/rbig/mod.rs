//! Rotation-based iterative Gaussianization (Laparra, Camps-Valls & Malo 2011, RBIG): a flow without gradients.
//!
//! A flow's divergence from the data is that of its latents from a standard normal distribution, and splits in two:
//!
//! <!-- KL(p_data ‖ p_model) = KL(p_z ‖ N(0, I)),   z = f⁻¹(x) ~ p_z,   x ~ p_data -->
#![doc = include_str!("../../formulas/gaussian-kl.html")]
//! <!--
//! KL(p_z ‖ N(0, I)) = Σᵢ₌₁ᴰ KL(p_zᵢ ‖ N(0, 1)) + T(z)
//! T(z) = Σᵢ₌₁ᴰ H(zᵢ) − H(z)
//! -->
#![doc = include_str!("../../formulas/total-correlation.html")]
//!
//! [`Fitting::fit`] repeats two steps. Gaussianizing each dimension by itself ([`Marginals`]) takes the first sum to 0
//! and leaves the total correlation T unchanged. A rotation ([`Axes`]) changes neither KL nor H(z), and moves part of T
//! into the first sum, where the next marginals remove it.
//!
//! ```
//! use autograd::Tensor;
//! use flows::rbig::{Axes, Fitting, Marginals};
//! use rand::SeedableRng;
//! use std::ops::ControlFlow;
//!
//! // Points near a line.
//! let rows = Tensor::from_fn([400, 2], |i| ((i / 2 * 7 % 400) as f64 / 400.0) + 0.1 * ((i * i) as f64).sin());
//! let fitting = Fitting { layers: 5, marginals: Marginals::Histogram { bins: 20 }, axes: Axes::Principal };
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
//! let fitted = fitting.fit(&rows, &rows, &mut rng, |_| ControlFlow::Continue(())).unwrap();
//! assert!(fitted.total_correlation() > 0.5);
//! let z = fitted.flow().encode(&rows).unwrap();           // [400, 2], about normal
//! # assert!(z.all_finite());
//! ```

mod axes;
mod chance;
mod fit;
pub mod information;
mod marginals;

pub use axes::Axes;
pub use chance::chance;
pub use fit::{Earlier, Ending, FitError, Fitted, Fitting, Layer};
pub use marginals::Marginals;

use crate::{Bijection, Chain, Flow, StandardNormal, layers::Rotation};
use autograd::Real;
use serde::{Deserialize, Serialize};

/// The sizes of an RBIG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RbigConfig {
    /// Dimensions of the data, D ≥ 1.
    pub dims: usize,
    /// Layers of marginals, with a rotation between each two.
    pub layers: usize,
    /// How the distribution of each dimension is estimated.
    pub marginals: Marginals,
}

/// The model that [`Fitting`] fits, in the direction x → z.
///
/// Each layer is fitted to the output of the layers before it:
///
/// <!--
/// zᵢ⁽ˡ⁾ = Φ⁻¹(F̂ᵢ⁽ˡ⁾(xᵢ⁽ˡ⁾))   each dimension by itself
/// x⁽ˡ⁺¹⁾ = Q⁽ˡ⁾z⁽ˡ⁾   Q⁽ˡ⁾ orthogonal,   log|det| = 0
/// -->
#[doc = include_str!("../../formulas/rbig.html")]
/// <!-- log p(x) = log N(z; 0, I) + Σₗ₌₁ᴸ Σᵢ₌₁ᴰ (log fᵢ⁽ˡ⁾(xᵢ⁽ˡ⁾) − log φ(zᵢ⁽ˡ⁾)) -->
#[doc = include_str!("../../formulas/gaussianization-density.html")]
///
/// # On the slides
///
/// - **Lecture:** lecture 8, Gaussianization
/// - **Paper:** Laparra, Camps-Valls & Malo: RBIG (2011), §II
/// - **Command:** `zoo gaussianize two-moons`; on MNIST `zoo train rbig`
/// - **File:** `flows/src/rbig/mod.rs`
#[derive(Clone, Copy, Debug)]
pub struct Rbig;

impl Rbig {
    /// An RBIG of these sizes that has seen no data, to be filled from a checkpoint.
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
