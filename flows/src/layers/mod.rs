//! Bijections, one a file.

mod additive_coupling;
mod dequantise;
mod logit;
mod permutation;
mod rescaling;
mod split;
mod standardise;

pub use additive_coupling::AdditiveCoupling;
pub use dequantise::Dequantise;
pub use logit::Logit;
pub use permutation::Permutation;
pub use rescaling::Rescaling;
pub use split::Split;
pub use standardise::Standardise;
