//! The power spectrum against sums written out, and the loss on it.

use super::super::{near, rng, uniform};
use autograd::check::{assert_close, directional};
use autograd::{Tensor, Var, diff};
use flows::distillation::PowerSpectrum;
use flows::{Base, StandardNormal};
use std::f64::consts::PI;

fn power(spectrum: &PowerSpectrum<f64>, x: &Tensor<f64>) -> Tensor<f64> {
    spectrum.apply(&Var::from(x.clone())).into_value()
}

fn hann(window: usize) -> Vec<f64> {
    (0..window).map(|n| (PI * n as f64 / window as f64).sin().powi(2)).collect()
}

#[test]
fn powers_are_those_of_sums_written_out() {
    for (window, hop, length) in [(8, 4, 21), (7, 3, 7), (6, 9, 30)] {
        let (spectrum, x) = (PowerSpectrum::new(window, hop), uniform(&[2, length], -1.0, 1.0, &mut rng(1)));
        let (frames, bins, hann) = (1 + (length - window) / hop, window / 2 + 1, hann(window));
        assert_eq!(spectrum.bins(), bins);
        let norm: f64 = hann.iter().map(|w| w * w).sum();
        let expected = Tensor::from_fn([2, frames, bins], |i| {
            let (row, frame, bin) = (i / bins / frames, i / bins % frames, i % bins);
            let sum = |wave: fn(f64) -> f64| -> f64 {
                let term = |n: usize| {
                    let x = x.as_slice()[row * length + frame * hop + n];
                    hann[n] * x * wave(2.0 * PI * (bin * n) as f64 / window as f64)
                };
                (0..window).map(term).sum()
            };
            (sum(f64::cos).powi(2) + sum(f64::sin).powi(2)) / norm
        });
        assert_close("powers", &power(&spectrum, &x), &expected, 1e-12);
    }
}

#[test]
fn all_frequencies_together_have_the_windowed_signals_power() {
    // Parseval: over the frequencies of both signs, Σ |X_k|² = W·Σ (w·x)².
    for window in [16, 15] {
        let (spectrum, x) = (PowerSpectrum::new(window, window), uniform(&[1, window], -1.0, 1.0, &mut rng(2)));
        let found = power(&spectrum, &x);
        let twice = |bin: usize| if bin == 0 || 2 * bin == window { 1.0 } else { 2.0 };
        let all: f64 = found.as_slice().iter().enumerate().map(|(bin, power)| twice(bin) * power).sum();
        let hann = hann(window);
        let square = |(w, x): (&f64, &f64)| (w * x).powi(2);
        let signal: f64 = hann.iter().zip(x.as_slice()).map(square).sum();
        near(all, window as f64 * signal / hann.iter().map(|w| w * w).sum::<f64>(), 1e-10);
    }
}

#[test]
fn a_sine_is_loudest_in_its_bin_and_noise_alike_in_all() {
    let spectrum = PowerSpectrum::new(32, 16);
    for bin in [1, 5, 12, 15] {
        let x = Tensor::from_fn([1, 200], |t| (2.0 * PI * (bin * t) as f64 / 32.0 + 0.3).sin());
        for frame in power(&spectrum, &x).as_slice().chunks_exact(17) {
            let loudest = (0..17).max_by(|&a, &b| frame[a].total_cmp(&frame[b])).unwrap();
            assert_eq!(loudest, bin);
            // A Hann window spreads a sine over its neighbors, and no further.
            let far = (0..17usize).filter(|k| k.abs_diff(bin) > 1);
            assert!(far.map(|k| frame[k]).fold(0.0, f64::max) < 1e-10 * frame[bin]);
        }
    }
    let x = StandardNormal.sample([400, 320].into(), 2.0, &mut rng(3));
    for &power in spectrum.apply(&Var::from(x)).mean(&[0, 1]).value().as_slice() {
        near(power, 4.0, 0.3);
    }
}

#[test]
fn the_loss_compares_ratios_of_powers() {
    let spectrum = PowerSpectrum::new(16, 8);
    let [x, reference] = [4, 5].map(|seed| uniform(&[6, 64], -1.0, 1.0, &mut rng(seed)));
    let loss = |x: &Var<f64>| spectrum.loss(x, &Var::from(reference.clone()));
    near(loss(&Var::from(reference.clone())).item(), 0.0, 0.0);
    let found = loss(&Var::from(x.clone())).item();
    assert!(found > 1e-3);
    let [louder, other] = [&x, &reference].map(|x| Var::from(x.clone()).scale(1000.0));
    near(spectrum.loss(&louder, &other).item(), found, 1e-10);
    // e times the amplitude is 2 more in the logarithm of every power, but for the bit that is silence.
    near(loss(&Var::from(reference.clone()).scale(std::f64::consts::E)).item(), 4.0, 0.01);
    // A delay changes phases and no power.
    let shifted = Var::from(Tensor::from_fn([1, 64], |t| (PI * t as f64 / 4.0 + 1.0).sin()));
    let sine = Var::from(Tensor::from_fn([1, 64], |t| (PI * t as f64 / 4.0).sin()));
    near(spectrum.loss(&shifted, &sine).item(), 0.0, 1e-6);
    // Gradients, where powers differ.
    let along = uniform(&[6, 64], -1.0, 1.0, &mut rng(6));
    let gradient = diff::gradient(loss, &x);
    let slope: f64 = gradient.as_slice().iter().zip(along.as_slice()).map(|(g, a)| g * a).sum();
    let expected = directional(|x| loss(&Var::from(x.clone())).into_value(), &x, &along).item();
    near(slope, expected, 1e-5);
}

#[test]
#[should_panic(expected = "a window of 16 in 15 steps")]
fn a_signal_shorter_than_the_window_is_refused() {
    let _ = power(&PowerSpectrum::new(16, 8), &Tensor::zeros([1, 15]));
}
