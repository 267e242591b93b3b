//! Gaussianization flows: trainable marginals and rotations (lecture 8).
//!
//! Meng, Song, Song & Ermon, *Gaussianization Flows*, 2020.

use crate::layers::{Householder, KernelMarginal, PatchRotation, Patches};
use crate::{Bijection, Chain, Flow, StandardNormal};
use autograd::Real;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The sizes of a Gaussianization flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianizationConfig {
    /// Dimensions of the data, D ≥ 1.
    pub dims: usize,
    /// Layers of marginals, with a rotation between each two.
    pub layers: usize,
    /// Logistic kernels for each dimension of each layer.
    pub kernels: usize,
    /// Householder reflections in each rotation, at most the dimensions D that it rotates (of a patch, if there are
    /// patches): D of them give any rotation, up to a reflection.
    pub reflections: usize,
    /// Rotations within patches of images; without it a rotation mixes all dimensions.
    pub patches: Option<PatchRotations>,
}

/// Rotations within patches of images. Every other layer's patches are shifted by half a patch in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchRotations {
    /// Channels, height and width.
    pub image: [usize; 3],
    /// Height and width of a patch, which divide those of the image.
    pub side: usize,
    /// Whether all patches share one rotation.
    pub shared: bool,
}

/// The model of the lecture's Gaussianization slides, in the direction x → z.
///
/// A layer Gaussianizes each dimension by itself, by a mixture of kernels with distribution function F and density f
/// ([`KernelMarginal`]), and rotates the result by a product of reflections ([`Householder`]). Over L layers:
///
/// <!-- log p(x) = log N(z; 0, I) + Σₗ₌₁ᴸ Σᵢ₌₁ᴰ (log fᵢ⁽ˡ⁾(xᵢ⁽ˡ⁾) − log φ(zᵢ⁽ˡ⁾)) -->
#[doc = include_str!("../../formulas/gaussianization-density.html")]
///
/// w, μ, h and v are trained. [`Flow::initialize`] makes it an RBIG with random rotations: μ are data rows, mapped by
/// the layers before. On MNIST the paper reports 1.29 bits per dimension.
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
    /// A Gaussianization flow over rows of D values, to be initialized from data.
    ///
    /// # Panics
    /// If there are no kernels, the patches do not divide their image, or the image does not fill the row.
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
