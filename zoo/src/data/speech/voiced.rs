//! A voiced part: a tone with gliding pitch, whose harmonics are filtered by the formants of changing vowels.

use super::OCTAVES;
use rand::{Rng, RngExt};
use std::f64::consts::{FRAC_PI_2, TAU};

/// The lowest and the highest pitch in Hz, without the vibrato; and about the middle of the two.
const PITCH: [f64; 2] = [90.0, 260.0];
const MIDDLE: f64 = 150.0;
/// The largest glide, in octaves.
const GLIDE: f64 = 0.6;
/// The depth of the vibrato, relative to the pitch, and its frequency in Hz.
const VIBRATO: f64 = 0.015;
const VIBRATO_RATE: f64 = 5.5;

/// The first three formants in Hz of a, e, i, o and u, spoken by men (Peterson and Barney 1952).
const VOWELS: [[f64; 3]; 5] = [
    [730.0, 1090.0, 2440.0],
    [530.0, 1840.0, 2480.0],
    [270.0, 2290.0, 3010.0],
    [570.0, 840.0, 2410.0],
    [300.0, 870.0, 2240.0],
];
/// About the middle of each formant's range, in Hz.
const MIDDLES: [f64; 3] = [450.0, 1390.0, 2600.0];
/// The formants' widths at half maximum in Hz, and their heights.
const WIDTHS: [f64; 3] = [120.0, 170.0, 250.0];
const HEIGHTS: [f64; 3] = [1.0, 0.6, 0.35];
/// The weight of the first harmonic without formants; that of harmonic h is `TILT`/h.
const TILT: f64 = 0.1;

/// Seconds of fade-in, and of fade-out.
const RAMP: f64 = 0.015;
/// The harmonics' weights are computed every `CONTROL` samples and interpolated linearly in between.
const CONTROL: usize = 16;

/// Σₕ aₕ(t) sin(h φ(t)), φ' = 2π · pitch, over the harmonics h below half the sampling rate. The aₕ add up to
/// at most the loudness.
#[derive(Debug)]
pub(super) struct Voiced {
    rate: f64,
    samples: usize,
    at: usize,
    /// In Hz, at the beginning and at the end.
    pub(super) pitch: [f64; 2],
    pub(super) vibrato: f64,
    /// Indices into [`VOWELS`], at the beginning and at the end.
    pub(super) vowels: [usize; 2],
    pub(super) loudness: f64,
    phase: f64,
    weights: Vec<f64>,
    slopes: Vec<f64>,
}

impl Voiced {
    /// A part of this many samples, without the first `gone`.
    pub(super) fn draw<R: Rng + ?Sized>(samples: usize, gone: usize, rate: f64, rng: &mut R) -> Self {
        let [low, high] = PITCH;
        let from = low * (high / low).powf(rng.random());
        let to = (from * rng.random_range(-GLIDE..GLIDE).exp2()).clamp(low, high);
        Self {
            rate,
            samples,
            at: gone,
            pitch: [from, to],
            vibrato: VIBRATO,
            vowels: [rng.random_range(0..VOWELS.len()), rng.random_range(0..VOWELS.len())],
            loudness: rng.random_range(0.4..0.9),
            phase: TAU * rng.random::<f64>(),
            weights: Vec::new(),
            slopes: Vec::new(),
        }
    }

    /// The next sample.
    pub(super) fn sample(&mut self) -> f64 {
        if self.weights.is_empty() || self.at.is_multiple_of(CONTROL) {
            self.weights = self.weights_at(self.at);
            // A part that begins in the middle need not start at a multiple of `CONTROL`.
            let steps = CONTROL - self.at % CONTROL;
            let toward = self.weights_at(self.at + steps);
            self.slopes = toward.iter().zip(&self.weights).map(|(b, a)| (b - a) / steps as f64).collect();
        }
        // From sin((h−1)φ) to sin(hφ): a rotation by φ.
        let (sin, cos) = self.phase.sin_cos();
        let (mut s, mut c, mut sum) = (sin, cos, 0.0);
        for (weight, slope) in self.weights.iter_mut().zip(&self.slopes) {
            sum += *weight * s;
            *weight += slope;
            (s, c) = (s * cos + c * sin, c * cos - s * sin);
        }
        let sample = self.envelope() * sum;
        self.phase = (self.phase + TAU * self.pitch_at(self.at) / self.rate) % TAU;
        self.at += 1;
        sample
    }

    /// What the track tells of the next sample: amplitude and pitch; the formants; sines and cosines of the phase.
    pub(super) fn track(&self) -> ([f64; 2], [f64; 3], [[f64; 2]; OCTAVES]) {
        let formants = self.formants_at(self.at);
        let formants = std::array::from_fn(|k| 2.0 * (formants[k] / MIDDLES[k]).ln());
        let phases = std::array::from_fn(|octave| {
            let (sin, cos) = (f64::from(1 << octave) * self.phase).sin_cos();
            [sin, cos]
        });
        ([self.envelope(), (self.pitch_at(self.at) / MIDDLE).log2()], formants, phases)
    }

    /// The pitch at a sample, in Hz.
    fn pitch_at(&self, at: usize) -> f64 {
        let [from, to] = self.pitch;
        let vibrato = self.vibrato * (TAU * VIBRATO_RATE * at as f64 / self.rate).sin();
        from * (to / from).powf(at as f64 / self.samples as f64) * (1.0 + vibrato)
    }

    /// The current amplitude.
    fn envelope(&self) -> f64 {
        let ramp = RAMP * self.rate;
        let nearest = self.at.min(self.samples.saturating_sub(self.at)) as f64;
        self.loudness * (FRAC_PI_2 * (nearest / ramp).min(1.0)).sin().powi(2)
    }

    /// The formants at a sample, in Hz.
    fn formants_at(&self, at: usize) -> [f64; 3] {
        let along = (at as f64 / self.samples as f64).min(1.0);
        // The mouth moves slowly at first, then faster, then slowly again.
        let along = along * along * (3.0 - 2.0 * along);
        let [from, to] = self.vowels.map(|vowel| VOWELS[vowel]);
        std::array::from_fn(|k| from[k] * (to[k] / from[k]).powf(along))
    }

    /// The weight of each harmonic at a sample, for a loudness of 1.
    fn weights_at(&self, at: usize) -> Vec<f64> {
        let formants = self.formants_at(at);
        let (pitch, highest) = (self.pitch_at(at), self.rate / 2.0);
        // The same number at all times: harmonics above half the rate have weight 0.
        let lowest = self.pitch[0].min(self.pitch[1]) * (1.0 - self.vibrato);
        let count = (highest / lowest) as usize;
        let weight = |h: usize| {
            let frequency = h as f64 * pitch;
            let formant = |k: usize| HEIGHTS[k] / (1.0 + ((frequency - formants[k]) / (WIDTHS[k] / 2.0)).powi(2));
            let fade = (10.0 * (1.0 - frequency / highest)).clamp(0.0, 1.0);
            fade * (TILT / h as f64 + (0..3).map(formant).sum::<f64>())
        };
        let weights: Vec<f64> = (1..=count).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }
}
