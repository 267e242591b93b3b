//! The lecture's models, one a file, in the lecture's order.

mod iaf;
mod maf;
mod nice;
mod real_nvp;

pub use iaf::Iaf;
pub use maf::{AutoregressiveConfig, Maf, Order};
pub use nice::{Nice, NiceConfig};
pub use real_nvp::{Norm, RealNvp, RealNvpConfig, RealNvpImageConfig};
