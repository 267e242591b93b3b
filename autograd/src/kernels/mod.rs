//! Arithmetic over slices: the only place with `unsafe`.

pub(crate) mod conv;
pub(crate) mod double;
pub mod eights;
mod element;
mod fast;
mod gemm;
mod lanes;
mod map;
pub(crate) mod marginal;
pub(crate) mod optimize;
mod product;
mod reduce;
mod simd;
pub(crate) mod stairs;

pub(crate) use conv::Conv2d;
pub(crate) use conv::Convolve;
pub(crate) use conv::taps::plan::Plan;
pub(crate) use gemm::Gemm;
pub(crate) use lanes::Lanes;
pub(crate) use marginal::Marginal;
pub(crate) use product::matmul;
