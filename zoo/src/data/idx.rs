//! IDX, the format MNIST is published in: two zero bytes, a type, the number of dimensions, each
//! dimension as a big-endian `u32`, then the bytes themselves. Raw or inside gzip.
//!
//! A header is twelve bytes that may promise terabytes, so nothing is allocated on its word: a raw
//! file must hold exactly what its header says, and a packed one is unpacked no further than that.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::{DataError, Images, gzip};
use crate::runs::files;

/// The type byte of unsigned bytes, the only one that images and labels come in.
const UBYTE: u8 = 0x08;
/// Images have three dimensions, or four with channels; labels have one.
const MOST_DIMS: usize = 4;

const DAMAGED: &str = "fetch the file again, it is incomplete or damaged";
const NOT_IDX: &str = "expected an IDX file of unsigned bytes, such as MNIST's, raw or gzipped";

/// An array of unsigned bytes of any number of dimensions up to four.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// Sizes, slowest first.
    pub dims: Vec<usize>,
    /// As many bytes as the sizes multiply to.
    pub bytes: Vec<u8>,
}

/// Reads an IDX file, raw or gzipped: its first bytes tell, not its name.
pub fn read(path: &Path) -> Result<Idx, DataError> {
    parse(files::read(path)?.into(), path)
}

/// Understands the bytes of an IDX file, raw or gzipped; `path` is for messages only.
pub fn parse(bytes: Cow<'_, [u8]>, path: &Path) -> Result<Idx, DataError> {
    let bad = |problem: String, remedy| DataError::malformed(path, problem, remedy);
    let gzipped = gzip::is_gzip(&bytes);
    let unpack = |limit| gzip::unpack(&bytes, limit).map_err(|e| bad(format!("gzip cannot unpack it: {e}"), DAMAGED));

    // The header first, by itself: at most 4 + 4·4 bytes.
    let start = if gzipped { unpack(4 + 4 * MOST_DIMS as u64)?.into() } else { Cow::Borrowed(&*bytes) };
    let (dims, promised) = header(&start).map_err(|(problem, remedy)| bad(problem, remedy))?;
    let header = 4 + 4 * dims.len();
    let shape = times(&dims);
    let total = promised.checked_add(header as u64);
    let room = if gzipped { (bytes.len() as u64).saturating_mul(gzip::BEST_RATIO) } else { bytes.len() as u64 };
    let Some(total) = total.filter(|&total| total <= room) else {
        let held = if gzipped { "can at most hold" } else { "holds" };
        let room = room.saturating_sub(header as u64);
        let problem = format!("the header promises {shape} = {promised} bytes and the file {held} {room}");
        return Err(bad(problem, DAMAGED));
    };
    if gzipped && total > gzip::MOST {
        let problem = format!("{shape} = {promised} bytes is more than is unpacked into memory");
        return Err(bad(problem, "unpack the file first with gunzip"));
    }

    let mut bytes = if gzipped { unpack(total + 1)? } else { bytes.into_owned() };
    let held = bytes.len() as u64;
    if held < total {
        let held = held - header as u64;
        let problem = format!("the header promises {shape} = {promised} bytes and the file holds {held}");
        return Err(bad(problem, DAMAGED));
    }
    if held > total {
        let extra = if gzipped { "at least 1 byte".into() } else { format!("{} bytes", held - total) };
        let problem = format!("{extra} too many after the {shape} that the header promises");
        return Err(bad(problem, DAMAGED));
    }
    bytes.drain(..header);
    Ok(Idx { dims, bytes })
}

