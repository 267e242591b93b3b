//! The flows: every property over every bijection of one registry, the densities, and training.
//! A new bijection or model is one line in `registry/`; a new univariate map is two in `registry/univariate.rs`.

mod autoregressive;
mod conditions;
mod density;
mod dequantizer;
mod determinism;
mod distillation;
mod energy;
mod helpers;
mod histogram;
mod image_mutations;
mod images;
mod marginal;
mod mint;
mod mint_derivatives;
mod mint_mutations;
mod mixture;
mod mutations;
mod normalizing;
mod optimizers;
mod planar;
mod planar_mutations;
mod preprocessing;
mod properties;
mod rbig;
mod registry;
mod training;
mod vae;
mod wave_net;

use helpers::{bits, near, param_bits, rng, uniform};
