//! WAV files, for the commands that make signals.

use super::prelude::*;
use crate::data::wav;

/// Refuses --wav if `what` is not over signals.
pub(super) fn check(asked: Option<&Path>, what: impl std::fmt::Display, space: &Space) -> Result<()> {
    match (asked, space) {
        (Some(_), Space::Images { .. } | Space::Table { .. }) => {
            bail!("{what}: {} are not sound; leave out --wav", space.describe())
        }
        _ => Ok(()),
    }
}

/// Writes signals one after another, and prints a line about it.
pub(super) fn write(path: &Path, values: &[f32], samples: usize, rate: u32, out: &mut Output<'_>) -> Result<()> {
    let clipped = wav::write(path, values, samples, rate)?;
    let signals = values.len() / samples.max(1);
    let loss = match clipped {
        0 => String::new(),
        clipped => format!("; {clipped} of {} samples are beyond ±1 and were clipped", values.len()),
    };
    let one = if signals == 1 { "1 signal".to_owned() } else { format!("{signals} signals one after another") };
    writeln!(out, "{}: {one}, at {rate} Hz{loss}", path.display())
}
