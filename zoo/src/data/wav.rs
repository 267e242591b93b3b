//! WAV files with one channel of 16 bits.

use crate::runs::files::{self, write_atomically};
use anyhow::Result;
use hound::{SampleFormat, WavSpec, WavWriter};
use std::io::{self, Seek, Write};
use std::path::Path;

/// The silence between two signals is 1/10 s.
const SILENCE: u32 = 10;
/// A WAV file stores its length in 32 bits; this leaves room for the header.
const MOST_BYTES: usize = u32::MAX as usize - 1024;

/// Writes signals of `samples` samples each, one after another, with 0.1 s of silence in between. Values from −1 to 1 span
/// the 16 bits; others are clipped, and the result is their number. NaN becomes 0.
#[track_caller]
pub fn write(path: &Path, values: &[f32], samples: usize, rate: u32) -> Result<usize> {
    assert!(samples > 0 && values.len().is_multiple_of(samples), "{} values as signals of {samples}", values.len());
    let silence = (rate / SILENCE) as usize;
    let signals = values.len() / samples;
    let length = silence.saturating_mul(signals.saturating_sub(1)).saturating_add(values.len());
    if length > MOST_BYTES / 2 {
        let why = io::Error::new(io::ErrorKind::FileTooLarge, "a WAV file holds no more than 4 GB");
        return Err(files::failure("write", path, &why));
    }
    let spec = WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    write_atomically(path, |file| {
        encode(file, spec, values.chunks_exact(samples), silence).map_err(|error| match error {
            hound::Error::IoError(error) => error,
            other => io::Error::other(other),
        })
    })?;
    Ok(values.iter().filter(|x| x.abs() > 1.0).count())
}

fn encode<'a>(
    file: impl Write + Seek,
    spec: WavSpec,
    signals: impl Iterator<Item = &'a [f32]>,
    silence: usize,
) -> hound::Result<()> {
    let mut writer = WavWriter::new(file, spec)?;
    for (i, signal) in signals.enumerate() {
        for _ in 0..if i > 0 { silence } else { 0 } {
            writer.write_sample(0i16)?;
        }
        for x in signal {
            // Casting NaN to an integer gives 0.
            writer.write_sample((x.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16)?;
        }
    }
    writer.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> (WavSpec, Vec<i16>) {
        let mut reader = hound::WavReader::open(path).unwrap();
        (reader.spec(), reader.samples::<i16>().map(Result::unwrap).collect())
    }

    #[test]
    fn signals_are_separated_by_silence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        assert_eq!(write(&path, &[0.5, -1.0, 1.0, 0.0001], 2, 8000).unwrap(), 0);
        let (spec, samples) = read(&path);
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 8000, 16));
        assert_eq!(samples.len(), 4 + 800);
        assert_eq!((&samples[..2], &samples[802..]), (&[16384, -32767][..], &[32767, 3][..]));
        assert!(samples[2..802].iter().all(|&x| x == 0));
    }

    #[test]
    fn loud_values_are_clipped_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        let clipped = write(&path, &[1.5, -2.0, f32::INFINITY, f32::NAN, 1.0], 5, 100).unwrap();
        assert_eq!((clipped, read(&path).1), (3, vec![32767, -32767, 32767, 0, 32767]));
        assert_eq!(write(&path, &[], 5, 100).unwrap(), 0);
        assert!(read(&path).1.is_empty());
    }

    #[test]
    fn files_that_would_be_too_long_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        // The silence alone would be too long. No memory is allocated for it.
        let long = write(&folder.path().join("x.wav"), &[0.0; 10], 1, u32::MAX).unwrap_err().to_string();
        assert!(long.contains("4 GB") && long.contains("a smaller part"), "{long}");
    }
}