/// The sizes and their product, or what is wrong and what to do.
fn header(start: &[u8]) -> Result<(Vec<usize>, u64), (String, &'static str)> {
    let Some(&[zero, one, kind, rank]) = start.first_chunk::<4>() else {
        return Err((format!("{} bytes are no IDX header", start.len()), NOT_IDX));
    };
    if (zero, one, kind) != (0, 0, UBYTE) || !(1..=MOST_DIMS).contains(&usize::from(rank)) {
        let problem = format!("it starts with {zero:02x} {one:02x} {kind:02x} {rank:02x}");
        return Err((problem, NOT_IDX));
    }
    let sizes = start[4..].chunks_exact(4).take(usize::from(rank));
    let sizes: Vec<u32> = sizes.map(|size| u32::from_be_bytes([size[0], size[1], size[2], size[3]])).collect();
    if sizes.len() < usize::from(rank) {
        return Err(("the file ends within its header".into(), DAMAGED));
    }
    let dims: Vec<usize> = sizes.iter().map(|&size| size as usize).collect();
    if sizes.contains(&0) {
        return Err((format!("it is empty ({})", times(&dims)), "choose a file that holds some data"));
    }
    let product = sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(u64::from(size)));
    product.map(|product| (dims, product)).ok_or_else(|| {
        let problem = "the sizes in the header multiply beyond 64 bits".into();
        (problem, DAMAGED)
    })
}

fn times(dims: &[usize]) -> String {
    let sizes: Vec<String> = dims.iter().map(usize::to_string).collect();
    sizes.join("x")
}

/// The bytes of a raw IDX file. `dims` are one to four sizes that multiply to the bytes' number.
pub fn encode(dims: &[u32], bytes: &[u8]) -> Result<Vec<u8>, DataError> {
    let held: Option<usize> = dims.iter().try_fold(1usize, |product, &size| product.checked_mul(size as usize));
    if held != Some(bytes.len()) || !(1..=MOST_DIMS).contains(&dims.len()) {
        return Err(DataError::Shape { values: bytes.len(), shape: format!("{dims:?}") });
    }
    let mut file = vec![0, 0, UBYTE, dims.len() as u8];
    file.extend(dims.iter().flat_map(|size| size.to_be_bytes()));
    file.extend_from_slice(bytes);
    Ok(file)
}

/// Puts an image array and the label array that belongs to it together; the paths are for messages.
pub fn images((images, path): (Idx, &Path), labels: Option<(Idx, &Path)>) -> Result<Images, DataError> {
    let shape = match images.dims[..] {
        [count, height, width] => [count, 1, height, width],
        [count, channels @ (1 | 3), height, width] => [count, channels, height, width],
        _ => {
            let problem = format!("{} is no stack of images", times(&images.dims));
            return Err(DataError::malformed(
                path,
                problem,
                "expected count x height x width, or count x 1 or 3 channels x height x width",
            ));
        }
    };
    let labels = match labels {
        None => None,
        Some((labels, _)) if labels.dims == shape[..1] => Some(labels.bytes),
        Some((labels, labels_path)) => {
            let problem =
                format!("it holds {} labels, but {} holds {} images", times(&labels.dims), path.display(), shape[0],);
            let remedy = "put the two files that belong together into the folder";
            return Err(DataError::malformed(labels_path, problem, remedy));
        }
    };
    Images::new(shape, images.bytes, labels)
}

/// Reads `train` and `t10k` images and labels from a folder. Labels may be missing, images may not.
pub fn read_folder(folder: &Path) -> Result<(Images, Images), DataError> {
    Ok((read_part(folder, "train")?, read_part(folder, "t10k")?))
}

fn read_part(folder: &Path, part: &str) -> Result<Images, DataError> {
    let Some(path) = find(folder, part, "images", 3) else {
        let problem = format!("the folder holds no {part}-images-idx3-ubyte, with or without .gz");
        let remedy = "it needs train-images-idx3-ubyte and t10k-images-idx3-ubyte, and may have the labels";
        return Err(DataError::malformed(folder, problem, remedy));
    };
    let labels = find(folder, part, "labels", 1);
    let labels = labels.as_deref().map(|path| Ok((read(path)?, path)));
    images((read(&path)?, &path), labels.transpose().map_err(|e: DataError| e)?)
}

/// The file under any of the names it goes by, the raw one before the packed one.
fn find(folder: &Path, part: &str, what: &str, rank: u8) -> Option<PathBuf> {
    ["-", "."]
        .into_iter()
        .flat_map(|mark| ["", ".gz"].map(|gz| format!("{part}-{what}{mark}idx{rank}-ubyte{gz}")))
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
#[path = "idx_tests.rs"]
mod tests;
