//! Products of matrices and convolutions in half precision, on the matrix units of recent processors.
//!
//! Both factors are rounded to bfloat16, which has 8 significant bits; products and sums are in `f32`. That is several
//! times as fast as `f32` throughout, and accurate enough for the gradients of a training step (Micikevicius et al.
//! 2018; Kalamkar et al. 2019). Evaluation stays in `f32`.
//!
//! - [`tiles`]: the instructions (Intel AMX) and whether the machine has them;
//! - [`pack`]: factors, rounded and in the order in which tiles are loaded;
//! - [`dense`]: products of matrices, also under a staircase mask;
//! - [`conv`]: convolutions of stride 1;
//! - [`places`]: images among the zeros of their padding.
//!
//! Sums do not depend on the number of threads.

pub(super) mod conv;
pub(super) mod dense;
pub(super) mod pack;
mod places;
mod tiles;

use crate::parallel;
use crate::real::Real;

/// The elements as `f32`, if half precision is asked for, the machine has matrix units, and they are `f32`.
pub(super) fn wanted<T: Real>() -> bool {
    size_of::<T>() == size_of::<f32>() && parallel::is_half() && tiles::are_there()
}

/// Whether [`crate::parallel::in_half_precision`] makes a difference on this machine.
pub(crate) fn is_available() -> bool {
    tiles::are_there()
}

#[cfg(test)]
mod tests;
