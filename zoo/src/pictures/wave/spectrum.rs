//! Spectrograms: how loud each frequency is at each time.

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Samples in a window: 32 ms at 8000 Hz, long enough to tell the harmonics of a voice apart.
const WINDOW: usize = 256;
/// Windows are padded with zeros to this length, for a smooth spectrum.
const PADDED: usize = 1024;

/// Spectra in Hann's window wₜ = ½ − ½ cos(2π (t + ½)/256) around each of `columns` times.
pub(super) struct Spectrum {
    columns: usize,
    window: Vec<f64>,
    fft: Arc<dyn Fft<f64>>,
}

impl Spectrum {
    pub(super) fn new(columns: usize) -> Self {
        let window = (0..WINDOW).map(|t| 0.5 - 0.5 * (TAU * (t as f64 + 0.5) / WINDOW as f64).cos()).collect();
        Self { columns, window, fft: FftPlanner::new().plan_fft_forward(PADDED) }
    }

    /// Levels in decibels, 0 for a sine from −1 to 1: a row for each of `rows` frequencies, from half the sampling rate
    /// down to 0, and a column for each time. Outside of the signal, and where it is not finite, it counts as 0.
    pub(super) fn levels(&self, signal: &[f32], rows: usize) -> Vec<f64> {
        let mut levels = vec![0.0; rows * self.columns];
        let mut buffer = vec![Complex::default(); PADDED];
        let mut scratch = vec![Complex::default(); self.fft.get_inplace_scratch_len()];
        let full = self.window.iter().sum::<f64>() / 2.0;
        for column in 0..self.columns {
            let middle = (signal.len() * (2 * column + 1) / (2 * self.columns)) as isize;
            buffer.fill(Complex::default());
            for (t, weight) in self.window.iter().enumerate() {
                let at = middle + t as isize - WINDOW as isize / 2;
                let x = usize::try_from(at).ok().and_then(|at| signal.get(at)).filter(|x| x.is_finite());
                buffer[t].re = weight * f64::from(x.copied().unwrap_or(0.0));
            }
            self.fft.process_with_scratch(&mut buffer, &mut scratch);
            let decibels = |bin: usize| 20.0 * (buffer[bin].norm() / full).max(1e-12).log10();
            for row in 0..rows {
                let place = (rows - 1 - row) as f64 / (rows - 1).max(1) as f64 * (PADDED / 2) as f64;
                let (bin, share) = (place as usize, place.fract());
                let next = (bin + 1).min(PADDED / 2);
                levels[row * self.columns + column] = decibels(bin) * (1.0 - share) + decibels(next) * share;
            }
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_is_a_line_at_its_frequency() {
        // A quarter of the rate in the first half, an eighth in the second, half as loud.
        let sine = |t: usize| {
            let (turns, loud) = if t < 1024 { (t as f64 / 4.0, 1.0) } else { (t as f64 / 8.0, 0.5) };
            (loud * (TAU * turns + 0.3).sin()) as f32
        };
        let levels = Spectrum::new(64).levels(&(0..2048).map(sine).collect::<Vec<_>>(), 101);
        let loudest = |column: usize| {
            let rows = (0..101).map(|row| (row, levels[row * 64 + column]));
            rows.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
        };
        for column in [8, 16, 25, 38, 45, 55] {
            let (row, level) = loudest(column);
            let (expected, loud) = if column < 32 { (50, 0.0) } else { (75, -6.02) };
            assert!(row == expected && (level - loud).abs() < 0.05, "{column}: {level} dB in row {row}");
            assert!(levels[10 * 64 + column] < -60.0);
        }
    }

    #[test]
    fn values_that_are_not_finite_are_silence() {
        let spectrum = Spectrum::new(5);
        for signal in [&[][..], &[f32::NAN], &[f32::INFINITY; 700], &[0.0; 3]] {
            let levels = spectrum.levels(signal, 7);
            assert!(levels.len() == 35 && levels.iter().all(|&level| level < -200.0));
        }
        assert!(spectrum.levels(&[f32::MAX; 300], 7).iter().all(|level| level.is_finite()));
    }
}
