//! Invertible maps, the densities they give, and models of Stanford CS236's lectures 7 and 8 on
//! normalizing flows: planar flows, NICE, RealNVP, MADE, MAF, IAF, WaveNet, Parallel WaveNet, MintNet, RBIG and
//! Gaussianization flows; and the variational autoencoder, which the lectures begin from.
//!
//! A flow writes data as `x = f(z)`: **z is the latent, x the data**. [`Bijection::to_data`] is the
//! lecture's `f`, [`Bijection::to_latent`] its `f⁻¹`, and each returns its own log-determinant, so
//!
//! ```text
//! log p(x) = log p_Z(f⁻¹(x)) + log|det ∂f⁻¹(x)/∂x|
//! ```
//!
//! ```
//! use flows::{Context, Flow, models::{Nice, NiceConfig}};
//! use rand::SeedableRng;
//!
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
//! let config = NiceConfig { dims: 6, couplings: 4, hidden: 16, depth: 2, condition: 0 };
//! let flow: Flow<f32> = Nice::build(&config, &mut rng);
//! let x = flow.sample(5, Context::default(), 1.0, &mut rng);    // [5, 6]
//! let log_p = flow.log_prob_of(&x).unwrap();                     // nats, [5]
//! assert_eq!(log_p.shape(), &[5].into());
//! ```
//!
//! Where to read on: [`bijection`](Bijection) and [`Flow`] are the whole theory, a page each;
//! [`layers`] has one map a file, [`models`] one lecture model a file, [`nn`] the networks inside
//! them and the optimisers. [`distillation`] teaches a flow that samples fast what one that does not has learned, or
//! what an [`Energy`] says. [`rbig`] fits a flow without gradients, by rotations ([`orthogonal`]) that take off what
//! hangs together ([`information`]). [`check`] holds any bijection, yours too, against finite differences.

#![deny(missing_docs)]

mod base;
mod bijection;
pub mod check;
pub mod distillation;
mod effort;
mod energy;
mod flow;
pub mod information;
pub mod layers;
mod log_sum;
pub mod models;
mod module;
pub mod nn;
mod noise;
pub mod orthogonal;
pub mod rbig;
mod round_trip;

pub use base::{Base, Logistic, StandardNormal, Uniform};
pub use bijection::{Bijection, Chain, Context, Inversion, Inverted, Mapped, Mode};
pub use effort::Effort;
pub use energy::Energy;
pub use flow::{Flow, InputError, bits_per_dim};
pub use module::{Module, Visitor};
pub use noise::Noise;
pub use round_trip::{Distance, RoundTrip};

/// The README's snippets, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
