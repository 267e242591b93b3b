//! The power spectrum of signals.

use autograd::{Real, Tensor, Var};
use std::{f64::consts::PI, sync::Arc};

/// Silence, relative to the reference's mean power: −40 dB.
pub(super) const SILENCE: f64 = 1e-4;

/// The power of signals at the frequencies 0, 1/W, 2/W … 1/2 of the sampling rate, by Fourier transforms of
/// windows of W steps:
///
/// <!-- P_fk = |Σₙ₌₀ᵂ⁻¹ wₙ·x_{f·hop+n}·exp(−2πikn/W)|²/(Σₙ₌₀ᵂ⁻¹ wₙ²),   wₙ = ½ − ½ cos(2πn/W) -->
#[doc = include_str!("../../formulas/power-spectrum.html")]
///
/// With this normalization, white noise of variance σ² has power σ² at each frequency. The transform is a product with
/// a matrix of windowed cosines and sines, and differentiable.
#[derive(Debug)]
pub struct PowerSpectrum<T: Real> {
    window: usize,
    hop: usize,
    /// `[2·bins, window]`: the cosines of all bins, then their sines.
    waves: Tensor<T>,
}

impl<T: Real> PowerSpectrum<T> {
    /// Windows of `window` steps, `hop` steps apart.
    ///
    /// # Panics
    /// If `window` is below 2 or `hop` is 0.
    pub fn new(window: usize, hop: usize) -> Self {
        assert!(window >= 2 && hop > 0, "power spectrum: a window of {window} steps, {hop} apart");
        let angle = |turns: usize| 2.0 * PI * (turns % window) as f64 / window as f64;
        let hann: Vec<f64> = (0..window).map(|n| 0.5 - 0.5 * angle(n).cos()).collect();
        let norm = hann.iter().map(|w| w * w).sum::<f64>().sqrt();
        let bins = window / 2 + 1;
        let waves = Tensor::from_fn([2 * bins, window], |i| {
            let (row, n) = (i / window, i % window);
            let angle = angle(row % bins * n);
            T::from_f64(hann[n] / norm * if row < bins { angle.cos() } else { angle.sin() })
        });
        Self { window, hop, waves }
    }

    /// The number of frequencies, `window/2 + 1`; that of bin k is `k/window` of the sampling rate.
    pub fn bins(&self) -> usize {
        self.window / 2 + 1
    }

    /// The power of signals `[batch, T]` in each window that fits, `[batch, frames, bins]`.
    ///
    /// # Panics
    /// If no window fits into the signal.
    #[track_caller]
    pub fn apply(&self, x: &Var<T>) -> Var<T> {
        let (batch, length) = (x.extent(0), x.extent(1));
        assert!(length >= self.window, "power spectrum: a window of {} in {length} steps", self.window);
        let frames = 1 + (length - self.window) / self.hop;
        let steps: Arc<[usize]> =
            (0..frames * self.window).map(|i| i / self.window * self.hop + i % self.window).collect();
        let cut = x.gather(1, &steps).reshape([batch, frames, self.window]);
        let parts = cut.matmul_t(&x.constant_like(self.waves.clone()));
        parts.reshape([batch, frames, 2, self.bins()]).square().sum(&[2])
    }

    /// `log(P + ε)` over signals and windows: its mean and its standard deviation at each frequency, `[bins]` each.
    fn levels(&self, x: &Var<T>, silence: &Var<T>) -> [Var<T>; 2] {
        let levels = (self.apply(x) + silence).ln();
        let mean = levels.mean(&[0, 1]);
        let deviation = (levels - &mean).square().mean(&[0, 1]).shift(1e-6).sqrt();
        [mean, deviation]
    }

    /// Parallel WaveNet's power loss, between signals `x` and a reference:
    ///
    /// <!--
    /// 1/bins Σₖ [(mₖ(x) − mₖ(reference))² + (dₖ(x) − dₖ(reference))²]
    /// mₖ, dₖ: mean and deviation of log(P_fk + ε)
    /// -->
    #[doc = include_str!("../../formulas/power-loss.html")]
    ///
    /// The statistics are taken over time, as in the paper, and over the whole batch: the loss compares distributions,
    /// not single signals. The paper compares mean powers, for signals that say the same words as the reference. Without
    /// the words, a student that is silent except for a few loud clicks would match those. Mean and deviation of the
    /// logarithm rule that out. ε is −40 dB of the reference's mean power, below what is audible.
    #[track_caller]
    pub fn loss(&self, x: &Var<T>, reference: &Var<T>) -> Var<T> {
        let silence = self.apply(reference).detach().mean_all().scale(SILENCE);
        let [[mean, deviation], [expected, expected_deviation]] = [x, reference].map(|x| self.levels(x, &silence));
        ((mean - expected).square() + (deviation - expected_deviation).square()).mean_all()
    }
}
