//! Invertible maps and their densities: the models of Stanford CS236's lectures 7 and 8 on normalizing flows (planar
//! flows, NICE, RealNVP, MADE, MAF, IAF, WaveNet, Parallel WaveNet, MintNet, RBIG and Gaussianization flows), and the
//! variational autoencoder that the lectures start from.
//!
//! A flow writes data as `x = f(z)`: **z is the latent, x the data**. [`Bijection::to_data`] is the lecture's `f`,
//! [`Bijection::to_latent`] its `f⁻¹`. Each returns its own log-determinant, so
//!
//! <!-- log p(x) = log p_Z(f⁻¹(x)) + log|det ∂f⁻¹(x)/∂x| -->
#![doc = include_str!("../formulas/change-of-variables.html")]
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
//! # A course, in the lectures' order
//!
//! 1. [`Bijection`]: an invertible map, f and f⁻¹, each with its log-determinant.
//! 2. [`Flow`]: a map and a [`Base`] distribution for z make a density, with `log_prob` and `sample`.
//! 3. [`layers::Dequantize`], [`Dequantizer`], [`layers::Logit`], [`bits_per_dim`]: from pixels to bits per dimension.
//! 4. [`models::Vae`]: the recap. Latents without an inverse, and a bound instead of the density.
//! 5. [`models::PlanarFlow`] of [`layers::Planar`]: bends along one direction each, fitted to an [`Energy`].
//! 6. [`models::Nice`]: [`layers::Coupling`] of [`univariate::Shift`]: trivial to invert, volume-preserving.
//! 7. [`models::RealNvp`]: couplings of [`univariate::Affine`]: scales too; images with [`layers::FactorOut`].
//! 8. [`nn::Made`] in a [`layers::Autoregressive`]: one network for all conditionals, and a triangular Jacobian.
//! 9. [`models::Maf`]: fast densities, sequential samples.
//! 10. [`models::Iaf`]: the same with x and z exchanged: fast samples.
//! 11. [`models::WaveNetFlow`]: causal dilated convolutions over sound, with mixtures of logistics.
//! 12. [`distillation`] and [`models::ParallelWaveNet`]: a student that samples fast learns from a slow teacher.
//! 13. [`models::MintNet`] of [`layers::Mint`]: masked convolutions, inverted by a fixed point or by a sweep.
//! 14. [`rbig`]: Gaussianize each dimension, rotate, repeat; no gradient.
//! 15. [`models::GaussianizationFlow`] of [`layers::KernelMarginal`] and [`layers::Householder`]: the same, trained.
//! 16. [`check`]: compares any map, also your own, with finite differences.
//!
//! [`nn`] has the networks and optimizers, [`orthogonal`] the rotations of RBIG. Each model's page ends with its
//! lecture, its paper, and the command that draws its figure.
//!
//! Formulas are generated from `formulas/*.tex`. In the source, each stands above its rendering as plain text.

#![deny(missing_docs)]

mod base;
mod bijection;
pub mod check;
mod dequantizer;
pub mod distillation;
mod energy;
mod flow;
pub mod layers;
mod log_sum;
pub mod marginal;
pub mod models;
mod module;
pub mod nn;
mod noise;
pub mod orthogonal;
pub mod rbig;
mod round_trip;
pub mod univariate;

pub use base::{Base, Contaminated, Logistic, StandardNormal, Uniform};
pub use bijection::{Bijection, Chain, Context, Inverted, Mapped, Mode};
pub use dequantizer::{Dequantizer, DequantizerConfig};
pub use energy::Energy;
pub use flow::{Flow, InputError, bits_per_dim, rows_per_batch};
pub use module::{Constant, Module, Visitor};
pub(crate) use module::{parameters, without_parameters};
pub use noise::Noise;
pub use round_trip::{Distance, RoundTrip};

/// The README's snippets, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
