//! How close generated speech is to real speech: voiced frames, and the distance of spectra.

use super::sampling;
use super::score::score;
use super::timing::{describe, median_seconds};
use crate::data::Space;
use crate::data::rows::Rows;
use crate::runs::{files, interrupt};
use anyhow::Result;
use autograd::{Tensor, Var};
use flows::distillation::PowerSpectrum;
use flows::{Context, Flow};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::json;
use std::path::Path;

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

/// A line of the comparison of a student with its teacher.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What is measured, with its unit.
    pub label: &'static str,
    pub teacher: Option<f64>,
    pub student: Option<f64>,
    /// The same of real signals.
    pub data: Option<f64>,
}

/// Signals of the same tracks: real ones, the teacher's, and the student's; and what they were measured to be.
#[derive(Debug)]
pub struct Comparison {
    pub teacher: Tensor<f32>,
    pub student: Tensor<f32>,
    pub lines: Vec<Line>,
}

/// A signal for each row, of its track if the flow is given one.
fn sounds(flow: &Flow<f32>, rows: &Rows<f32>, seed: u64) -> Result<Tensor<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values = Vec::with_capacity(rows.x().shape().elements());
    for part in sampling::batches(rows.count(), 16) {
        interrupt::check()?;
        let given = rows.classes().map(|track| Var::from(track.rows(part.clone())));
        let cx = Context { condition: given.as_ref(), ..Context::default() };
        values.extend_from_slice(flow.sample(part.len(), cx, 1.0, &mut rng).as_slice());
    }
    Ok(Tensor::from_slice(rows.x().shape(), &values))
}

/// Seconds per signal, in a batch of these rows.
fn seconds(flow: &Flow<f32>, rows: &Rows<f32>) -> f64 {
    let given = rows.classes().cloned().map(Var::from);
    let cx = Context { condition: given.as_ref(), ..Context::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    median_seconds(1, || drop(flow.sample(rows.count(), cx, 1.0, &mut rng))) / rows.count().max(1) as f64
}

/// Compares a student with its teacher on held-out signals and, if the models are given them, their tracks. Fails only if
/// it is interrupted.
pub fn compare(
    [teacher, student]: [&Flow<f32>; 2],
    space: &Space,
    rows: &Rows<f32>,
    seed: u64,
) -> Result<Comparison> {
    let rate = if let Space::Signal { rate, .. } = *space { rate } else { 0 };
    let made = [sounds(teacher, rows, seed)?, sounds(student, rows, seed ^ 1)?];
    let scores = [score(teacher, space, rows, seed)?, score(student, space, rows, seed)?];
    let frames = |x: &Tensor<f32>| -> Vec<bool> {
        x.as_slice().chunks_exact(space.dims().max(1)).flat_map(|signal| voiced_frames(signal, rate)).collect()
    };
    let (real, voiced) = (frames(rows.x()), made.each_ref().map(frames));
    let share = |frames: &[bool]| frames.iter().filter(|&&voiced| voiced).count() as f64 / frames.len().max(1) as f64;
    let wrong = |frames: &[bool]| {
        real.iter().zip(frames).filter(|(real, made)| real != made).count() as f64 / real.len().max(1) as f64
    };
    let line = |label, [teacher, student]: [f64; 2], data| Line {
        label,
        teacher: Some(teacher).filter(|x| x.is_finite()),
        student: Some(student).filter(|x| x.is_finite()),
        data,
    };
    let mut lines = vec![line("voiced frames", [share(&voiced[0]), share(&voiced[1])], Some(share(&real)))];
    if rows.classes().is_some() {
        lines.push(line("frames voiced otherwise than in the signal of their track", voiced.each_ref().map(|v| wrong(v)), None));
        let distance = made.each_ref().map(|made| log_spectral_distance(made, rows.x()));
        lines.push(line("log-spectral distance to the signal of their track, dB", distance, None));
    }
    lines.push(line("-log p of held-out signals, nats per time step", scores.map(|score| score.loss()), None));
    lines.push(line("seconds per signal", [seconds(teacher, rows), seconds(student, rows)], None));
    let [teacher, student] = made;
    Ok(Comparison { teacher, student, lines })
}

/// Writes the comparison as JSON.
pub fn write(path: &Path, lines: &[Line]) -> Result<()> {
    files::replace_atomically(path, |file| Ok(serde_json::to_writer_pretty(file, &json!({ "measures": lines }))?))
}

/// The comparison as a table.
pub fn table(lines: &[Line]) -> Vec<String> {
    let cell = |label: &str, value: Option<f64>| match value {
        None => "-".to_owned(),
        Some(seconds) if label.starts_with("seconds") => describe(seconds),
        Some(value) => format!("{value:.3}"),
    };
    let row = |label: &str, cells: [String; 3]| {
        let [teacher, student, data] = cells;
        format!("{label:<57} {teacher:>12} {student:>12} {data:>9}")
    };
    let heads = ["teacher", "student", "data"].map(str::to_owned);
    let body = lines.iter().map(|line| {
        row(line.label, [line.teacher, line.student, line.data].map(|value| cell(line.label, value)))
    });
    std::iter::once(row("", heads)).chain(body).collect()
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
