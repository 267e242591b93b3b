//! A burst: noise through a resonance, like a t or a k.

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f64::consts::{PI, TAU};

/// Seconds from the start to the loudest moment.
const ATTACK: f64 = 0.002;
/// From there to the end the amplitude falls by the factor exp(−`DECAY`).
const DECAY: f64 = 4.0;
/// Samples that are skipped until the resonance has settled.
const BEFORE: usize = 64;

/// yₜ = 2r cos θ yₜ₋₁ − r² yₜ₋₂ + g eₜ, of variance 1, times an envelope; the eₜ are standard normal.
#[derive(Debug)]
pub(super) struct Burst {
    samples: usize,
    at: usize,
    attack: f64,
    loudness: f64,
    /// 2r cos θ and −r².
    coefficients: [f64; 2],
    gain: f64,
    /// The last two values of the resonance.
    last: [f64; 2],
}

impl Burst {
    /// A part of this many samples, without the first `gone`.
    pub(super) fn draw<R: Rng + ?Sized>(samples: usize, gone: usize, rate: f64, rng: &mut R) -> Self {
        let frequency = rng.random_range(2000.0..3500.0f64).min(0.45 * rate);
        let width = rng.random_range(400.0..900.0);
        let loudness = rng.random_range(0.08..0.18);
        let r = (-PI * width / rate).exp();
        let [a, b] = [2.0 * r * (TAU * frequency / rate).cos(), -r * r];
        // Normalizes the variance of the resonance to 1 (Yule–Walker equations).
        let gain = ((1.0 + b) * ((1.0 - b).powi(2) - a * a) / (1.0 - b)).sqrt();
        let attack = (ATTACK * rate).max(1.0);
        let mut burst = Self { samples, at: gone, attack, loudness, coefficients: [a, b], gain, last: [0.0; 2] };
        for _ in 0..BEFORE {
            burst.resonate(rng);
        }
        burst
    }

    /// The next sample.
    pub(super) fn sample<R: Rng + ?Sized>(&mut self, rng: &mut R) -> f64 {
        let amplitude = self.amplitude();
        self.at += 1;
        amplitude * self.resonate(rng)
    }

    /// The standard deviation of the next sample.
    pub(super) fn amplitude(&self) -> f64 {
        let at = self.at as f64;
        self.loudness * (at / self.attack).min(1.0) * (-DECAY * at / self.samples as f64).exp()
    }

    fn resonate<R: Rng + ?Sized>(&mut self, rng: &mut R) -> f64 {
        let noise: f64 = rng.sample(StandardNormal);
        let [a, b] = self.coefficients;
        let [last, before] = self.last;
        self.last = [a * last + b * before + self.gain * noise, last];
        self.last[0]
    }
}
