//! The lecture's models, one per file. In the lecture's order: [`Vae`] (the recap), [`PlanarFlow`], [`Nice`],
//! [`RealNvp`], [`Maf`] (one layer of it is MADE), [`Iaf`], [`WaveNetFlow`], [`ParallelWaveNet`], [`MintNet`],
//! [`Rbig`], [`GaussianizationFlow`].

mod gaussianization;
mod iaf;
mod maf;
mod mint_net;
mod nice;
mod parallel_wave_net;
mod planar;
mod real_nvp;
mod vae;
mod wave_net;

pub use crate::rbig::{Rbig, RbigConfig};
pub use gaussianization::{GaussianizationConfig, GaussianizationFlow, PatchRotations};
pub use iaf::Iaf;
pub use maf::{AutoregressiveConfig, Gate, Maf, Order};
pub use mint_net::{MintNet, MintNetConfig, MintScale};
pub use nice::{Nice, NiceConfig};
pub use parallel_wave_net::{Generated, ParallelWaveNet, ParallelWaveNetConfig};
pub use planar::{PlanarBase, PlanarConfig, PlanarFlow};
pub use real_nvp::{Norm, RealNvp, RealNvpConfig, RealNvpImageConfig};
pub use vae::{Coder, Drawn, Elbo, Likelihood, Posterior, Refinement, Vae, VaeConfig};
pub use wave_net::{WaveNetFlow, WaveNetFlowConfig, WaveNetLayer};
