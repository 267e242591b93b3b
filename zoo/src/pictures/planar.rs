//! Planar flows of the plane (lecture 7): with random layers, and fitted to energies.

use crate::measure::score::mean;
use anyhow::{Result, bail};
use autograd::{Tape, Tensor, Var};
use flows::check::randomize;
use flows::distillation::log_ratio_to_energy;
use flows::models::{PlanarBase, PlanarConfig, PlanarFlow};
use flows::nn::{Adam, AdamConfig, Schedule, clip_norm};
use flows::{Base, Context, Energy, Flow, Module, StandardNormal};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// How far random layers are from the identity.
const AWAY: f64 = 0.9;
/// Samples of a step, and of the estimate at the end.
const BATCH: usize = 256;
const TEST: usize = 20_000;
/// The initial learning rate, and the largest norm of a gradient.
const RATE: f64 = 1e-2;
const MAX_NORM: f64 = 10.0;
/// Annealing: the factor of the energy in the first step, and the share of the steps after which it is 1. With the
/// whole energy from the start, a flow would stay at the nearest mode (Rezende & Mohamed 2015, equation 20).
const FIRST: f64 = 0.01;
const UNTIL: f64 = 0.4;

fn build(layers: usize, base: PlanarBase, rng: &mut ChaCha8Rng) -> Flow<f32> {
    PlanarFlow::build(&PlanarConfig { dims: 2, layers, base, condition: 0 }, rng)
}

/// A flow of random layers. The first layers are the same for any number of layers and for either base.
pub fn at_random(layers: usize, base: PlanarBase, seed: u64) -> Flow<f32> {
    let flow = build(layers, base, &mut ChaCha8Rng::seed_from_u64(seed));
    // Both draw layer by layer, and so a longer flow starts like a shorter one.
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(1);
    randomize(&flow, AWAY, &mut rng);
    flow
}

/// A flow fitted to an energy.
#[derive(Debug)]
pub struct Fit {
    pub flow: Flow<f32>,
    /// `KL(flow ‖ exp(−U)/Z)` in nats, estimated from samples of the flow.
    pub kl: f64,
    pub error: Option<f64>,
}

/// Fits a flow over a Gaussian base to an energy, by minimizing the reverse KL divergence.
pub fn fit(energy: Energy, layers: usize, steps: u64, seed: u64) -> Result<Fit> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let flow = build(layers, PlanarBase::Gaussian, &mut rng);
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    for step in 0..steps {
        let done = step as f64 / steps as f64;
        let part = (FIRST + (1.0 - FIRST) * done / UNTIL).min(1.0);
        let tape = Tape::new();
        let z = tape.constant(latents(BATCH, &mut rng));
        let loss = log_ratio_to_energy(&flow, |x| energy.of(x).scale(part), &z, Context::default()).mean_all();
        let mut gradients = tape.backward(&loss);
        clip_norm(&mut gradients, MAX_NORM);
        adam.step(&gradients, RATE * Schedule::Cosine { floor: 0.01 }.factor(done));
    }
    let z = Var::from(latents(TEST, &mut rng));
    let ratios = log_ratio_to_energy(&flow, |x| energy.of(x), &z, Context::default());
    let ratios: Vec<f64> = ratios.value().as_slice().iter().map(|&ratio| f64::from(ratio)).collect();
    let (mean, error) = mean(&ratios);
    let kl = mean + energy.log_normalizer();
    if !kl.is_finite() {
        bail!("the samples of the flow of {layers} layers for {energy:?} are not finite: choose another --seed");
    }
    Ok(Fit { flow, kl, error })
}

fn latents(rows: usize, rng: &mut ChaCha8Rng) -> Tensor<f32> {
    StandardNormal.sample([rows, 2].into(), 1.0, rng)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_flows_start_like_shorter_ones() {
        let [short, long] = [1, 3].map(|layers| at_random(layers, PlanarBase::Gaussian, 7).params());
        for ((path, a), (other, b)) in short.iter().zip(&long) {
            assert_eq!((path, a.value().as_slice()), (other, b.value().as_slice()));
        }
        assert!(short.iter().any(|(_, param)| param.value().as_slice().iter().any(|x| x.abs() > 0.1)));
    }

    #[test]
    fn a_fit_is_close_to_its_energy_and_more_steps_bring_it_closer() {
        let [start, fitted] = [1, 300].map(|steps| fit(Energy::U2, 4, steps, 1).unwrap());
        assert!(fitted.kl < 0.5 * start.kl && fitted.kl > -4.0 * fitted.error.unwrap(), "{} {}", start.kl, fitted.kl);
        let again = fit(Energy::U2, 4, 300, 1).unwrap();
        assert_eq!(again.kl.to_bits(), fitted.kl.to_bits());
    }
}
