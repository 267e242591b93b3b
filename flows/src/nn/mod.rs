//! Networks and optimizers.

mod adam;
mod causal;
mod clip;
mod conv;
mod conv_coder;
mod ema;
mod init;
mod linear;
mod made;
mod masked_conv;
mod masked_linear;
mod mlp;
mod network;
mod resnet;
mod schedule;
mod sgd;
mod wave_net;

pub use adam::{Adam, AdamConfig};
pub use causal::{Causal, RecordedStep, Step};
pub use clip::clip_norm;
pub use conv::Conv2d;
pub use conv_coder::{ConvDecoder, ConvEncoder};
pub use ema::Ema;
pub use init::Init;
pub use linear::Linear;
pub use made::{Made, MadeConfig, MadeKept};
pub(crate) use masked_conv::is_positive;
pub use masked_conv::{ConvMask, MaskedConv2d};
pub use masked_linear::MaskedLinear;
pub(crate) use mlp::hidden_layers;
pub use mlp::{Activation, Mlp};
pub use network::Network;
pub use resnet::{ResNet, ResNetConfig};
pub use schedule::Schedule;
pub use sgd::Sgd;
pub use wave_net::{WaveNet, WaveNetConfig, WaveNetKept};
