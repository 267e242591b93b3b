//! Arithmetic over slices: the only place with `unsafe`.

pub(crate) mod conv;
mod gemm;
pub(crate) mod half;
pub mod lanes;
mod map;
pub(crate) mod math;
mod matmul;
pub(crate) mod optimizer;
mod reduce;
pub mod scratch;
pub mod simd;
mod slices;
pub(crate) mod staircase;

pub(crate) use conv::{Batch, Conv2d, Multiply, Plan, Transform};
pub(crate) use gemm::Gemm;
pub(crate) use math::Math;
pub(crate) use matmul::matmul;
pub(crate) use reduce::Extent;
pub(crate) use slices::SliceKernels;
