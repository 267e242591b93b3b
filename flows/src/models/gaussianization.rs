//! Gaussianization flows: trainable marginals and rotations (lecture 8).
//!
//! Meng, Song, Song & Ermon, *Gaussianization Flows*, 2020.

use crate::base::StandardNormal;
use crate::bijection::{Bijection, Chain};
use crate::flow::Flow;
use crate::layers::{Householder, KernelMarginal, PatchRotation, Patches};
use autograd::Real;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The sizes of a Gaussianization flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianizationConfig {
    /// Dimensions of the data, D ≥ 1.
    pub dims: usize,
    /// Layers of marginals; a rotation between each two.
    pub layers: usize,
    /// Logistic kernels for each dimension of each layer.
    pub kernels: usize,
    /// Householder reflections in each rotation. As many as there are dimensions make any rotation, up to a
    /// reflection.
    pub reflections: usize,
    /// How rotations go over images; without it they turn all dimensions together.
    pub patches: Option<PatchRotations>,
}

/// Rotations within the patches of images. Every other layer's patches are shifted by half a patch both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchRotations {
    /// Channels, height and width.
    pub image: [usize; 3],
    /// Pixels of a patch, down and across: both sides of the image are multiples of it.
    pub side: usize,
    /// Whether all patches are turned alike.
    pub shared: bool,
}

/// The model of the lecture's Gaussianization slides, in the direction x → z.
///
/// <!--
/// zᵢ = Φ⁻¹(F_i(x_i))       F_i(x) = Σₖ wₖᵢ·σ((x − μₖᵢ)/hₖᵢ)        each dimension made normal by itself
/// x ← H₁·H₂⋯Hₙ·z            H = I − 2·v·vᵀ/|v|²                      and all of them turned
///   ⋮
/// log p(x) = log N(z; 0, I) + Σ over layers and i of (ln fᵢ(xᵢ) − ln φ(zᵢ))
/// -->
///
/// A layer makes each dimension normal by itself,
///
#[doc = include_str!("../../formulas/kernel-marginal.html")]
///
/// and the rotation of what that gives is a product of reflections:
///
#[doc = include_str!("../../formulas/householder.html")]
///
/// Over L layers:
///
#[doc = include_str!("../../formulas/gaussianization-density.html")]
///
/// All of w, μ, h and v are trained. [`Flow::initialize`] starts it as RBIG with random rotations: μ are data rows, as
/// the layers before carry them on. On MNIST the paper reports 1.29 bits per dimension.
///
/// # On the slides
///
/// - **Lecture:** lecture 8, Gaussianization
/// - **Paper:** Meng et al.: Gaussianization Flows (2020), §4
/// - **Command:** `zoo train gaussianization`
/// - **File:** `flows/src/models/gaussianization.rs`
#[derive(Clone, Copy, Debug)]
pub struct GaussianizationFlow;

impl GaussianizationFlow {
    /// A Gaussianization flow over rows of D numbers, to be started from data.
    ///
    /// # Panics
    /// If there are no kernels, or patches do not fill their image or the row.
    #[must_use]
    pub fn build<T: Real>(config: &GaussianizationConfig, rng: &mut dyn Rng) -> Flow<T> {
        let &GaussianizationConfig { dims, layers: count, kernels, reflections, patches } = config;
        let mut layers: Vec<Box<dyn Bijection<T>>> = Vec::new();
        for i in 0..count {
            if i > 0 {
                layers.push(match patches {
                    None => Box::new(Householder::new(1, dims, reflections, rng)),
                    Some(PatchRotations { image, side, shared }) => {
                        assert!(image.iter().product::<usize>() == dims, "patches of {image:?} in rows of {dims}");
                        let shift = [i % 2 * (side / 2); 2];
                        Box::new(PatchRotation::new(Patches { image, side, shift }, shared, reflections, rng))
                    }
                });
            }
            layers.push(Box::new(KernelMarginal::new(dims, kernels)));
        }
        Flow::new(Chain::new(layers), StandardNormal, [dims])
    }
}
