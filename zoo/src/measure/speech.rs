//! How close generated speech is to real speech: voiced frames, and the distance of spectra.

use super::sampling;
use crate::data::rows::Rows;
use crate::runs::interrupt;
use anyhow::Result;
use autograd::{Tensor, Var};
use flows::distillation::PowerSpectrum;
use flows::{Context, Flow};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Samples in a frame, and from one frame to the next: 32 ms and 8 ms at 8 kHz.
const FRAME: usize = 256;
const HOP: usize = 64;
/// The range of a voice's pitch in Hz, with some room for its vibrato.
const PITCH: [f64; 2] = [85.0, 270.0];
/// The autocorrelation from which a frame counts as voiced. That of noise rarely exceeds 0.4.
const VOICED: f64 = 0.6;
/// Power below which a spectrum is not told from silence, −100 dB of a full-scale signal.
const SILENCE: f64 = 1e-10;

/// Whether each frame of a signal is voiced: whether it resembles itself one period of a voice later.
pub fn voiced_frames(signal: &[f32], rate: u32) -> Vec<bool> {
    let frame = FRAME.min(signal.len());
    let [longest, shortest] = PITCH.map(|pitch| (f64::from(rate) / pitch) as usize);
    // A lag is judged by at least half a frame.
    let lags = shortest.max(1)..=longest.min(frame / 2);
    let starts = (0..=signal.len() - frame).step_by(HOP);
    starts.map(|start| lags.clone().any(|lag| likeness(&signal[start..start + frame], lag) >= VOICED)).collect()
}

/// The normalized autocorrelation `Σ xₜxₜ₊ₗ / √(Σ xₜ² · Σ xₜ₊ₗ²)`, 0 in silence.
fn likeness(frame: &[f32], lag: usize) -> f64 {
    let (early, late) = (&frame[..frame.len() - lag], &frame[lag..]);
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let norm = (product(early, early) * product(late, late)).sqrt();
    if norm > 0.0 { product(early, late) / norm } else { 0.0 }
}

/// The log-spectral distance between signals `[count, T]` in dB, the root mean square over frames and frequencies of
/// `10 log₁₀ P/P′`.
///
/// Two independent draws of the same noise are 7.9 dB apart, however alike they sound.
pub fn log_spectral_distance(x: &Tensor<f32>, y: &Tensor<f32>) -> f64 {
    let spectrum = PowerSpectrum::<f64>::new(FRAME.min(x.shape()[1]), HOP);
    let levels = |x: &Tensor<f32>| spectrum.apply(&Var::from(x.cast::<f64>())).shift(SILENCE).ln();
    let decibels = 10.0 / std::f64::consts::LN_10;
    let (mut sum, mut count) = (0.0, 0);
    for rows in sampling::batches(x.shape()[0], 16) {
        let apart = levels(&x.rows(rows.clone())) - levels(&y.rows(rows));
        sum += apart.square().sum_all().item();
        count += apart.shape().elements();
    }
    decibels * (sum / count.max(1) as f64).sqrt()
}

/// What a model's signals are like.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Measures {
    /// The share of voiced frames.
    pub voiced: f64,
    /// The share of frames that are voiced where the real signal of the same track is not, or the other way round.
    pub misvoiced: Option<f64>,
    /// The log-spectral distance from the real signals of the same tracks, in dB.
    pub distance: Option<f64>,
}

impl Measures {
    /// Measures signals beside as many real ones. Only if these come with tracks do the two say the same.
    pub fn of(signals: &Tensor<f32>, real: &Rows<f32>, rate: u32) -> Self {
        let (found, expected) = (frames(signals, rate), frames(real.x(), rate));
        let wrong: Vec<bool> = found.iter().zip(&expected).map(|(found, expected)| found != expected).collect();
        let paired = real.condition().is_some();
        Self {
            voiced: share(&found),
            misvoiced: paired.then(|| share(&wrong)),
            distance: paired.then(|| log_spectral_distance(signals, real.x())).filter(|distance| distance.is_finite()),
        }
    }
}

/// Whether each frame of each signal `[count, T]` is voiced.
pub fn frames(signals: &Tensor<f32>, rate: u32) -> Vec<bool> {
    let length = signals.shape()[1].max(1);
    signals.as_slice().chunks_exact(length).flat_map(|signal| voiced_frames(signal, rate)).collect()
}

