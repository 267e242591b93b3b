//! IDX, the format of MNIST: two zero bytes, a type, the number of dimensions, each dimension as a big-endian `u32`, then
//! the values. Raw or gzipped.
//!
//! A header of a few bytes may promise terabytes, so no memory is allocated before the promise has been checked.

use super::{Images, gzip};
use crate::runs::files;
use crate::runs::memory::{self, Bytes};
use anyhow::{Context as _, Result, bail, ensure};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The type of images and labels: unsigned bytes.
const UBYTE: u8 = 0x08;
/// Images have three dimensions, or four with channels; labels have one.
const MOST_DIMS: usize = 4;

const DAMAGED: &str = "get the file again, it is incomplete or damaged";
const NOT_IDX: &str = "expected an IDX file of unsigned bytes, such as MNIST's, raw or gzipped";

/// An array of unsigned bytes with one to four dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// The shape.
    pub dims: Vec<usize>,
    /// The values; the last axis varies fastest.
    pub bytes: Vec<u8>,
}

/// Reads an IDX file, raw or gzipped.
pub fn read(path: &Path) -> Result<Idx> {
    let (file, length) = files::open(path)?;
    decode(BufReader::new(file), length, memory::for_data()).with_context(|| path.display().to_string())
}

/// Parses the bytes of an IDX file, raw or gzipped. The path is for error messages.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Idx> {
    decode(bytes, bytes.len() as u64, memory::for_data()).with_context(|| path.display().to_string())
}

/// An IDX file of `length` bytes, raw or gzipped, whose values may take `most` bytes.
fn decode(mut file: impl BufRead, length: u64, most: u64) -> Result<Idx> {
    let gzipped = gzip::is_gzip(file.fill_buf()?);
    let mut file = gzip::unpacked(file)?;
    let mut start = Vec::new();
    file.by_ref().take(4).read_to_end(&mut start)?;
    let rank = start.get(3).map_or(0, |&rank| usize::from(rank).min(MOST_DIMS));
    file.by_ref().take(4 * rank as u64).read_to_end(&mut start)?;
    let (dims, promised) = header(&start)?;
    let (shape, begun) = (times(&dims), start.len() as u64);
    let room = length.saturating_mul(if gzipped { gzip::BEST_RATIO } else { 1 }).saturating_sub(begun);
    let holds = |at_most: &str, held: u64| {
        format!("the header promises {shape} = {promised} bytes and the file holds {at_most}{held}; {DAMAGED}")
    };
    ensure!(promised <= room, holds(if gzipped { "at most " } else { "" }, room));
    let mut bytes = Vec::new();
    ensure!(
        promised <= most && bytes.try_reserve_exact(promised as usize).is_ok(),
        "its {shape} values take {}, and a data set may take {}; use a part of it, or raise --memory",
        Bytes(promised as f64),
        Bytes(most as f64)
    );
    let held = file.by_ref().take(promised).read_to_end(&mut bytes)? as u64;
    ensure!(held == promised, holds("", held));
    // At the end of a gzip file its checksum is verified.
    if file.read(&mut [0])? > 0 {
        let extra = if gzipped { "at least 1 byte".to_owned() } else { format!("{} bytes", room - promised) };
        bail!("{extra} too many after the {shape} that the header promises; {DAMAGED}");
    }
    Ok(Idx { dims, bytes })
}

/// The shape, and the number of values.
fn header(start: &[u8]) -> Result<(Vec<usize>, u64)> {
    let Some(&[zero, one, kind, rank]) = start.first_chunk::<4>() else {
        bail!("{} bytes are not an IDX header; {NOT_IDX}", start.len());
    };
    let rank = usize::from(rank);
    if (zero, one, kind) != (0, 0, UBYTE) || !(1..=MOST_DIMS).contains(&rank) {
        bail!("it starts with {zero:02x} {one:02x} {kind:02x} {rank:02x}; {NOT_IDX}");
    }
    let sizes = start[4..].as_chunks::<4>().0.iter().take(rank);
    let dims: Vec<usize> = sizes.map(|&size| u32::from_be_bytes(size) as usize).collect();
    ensure!(dims.len() == rank, "the file ends within its header; {DAMAGED}");
    ensure!(!dims.contains(&0), "it is empty ({}); choose a file that holds some data", times(&dims));
    let product = dims.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64));
    Ok((dims, product.with_context(|| format!("the sizes in the header multiply beyond 64 bits; {DAMAGED}"))?))
}

fn times(dims: &[usize]) -> String {
    let sizes: Vec<String> = dims.iter().map(usize::to_string).collect();
    sizes.join("x")
}

/// Combines an array of images and the array of their labels. The paths are for error messages.
pub fn images((images, path): (Idx, &Path), labels: Option<(Idx, &Path)>) -> Result<Images> {
    let shape = match images.dims[..] {
        [count, height, width] => [count, 1, height, width],
        [count, channels @ (1 | 3), height, width] => [count, channels, height, width],
        _ => bail!(
            "{}: {} is not a stack of images; expected count x height x width, or count x 1 or 3 channels x height x width",
            path.display(),
            times(&images.dims)
        ),
    };
    let labels = match labels {
        None => None,
        Some((labels, _)) if labels.dims == shape[..1] => Some(labels.bytes),
        Some((labels, labels_path)) => bail!(
            "{}: it holds {} labels, but {} holds {} images; put matching files into the folder",
            labels_path.display(),
            times(&labels.dims),
            path.display(),
            shape[0]
        ),
    };
    Images::new(shape, images.bytes, labels)
}

/// Reads `train` and `t10k` images from a folder, and labels if there are any.
pub fn read_folder(folder: &Path) -> Result<(Images, Images)> {
    Ok((read_part(folder, "train")?, read_part(folder, "t10k")?))
}

fn read_part(folder: &Path, part: &str) -> Result<Images> {
    let Some(path) = find(folder, part, "images", 3) else {
        bail!(
            "{}: the folder holds no {part}-images-idx3-ubyte, with or without .gz; it needs train-images-idx3-ubyte and t10k-images-idx3-ubyte, and may have the labels",
            folder.display()
        );
    };
    let labels = find(folder, part, "labels", 1);
    let labels = labels.as_deref().map(|path| anyhow::Ok((read(path)?, path))).transpose()?;
    images((read(&path)?, &path), labels)
}

/// The file under any of its usual names; a raw file comes before a gzipped one.
fn find(folder: &Path, part: &str, what: &str, rank: u8) -> Option<PathBuf> {
    ["-", "."]
        .into_iter()
        .flat_map(|mark| ["", ".gz"].map(|gz| format!("{part}-{what}{mark}idx{rank}-ubyte{gz}")))
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
#[path = "idx_tests.rs"]
pub(super) mod tests;
