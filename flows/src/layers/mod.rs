//! Bijections, one a file.

mod act_norm;
mod additive_coupling;
mod affine_coupling;
mod autoregressive;
mod batch_norm;
mod conditional;
mod dequantise;
mod factor_out;
mod features;
mod histogram_marginal;
mod implicit;
mod kernel_marginal;
mod logit;
mod mask;
mod mint;
mod partition;
mod permutation;
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
pub use conditional::{Affine, Conditional, Elementwise, Gate, Kind, Mixture};
pub use dequantise::Dequantise;
pub use factor_out::FactorOut;
pub use histogram_marginal::HistogramMarginal;
pub use kernel_marginal::KernelMarginal;
pub use logit::Logit;
pub use mask::Mask;
pub use mint::{Mint, Solution};
pub use partition::Partition;
pub use permutation::Permutation;
pub use rescaling::Rescaling;
pub use reshape::Reshape;
pub use split::Split;
pub use squeeze::Squeeze;
pub use standardise::Standardise;

use features::per_feature;
