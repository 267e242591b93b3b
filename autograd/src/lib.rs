//! Tensors, a tape, and derivatives that can be differentiated again.
//!
//! A [`Var`] is a value that may have a place on a [`Tape`]: the data carries the tape, so the same
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
//!     let gradient = gradients.of(&w).unwrap().item();
//!     w.update(|w| w[0] -= 0.05 * gradient);
//! }
//! assert!((w.value().item() - 3.0f64).abs() < 1e-6);
//! ```
//!
//! # From a value to derivatives of derivatives
//!
//! 1. [`Tensor`]: an array of numbers with a [`Shape`], of one [`Real`] type, `f32` or `f64`.
//! 2. [`Var`]: a tensor that may have a place on a tape; it has the operations.
//! 3. [`Param`]: what training changes; [`Param::on`] makes it a leaf of another value's tape.
//! 4. [`Tape`]: the record of operations; [`Tape::backward`] sweeps back over it and gives [`Gradients`].
//! 5. [`diff::gradient`] and [`diff::vjp`]: the sweep as a function of a function, `vᵀ·∂f/∂x`.
//! 6. [`diff::jvp`]: `∂f/∂x·u`, the sweep of a sweep, which works because a sweep can be recorded.
//! 7. [`diff::jacobian`]: all of `∂f/∂x`, one sweep a row; log-determinants are checked against it.
//! 8. [`diff::hvp`]: `∂²f/∂x²·v`, a derivative of a derivative.
//! 9. [`check`]: finite differences, an independent check of all of these.
//! 10. [`sharded`] and [`parallel`]: a batch, or one operation, over several threads.
//! 11. [`StaircaseMask`] and [`KernelMask`]: masked products whose zeros cost nothing.
//! 12. [`outline`]: a model's shapes, from the code that builds it, without its memory.
//! 13. [`CustomOp`]: operations of your own, and [`simd`], [`scratch`] and [`lanes`] to make them fast.
//!
//! In the source, `op.rs` is the whole vocabulary, `rules.rs` every derivative, `tape.rs` the sweep.

#![deny(missing_docs)]

mod bilinear;
mod broadcast;
pub mod check;
mod custom;
pub mod diff;
pub mod elementwise;
mod forward;
mod gradients;
mod kernel_mask;
mod kernels;
mod op;
mod ops;
pub mod outline;
pub mod parallel;
mod param;
pub mod pool;
mod real;
mod rules;
mod shape;
mod shards;
pub mod special;
mod staircase;
mod tape;
mod tensor;
mod trace;
pub mod update;
mod var;

pub use custom::CustomOp;
pub use gradients::Gradients;
pub use kernel_mask::KernelMask;
pub use kernels::{lanes, scratch, simd};
pub use ops::ConvSpec;
pub use param::Param;
pub use real::Real;
pub use shape::{Axes, Shape};
pub use shards::{Evaluated, sharded};
pub use staircase::StaircaseMask;
pub use tape::Tape;
pub use tensor::Tensor;
pub use trace::Fault;
pub use var::Var;
