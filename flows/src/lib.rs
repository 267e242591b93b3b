//! Invertible maps, the densities they give, and models of Stanford CS236's lectures 7 and 8 on
//! normalizing flows: planar flows, NICE, RealNVP, MADE, MAF, IAF, WaveNet, Parallel WaveNet, MintNet, RBIG and
//! Gaussianization flows; and the variational autoencoder, which the lectures begin from.
//!
//! A flow writes data as `x = f(z)`: **z is the latent, x the data**. [`Bijection::to_data`] is the
//! lecture's `f`, [`Bijection::to_latent`] its `f⁻¹`, and each returns its own log-determinant, so
//!
//! <!--
//! log p(x) = log p_Z(f⁻¹(x)) + log|det ∂f⁻¹(x)/∂x|
//! -->
//!
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
//! 1. [`Bijection`]: an invertible map, f and f⁻¹, each with its log-determinant; `zoo volumes` draws what it does.
//! 2. [`Flow`]: with a [`Base`] for z a map is a density, `log_prob` and `sample`.
//! 3. [`layers::Dequantize`], [`layers::Logit`], [`bits_per_dim`]: from pixels to bits per dimension.
//! 4. [`models::Vae`]: the recap, latents without an inverse, and a bound in place of the density.
//! 5. [`models::PlanarFlow`] of [`layers::Planar`]: bends along one line each, fitted to an [`Energy`] by reverse KL.
//! 6. [`models::Nice`]: [`layers::Coupling`] of [`univariate::Shift`], an inverse for free, and volumes kept.
//! 7. [`models::RealNvp`]: couplings of [`univariate::Affine`], scales too; images, by [`layers::FactorOut`].
//! 8. [`nn::Made`] in a [`layers::Autoregressive`]: one network for all conditionals, and a triangular Jacobian.
//! 9. [`models::Maf`]: fast densities; samples in order, yet each unit of the network only once.
//! 10. [`models::Iaf`]: the same with x and z exchanged, fast samples.
//! 11. [`models::WaveNetFlow`]: a causal network of dilated convolutions over sound, with mixtures of logistics.
//! 12. [`distillation`] and [`models::ParallelWaveNet`]: a student that samples fast learns from a slow teacher.
//! 13. [`models::MintNet`] of [`layers::Mint`]: masked convolutions, inverted by a fixed point or by a sweep of roots.
//! 14. [`information`] and [`rbig`]: KL is what is not yet normal; marginals and rotations take it off, no gradient.
//! 15. [`models::GaussianizationFlow`] of [`layers::KernelMarginal`] and [`layers::Householder`]: the same, trained.
//! 16. [`check`]: all of it, and a map of your own, held against finite differences.
//!
//! [`nn`] has the networks inside and the optimizers, [`orthogonal`] the rotations of RBIG. Each model's page ends with
//! its lecture, its paper, and the command that makes its figure.
//!
//! Formulas are rendered from `formulas/*.tex`. In the source the same stands above them as plain text.

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
pub mod univariate;

pub use base::{Base, Logistic, StandardNormal, Uniform};
pub use bijection::{Bijection, Chain, Context, Inversion, Inverted, Mapped, Mode};
pub use effort::SolverStats;
pub use energy::Energy;
pub use flow::{Flow, InputError, bits_per_dim};
pub use module::{Module, Visitor};
pub use noise::Noise;
pub use round_trip::{Distance, RoundTrip};

/// The README's snippets, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
