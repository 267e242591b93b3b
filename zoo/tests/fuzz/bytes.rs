//! Changes to the bytes of files.

use crate::bases::bases;
use crate::{HEAP, MOST, any, bases::file};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use zoo::runs::checkpoint;

/// Numbers for a shape or an offset.
const NUMBERS: [&str; 8] =
    ["0", "1", "-1", "4294967296", "9223372036854775807", "18446744073709551615", "18446744073709551616", "1.5"];

const DTYPES: [&str; 6] = ["F64", "I8", "BOOL", "F4", "f32", "BF16"];

/// The header as text, changed, with the length that belongs to it or another.
fn rewritten(file: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let (length, rest) = file.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().expect("eight bytes")) as usize);
    let mut header = String::from_utf8_lossy(header).into_owned();
    for _ in 0..rng.random_range(1..4) {
        let numbers: Vec<_> = header.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
        let at = if numbers.is_empty() { 0 } else { *any(&numbers, rng) };
        let (number, dtype) = (*any::<&str>(&NUMBERS, rng), *any::<&str>(&DTYPES, rng));
        header = match rng.random_range(0..5) {
            // A digit, and so a shape, an offset, or a size in the configuration.
            0 => [&header[..at], number, header.get(at + 1..).unwrap_or_default()].concat(),
            1 => header.replacen("F32", dtype, 1),
            // Two tensors of the same name.
            2 => header.replacen("weight", "bias", 1),
            3 => header.replacen("\"shape\":[", &format!("\"shape\":[{number},"), 1),
            _ => header.replacen("\"data_offsets\":[", &format!("\"data_offsets\":[{number}"), 1),
        };
    }
    let wrong = rng.random::<u64>() >> rng.random_range(0..64);
    let length = if rng.random_range(0..8) == 0 { wrong } else { header.len() as u64 };
    [&length.to_le_bytes(), header.as_bytes(), data].concat()
}

fn damaged(file: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = file.to_vec();
    match rng.random_range(0..4) {
        0 => bytes.truncate(rng.random_range(0..bytes.len())),
        1 => return rewritten(file, rng),
        kind => {
            // Most of a small file is its header.
            let within = if kind == 2 { bytes.len() } else { 16 };
            for _ in 0..rng.random_range(1..6) {
                bytes[rng.random_range(0..within)] = rng.random();
            }
        }
    }
    bytes
}

/// Loads damaged files in both precisions. Returns a line about them, or what does harm.
pub(crate) fn try_files(count: u64, seed: u64) -> Result<String, String> {
    let files: Vec<_> = bases().iter().map(|base| file(&base.config)).collect();
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("m.safetensors");
    let (mut rng, mut loaded) = (ChaCha8Rng::seed_from_u64(seed), 0);
    HEAP.reset();
    let before = HEAP.use_curr();
    for i in 0..count {
        let bytes = damaged(any::<Vec<u8>>(&files, &mut rng), &mut rng);
        std::fs::write(&path, &bytes).map_err(|error| error.to_string())?;
        let load = || (checkpoint::load::<f32>(&path).is_ok(), checkpoint::load::<f64>(&path).is_ok());
        let Ok((single, double)) = catch_unwind(AssertUnwindSafe(load)) else {
            return Err(format!("a panic: {:?}", String::from_utf8_lossy(&bytes)));
        };
        loaded += u64::from(single);
        let taken = HEAP.use_max() - before;
        if single != double || taken > 4 * bytes.len() + MOST {
            return Err(format!("file {i}, {taken} bytes: {:?}", String::from_utf8_lossy(&bytes)));
        }
    }
    Ok(format!("{count} damaged files, of which {loaded} could be loaded"))
}
