//! Signals that sound like speech in no language, made as they are asked for.
//!
//! A row is a window into an endless signal: voiced parts, whose pitch glides and whose vowel changes, bursts of
//! noise, and pauses, one after another in any order, over noise that is always there. Without that noise the
//! signal would lie on a surface, and have no density. Windows begin anywhere, also in the middle of a part, so
//! that every place in a row is like any other; a longer row is more of the same.

mod burst;
mod voiced;

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::{DataError, Table};
use burst::Burst;
use voiced::Voiced;

/// The standard deviation of the noise below everything, Gaussian and white.
pub const FLOOR: f64 = 0.007;
/// The longest part of all, in seconds.
const LONGEST: f64 = 0.25;

/// Signals of one length and rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speech {
    /// Numbers in a row: samples of the signal.
    pub samples: usize,
    /// How many of them make a second. At least 1000, or there is no room for a voice.
    pub rate: u32,
}

/// Signals may be so long, in samples.
const LEAST: usize = 64;
const MOST: usize = 65_536;

impl Default for Speech {
    fn default() -> Self {
        Self { samples: 2048, rate: 8000 }
    }
}

impl Speech {
    /// The name by which it is asked for.
    pub const NAME: &str = "speech";

    /// The signals that this name asks for: `speech`, or `speech:512` in signals of 512 samples. None for
    /// another name.
    #[must_use]
    pub fn of(name: &str) -> Option<Result<Self, DataError>> {
        let name = name.to_lowercase();
        let rest = name.strip_prefix(Self::NAME)?;
        if rest.is_empty() {
            return Some(Ok(Self::default()));
        }
        let samples = rest.strip_prefix(':')?;
        Some(match samples.parse() {
            Ok(samples @ LEAST..=MOST) => Ok(Self { samples, ..Self::default() }),
            _ => Err(DataError::Length { length: samples.to_owned(), least: LEAST, most: MOST }),
        })
    }

    /// `n` independent rows, of numbers within about ±1.
    pub fn sample<R: Rng + ?Sized>(&self, n: usize, rng: &mut R) -> Table {
        let mut values = Vec::with_capacity(n * self.samples);
        for _ in 0..n {
            self.row(&mut values, rng);
        }
        Table { rows: n, cols: self.samples, values }
    }

    /// Adds a row to the values.
    fn row<R: Rng + ?Sized>(&self, values: &mut Vec<f32>, rng: &mut R) {
        let rate = f64::from(self.rate);
        let (mut part, mut left) = Part::under_way(rate, rng);
        for _ in 0..self.samples {
            if left == 0 {
                (part, left) = Part::next(rate, rng);
            }
            left -= 1;
            let floor: f64 = rng.sample(StandardNormal);
            values.push((part.sample(rng) + FLOOR * floor) as f32);
        }
    }
}

/// What a part of the signal can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Voiced,
    Burst,
    Pause,
}

impl Kind {
    /// The kind of a part, and how many samples it has.
    fn draw<R: Rng + ?Sized>(rate: f64, rng: &mut R) -> (Self, usize) {
        let (kind, seconds) = match rng.random_range(0..100u8) {
            0..55 => (Self::Voiced, 0.06..LONGEST),
            55..77 => (Self::Burst, 0.02..0.07),
            _ => (Self::Pause, 0.01..0.06),
        };
        (kind, (rng.random_range(seconds) * rate).ceil() as usize)
    }

    /// A part of so many samples, of which the first `gone` are over.
    fn begun<R: Rng + ?Sized>(self, samples: usize, gone: usize, rate: f64, rng: &mut R) -> Part {
        match self {
            Self::Voiced => Part::Voiced(Voiced::draw(samples, gone, rate, rng)),
            Self::Burst => Part::Burst(Burst::draw(samples, gone, rate, rng)),
            Self::Pause => Part::Pause,
        }
    }
}

/// What the signal is at the moment.
#[derive(Debug)]
enum Part {
    Voiced(Voiced),
    Burst(Burst),
    Pause,
}

impl Part {
    /// A part from its beginning, and how many samples it has.
    fn next<R: Rng + ?Sized>(rate: f64, rng: &mut R) -> (Self, usize) {
        let (kind, samples) = Kind::draw(rate, rng);
        (kind.begun(samples, 0, rate, rng), samples)
    }

    /// The part that is under way at any moment, and how many samples are left of it. A moment falls into a part
    /// of twice the length twice as often, and is anywhere in it with equal chance.
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

    /// The signal's next number, without the floor.
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
