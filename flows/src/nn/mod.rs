//! Networks and what trains them.

mod adam;
mod clip;
mod ema;
mod init;
mod linear;
mod mlp;
mod schedule;
mod sgd;

pub use adam::{Adam, AdamConfig};
pub use clip::clip_norm;
pub use ema::Average;
pub use init::Init;
pub use linear::Linear;
pub use mlp::{Activation, Mlp};
pub use schedule::Schedule;
pub use sgd::Sgd;
