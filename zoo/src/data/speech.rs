//! Synthetic speech, generated on demand.
//!
//! A row is a window into an endless signal: voiced parts with gliding pitch and changing vowels, bursts of noise, and
//! pauses, in random order, over white noise. Without the white noise the signal would lie on a surface and have no
//! density. A window may begin in the middle of a part, so all positions in a row are alike.
//!
//! A row comes with its track on request: what a speech synthesizer is told of each sample, see [`Speech::TRACK`].

mod burst;
mod voiced;

use super::Table;
use anyhow::{Result, anyhow};
use burst::Burst;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use voiced::Voiced;

/// The standard deviation of the white Gaussian noise under everything.
pub const FLOOR: f64 = 0.007;
/// The track has the voice's phase φ in steps of an octave: φ, 2φ, 4φ …
const OCTAVES: usize = 5;
/// The longest part of all, in seconds.
const LONGEST: f64 = 0.25;

/// Signals of one length and rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speech {
    /// Samples per row.
    pub samples: usize,
    /// The sampling rate in Hz. At least 1000, to leave room for a voice.
    pub rate: u32,
}

/// The shortest and the longest signal, in samples.
const LEAST: usize = 64;
const MOST: usize = 65_536;

impl Default for Speech {
    fn default() -> Self {
        Self { samples: 2048, rate: 8000 }
    }
}

impl Speech {
    /// The name of this data set.
    pub const NAME: &str = "speech";
    /// Features of the track at each sample, most of them 0 where they mean nothing:
    ///
    /// 0. the amplitude of the voice, from 0 to 0.9
    /// 1. its pitch in octaves above 150 Hz
    /// 2. its formants 1,
    /// 3. 2 and
    /// 4. 3: twice the natural logarithm, relative to the middle of their range
    /// 5. the amplitude of a burst, times 5
    /// 6. sin φ and
    /// 7. cos φ of its phase φ, as source-filter vocoders are given a sine (Wang, Takaki & Yamagishi 2019); then those of
    ///    2φ, 4φ, 8φ, and 16φ, since a voice has many harmonics
    pub const TRACK: usize = 6 + 2 * OCTAVES;

    /// Parses `speech`, or `speech:512` for signals of 512 samples. None for any other name.
    pub fn of(name: &str) -> Option<Result<Self>> {
        let name = name.to_lowercase();
        let rest = name.strip_prefix(Self::NAME)?;
        if rest.is_empty() {
            return Some(Ok(Self::default()));
        }
        let samples = rest.strip_prefix(':')?;
        Some(match samples.parse() {
            Ok(samples @ LEAST..=MOST) => Ok(Self { samples, ..Self::default() }),
            _ => Err(anyhow!("speech has no signals of {samples:?} samples; choose speech:{LEAST} to speech:{MOST}")),
        })
    }

    /// `n` independent rows, with values within about ±1.
    pub fn sample<R: Rng + ?Sized>(&self, n: usize, rng: &mut R) -> Table<f32> {
        self.sample_with_tracks(n, rng).0
    }

    /// The same rows with their tracks, [`Speech::TRACK`] columns for each sample, side by side.
    pub fn sample_with_tracks<R: Rng + ?Sized>(&self, n: usize, rng: &mut R) -> (Table<f32>, Table<f32>) {
        let (mut values, mut tracks) = (Vec::with_capacity(n * self.samples), Vec::new());
        for _ in 0..n {
            self.row(&mut values, &mut tracks, rng);
        }
        let cols = self.samples;
        (Table { rows: n, cols, values }, Table { rows: n, cols: cols * Self::TRACK, values: tracks })
    }

    /// Appends a row to the values, and its track to the tracks.
    fn row<R: Rng + ?Sized>(&self, values: &mut Vec<f32>, tracks: &mut Vec<f32>, rng: &mut R) {
        let rate = f64::from(self.rate);
        let (mut part, mut left) = Part::under_way(rate, rng);
        for _ in 0..self.samples {
            if left == 0 {
                (part, left) = Part::next(rate, rng);
            }
            left -= 1;
            tracks.extend(part.track().map(|feature| feature as f32));
            let floor: f64 = rng.sample(StandardNormal);
            values.push((part.sample(rng) + FLOOR * floor) as f32);
        }
    }
}

/// A kind of part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Voiced,
    Burst,
    Pause,
}

impl Kind {
    /// A random kind, and the length of the part in samples.
    fn draw<R: Rng + ?Sized>(rate: f64, rng: &mut R) -> (Self, usize) {
        let (kind, seconds) = match rng.random_range(0..100u8) {
            0..55 => (Self::Voiced, 0.06..LONGEST),
            55..77 => (Self::Burst, 0.02..0.07),
            _ => (Self::Pause, 0.01..0.06),
        };
        (kind, (rng.random_range(seconds) * rate).ceil() as usize)
    }

    /// A part of this many samples, without the first `gone`.
    fn begun<R: Rng + ?Sized>(self, samples: usize, gone: usize, rate: f64, rng: &mut R) -> Part {
        match self {
            Self::Voiced => Part::Voiced(Voiced::draw(samples, gone, rate, rng)),
            Self::Burst => Part::Burst(Burst::draw(samples, gone, rate, rng)),
            Self::Pause => Part::Pause,
        }
    }
}

/// A part of the signal.
#[derive(Debug)]
enum Part {
    Voiced(Voiced),
    Burst(Burst),
    Pause,
}

impl Part {
    /// A part from its beginning, and its length in samples.
    fn next<R: Rng + ?Sized>(rate: f64, rng: &mut R) -> (Self, usize) {
        let (kind, samples) = Kind::draw(rate, rng);
        (kind.begun(samples, 0, rate, rng), samples)
    }

    /// The part at a random moment, and how many samples are left of it. A moment is twice as likely to fall into a part
    /// of twice the length.
    fn under_way<R: Rng + ?Sized>(rate: f64, rng: &mut R) -> (Self, usize) {
        let longest = (LONGEST * rate).ceil();
        let (kind, samples) = loop {
            let (kind, samples) = Kind::draw(rate, rng);
            if rng.random::<f64>() * longest < samples as f64 {
                break (kind, samples);
            }
        };
        let gone = rng.random_range(0..samples);
        (kind.begun(samples, gone, rate, rng), samples - gone)
    }

    /// The track at the next sample.
    fn track(&self) -> [f64; Speech::TRACK] {
        let mut track = [0.0; Speech::TRACK];
        match self {
            Self::Voiced(voiced) => {
                let ([amplitude, pitch], formants, phases) = voiced.track();
                track[..2].copy_from_slice(&[amplitude, pitch]);
                track[2..5].copy_from_slice(&formants);
                track[6..].copy_from_slice(phases.as_flattened());
            }
            Self::Burst(burst) => track[5] = 5.0 * burst.amplitude(),
            Self::Pause => (),
        }
        track
    }

    /// The signal's next sample, without the noise floor.
    fn sample<R: Rng + ?Sized>(&mut self, rng: &mut R) -> f64 {
        match self {
            Self::Voiced(voiced) => voiced.sample(),
            Self::Burst(burst) => burst.sample(rng),
            Self::Pause => 0.0,
        }
    }
}

#[cfg(test)]
mod tests;
