//! A tape, tensors, and derivatives.
//!
//! A [`Var`] is a value and perhaps a place on a [`Tape`]: the data carries the tape, so the same
//! code trains, samples and is checked. Derivatives are written once, in terms of `Var`s
//! themselves, so they can be differentiated again.
//!
//! ```
//! use autograd::{Param, Tape, Tensor};
//!
//! // Fit y = w·x to y = 3·x by gradient descent.
//! let w = Param::new(Tensor::from_slice([1, 1], &[0.0]));
//! let x = Tensor::from_slice([4, 1], &[1.0, 2.0, 3.0, 4.0]);
//! for _ in 0..50 {
//!     let tape = Tape::new();
//!     let x = tape.constant(x.clone());             // x knows its tape …
//!     let y = x.matmul_t(&w.on(&x));                // … and w becomes a leaf of it
//!     let loss = (y - x.scale(3.0)).square().mean_all();
//!     let gradients = tape.backward(&loss);
//!     let slope = gradients.of(&w).unwrap().item();
//!     w.update(|w| w[0] -= 0.05 * slope);
//! }
//! assert!((w.value().item() - 3.0f64).abs() < 1e-6);
//! ```
//!
//! Where to read on: [`Var`] has the operations, [`diff`] the derivatives of functions ([`diff::jvp`],
//! [`diff::vjp`], [`diff::jacobian`], [`diff::hvp`]), [`check`] the finite differences that they are
//! held against, [`sharded`] a batch over several threads. In the source, `op.rs` is the whole
//! vocabulary, `rules.rs` every derivative, `tape.rs` the sweep.

#![deny(missing_docs)]

pub mod check;
pub mod diff;
pub mod elementwise;
mod eval;
mod gradients;
mod kernels;
pub mod marginal;
mod op;
mod ops;
pub mod parallel;
mod param;
pub mod pool;
mod real;
mod rules;
mod shape;
mod shards;
pub mod special;
mod stairs;
mod tape;
mod taps;
mod tensor;
mod trace;
pub mod update;
mod var;
mod walk;

pub use gradients::Gradients;
pub use kernels::eights;
pub use ops::ConvSpec;
pub use param::Param;
pub use real::Real;
pub use shape::{Axes, Shape};
pub use shards::{Evaluated, sharded};
pub use stairs::Stairs;
pub use tape::Tape;
pub use taps::Taps;
pub use tensor::Tensor;
pub use trace::Fault;
pub use var::Var;
