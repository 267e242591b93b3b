//! The lecture's models, one a file, in the lecture's order.

mod nice;

pub use nice::{Nice, NiceConfig};
