//! Bijections, one a file.

mod act_norm;
mod additive_coupling;
mod affine_coupling;
mod autoregressive;
mod batch_norm;
mod bracket;
mod conditional;
mod dequantise;
mod factor_out;
mod features;
mod logit;
mod mask;
mod mint;
mod partition;
mod permutation;
mod planar;
mod rescaling;
mod reshape;
mod split;
mod squeeze;
mod standardise;

pub use act_norm::ActNorm;
pub use additive_coupling::AdditiveCoupling;
pub use affine_coupling::AffineCoupling;
pub use autoregressive::{Autoregressive, Reads};
pub use batch_norm::BatchNorm;
pub(crate) use conditional::softly_bounded;
pub use conditional::{Affine, Conditional, Elementwise, Gate, Kind, Mixture};
pub use dequantise::Dequantise;
pub use factor_out::FactorOut;
pub use logit::Logit;
pub use mask::Mask;
pub use mint::{Mint, Solution};
pub use partition::Partition;
pub use permutation::Permutation;
pub use planar::Planar;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use split::Split;
pub use squeeze::Squeeze;
pub use standardise::Standardise;

use features::per_feature;
