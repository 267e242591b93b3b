//! The lecture's models, one a file, in the lecture's order.

mod nice;
mod real_nvp;

pub use nice::{Nice, NiceConfig};
pub use real_nvp::{Norm, RealNvp, RealNvpConfig, RealNvpImageConfig};