/// The share of frames of which it is true.
pub fn share(frames: &[bool]) -> f64 {
    frames.iter().filter(|&&frame| frame).count() as f64 / frames.len().max(1) as f64
}

/// A signal for each row, of its track if the flow is given one. Fails only if it is interrupted.
pub fn signals(flow: &Flow<f32>, rows: &Rows<f32>, seed: u64) -> Result<Tensor<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values = Vec::with_capacity(rows.x().shape().elements());
    for part in sampling::batches(rows.count(), 16) {
        interrupt::check()?;
        let given = rows.condition().map(|track| Var::from(track.rows(part.clone())));
        let cx = Context { condition: given.as_ref(), ..Context::default() };
        values.extend_from_slice(flow.sample(part.len(), cx, 1.0, &mut rng).as_slice());
    }
    Ok(Tensor::from_slice(rows.x().shape(), &values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt as _;
    use rand_distr::StandardNormal;

    fn noise(count: usize, samples: usize, seed: u64) -> Tensor<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Tensor::from_fn([count, samples], |_| 0.1 * rng.sample::<f64, _>(StandardNormal) as f32)
    }

    #[test]
    fn a_tone_in_the_range_of_a_voice_is_voiced_and_noise_is_not() {
        let tone = |hz: f64| -> Vec<f32> {
            (0..2048).map(|t| (std::f64::consts::TAU * hz * f64::from(t) / 8000.0).sin() as f32).collect()
        };
        for hz in [90.0, 150.0, 260.0] {
            let frames = voiced_frames(&tone(hz), 8000);
            assert!(frames.len() == 29 && frames.iter().all(|&voiced| voiced), "{hz} Hz: {frames:?}");
        }
        for signal in noise(40, 2048, 1).as_slice().chunks_exact(2048) {
            assert!(voiced_frames(signal, 8000).iter().all(|&voiced| !voiced));
        }
        // Half of a signal.
        let half: Vec<f32> = tone(120.0).into_iter().take(1024).chain(noise(1, 1024, 2).as_slice().to_vec()).collect();
        let count = voiced_frames(&half, 8000).iter().filter(|&&voiced| voiced).count();
        assert!((13..=16).contains(&count), "{count} of 29");
        assert!(voiced_frames(&[0.0; 2048], 8000).iter().all(|&voiced| !voiced));
        // No period of a voice fits twice into the shortest signals.
        assert_eq!(voiced_frames(&[0.5; 40], 8000), [false]);
    }

    #[test]
    fn signals_are_measured_beside_those_of_their_tracks() {
        let tone = |t: usize| (0.12 * t as f32).sin();
        // A tone and noise, against noise and noise.
        let (mut signals, real) = (noise(2, 1024, 5), noise(2, 1024, 6));
        signals.as_mut_slice()[..1024].iter_mut().enumerate().for_each(|(t, x)| *x = tone(t));
        let track = Tensor::zeros([2, 8]);
        let found = Measures::of(&signals, &Rows::new(real.clone(), Some(track)), 8000);
        assert_eq!((found.voiced, found.misvoiced), (0.5, Some(0.5)));
        assert!(found.distance.unwrap() > 10.0, "{found:?}");
        let found = Measures::of(&signals, &Rows::plain(real), 8000);
        assert!(found.misvoiced.is_none() && found.distance.is_none());
    }

    #[test]
    fn a_signal_at_half_the_amplitude_is_six_decibels_away() {
        let x = noise(20, 1024, 3);
        let half = Tensor::from_fn(x.shape(), |i| 0.5 * x.as_slice()[i]);
        let near = |found: f64, expected: f64, by: f64| assert!((found - expected).abs() < by, "{found}");
        near(log_spectral_distance(&x, &half), 20.0 * 2f64.log10(), 1e-3);
        near(log_spectral_distance(&x, &x), 0.0, 1e-12);
        // The logarithms of two exponential variables differ by a logistic one, of standard deviation π/√3.
        let expected = 10.0 / std::f64::consts::LN_10 * std::f64::consts::PI / 3f64.sqrt();
        near(log_spectral_distance(&x, &noise(20, 1024, 4)), expected, 0.3);
    }
}
