//! NPY, `numpy`'s file of one array: read as rows of numbers or as images, written as `f32`.
//!
//! The parsing is `npyz`'s, behind a gate of our own. That crate trusts a header: sizes that
//! multiply beyond 64 bits and deeply nested literals would stop the program. So only headers of
//! the one plain shape that `numpy` writes for numbers reach it, and nothing is allocated before the
//! promised size has been found equal to the file's.

use std::io::{self, Write};
use std::path::Path;

use npyz::{DType, NpyFile, NpyHeader, Order, TypeChar, WriterBuilder};

use super::{DataError, Images, Table};
use crate::runs::files::{self, write_atomically};

/// `numpy` itself refuses to read longer headers unless told otherwise.
const LONGEST_HEADER: usize = 10_000;

const DAMAGED: &str = "save the array again, the file is incomplete or damaged";
const PLAIN: &str = "save a plain array of numbers with numpy.save";
const CAST: &str = "convert it first, as in x.astype('float32')";

/// What an NPY file turned out to hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// One or two dimensions: rows of numbers. One dimension gives one column.
    Table(Table),
    /// Three or four dimensions of unsigned bytes: images without labels.
    Images(Images),
}

/// Reads an array of any real `numpy` type, either byte order, C or Fortran order.
///
/// Images are count × height × width, or have their 1 or 3 channels second or last; where both
/// could be meant, second. Numbers become `f32`; one that is NaN, infinite or too large for it is
/// an error that names its row and column.
pub fn read(path: &Path) -> Result<Array, DataError> {
    parse(&files::read(path)?, path)
}

/// Numbers in an array of any shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// The array's shape.
    pub shape: Vec<usize>,
    /// Its elements, the last axis running fastest; all finite.
    pub values: Vec<f32>,
}

/// Reads an array of any number of axes as numbers, whatever their type.
pub fn read_values(path: &Path) -> Result<Values, DataError> {
    let bytes = files::read(path)?;
    let array = open(&bytes, path)?;
    let shape = array.shape.clone();
    let values = array.numbers(path)?;
    let rows = shape.first().copied().unwrap_or(1);
    // For the message's sake, seen as a table: one row a sample.
    let table = Table::new(rows, values.len() / rows.max(1), values)?;
    table.require_finite(path)?;
    Ok(Values { shape, values: table.values })
}

/// Understands the bytes of an NPY file; `path` is for messages only.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Array, DataError> {
    let array = open(bytes, path)?;
    let shape = array.shape.clone();
    match shape[..] {
        [rows] => array.table(rows, 1, path),
        [rows, cols] => array.table(rows, cols, path),
        [_, _, _] | [_, _, _, _] if array.kind.descr().trim_matches('\'').ends_with("u1") => {
            images(&shape, array.pixels(path)?, path)
        }
        [_, _, _] | [_, _, _, _] => {
            let problem = format!("images must be bytes from 0 to 255, and these are {}", array.kind.descr());
            Err(DataError::malformed(path, problem, "convert them first, as in x.astype('uint8')"))
        }
        _ => {
            let problem = format!("an array of shape {shape:?} is neither a table nor a stack of images");
            let remedy = "save an array of 2 dimensions for a table, of 3 or 4 for images";
            Err(DataError::malformed(path, problem, remedy))
        }
    }
}

/// An array whose header was found to tell the truth.
struct Open<'a> {
    file: NpyFile<&'a [u8]>,
    kind: DType,
    shape: Vec<usize>,
}

fn open<'a>(bytes: &'a [u8], path: &Path) -> Result<Open<'a>, DataError> {
    let bad = |problem: String, remedy| DataError::malformed(path, problem, remedy);
    check_header(bytes).map_err(|(problem, remedy)| bad(problem, remedy))?;
    let mut rest = bytes;
    let header = NpyHeader::from_reader(&mut rest)
        .map_err(|e| bad(format!("its NPY header cannot be understood: {e}"), PLAIN))?;
    let kind = header.dtype();
    let unsupported = || bad(format!("arrays of {} are not supported", kind.descr()), CAST);
    let item = kind.num_bytes().filter(|&size| size > 0);
    let item = item.ok_or_else(unsupported)? as u64;
    // `check_header` has multiplied the shape already: only the item's size can still overflow.
    let promised = header.len().checked_mul(item);
    if promised != Some(rest.len() as u64) {
        let problem = format!(
            "the header promises {:?} values of {item} bytes and the file holds {} bytes",
            header.shape(),
            rest.len(),
        );
        return Err(bad(problem, DAMAGED));
    }
    let shape: Vec<usize> = header.shape().iter().map(|&size| size as usize).collect();
    Ok(Open { file: NpyFile::with_header(header, rest), kind, shape })
}

impl Open<'_> {
    fn table(self, rows: usize, cols: usize, path: &Path) -> Result<Array, DataError> {
        let table = Table::new(rows, cols, self.numbers(path)?)?;
        table.require_finite(path)?;
        Ok(Array::Table(table))
    }

    fn pixels(self, path: &Path) -> Result<Vec<u8>, DataError> {
        let order = self.file.order();
        let stored = self.file.into_vec().map_err(|e| unreadable(&e, path))?;
        Ok(if order == Order::C { stored } else { to_c_order(&self.shape, &stored) })
    }

    fn numbers(self, path: &Path) -> Result<Vec<f32>, DataError> {
        let Self { file, kind, shape } = self;
        let order = file.order();
        let DType::Plain(plain) = &kind else {
            let problem = format!("arrays of {} are not supported", kind.descr());
            return Err(DataError::malformed(path, problem, PLAIN));
        };
        let values = match (plain.type_char(), plain.size_field()) {
            (TypeChar::Float, 2) => convert(file, half::f16::to_f32),
            (TypeChar::Float, 4) => convert(file, |v: f32| v),
            (TypeChar::Float, 8) => convert(file, |v: f64| v as f32),
            (TypeChar::Int, 1) => convert(file, |v: i8| f32::from(v)),
            (TypeChar::Int, 2) => convert(file, |v: i16| f32::from(v)),
            (TypeChar::Int, 4) => convert(file, |v: i32| v as f32),
            (TypeChar::Int, 8) => convert(file, |v: i64| v as f32),
            (TypeChar::Uint, 1) => convert(file, |v: u8| f32::from(v)),
            (TypeChar::Uint, 2) => convert(file, |v: u16| f32::from(v)),
            (TypeChar::Uint, 4) => convert(file, |v: u32| v as f32),
            (TypeChar::Uint, 8) => convert(file, |v: u64| v as f32),
            (TypeChar::Bool, 1) => convert(file, |v: bool| f32::from(u8::from(v))),
            _ => {
                let problem = format!("arrays of {} are not supported", kind.descr());
                return Err(DataError::malformed(path, problem, CAST));
            }
        };
        let values = values.map_err(|e| unreadable(&e, path))?;
        Ok(if order == Order::C { values } else { to_c_order(&shape, &values) })
    }
}

fn unreadable(why: &io::Error, path: &Path) -> DataError {
    DataError::malformed(path, format!("its values cannot be read: {why}"), DAMAGED)
}

type Problem = (String, &'static str);

/// Lets through only what `numpy` writes for plain numbers: a short dictionary with one tuple in it,
/// whose sizes are positive and multiply to something that exists.
fn check_header(bytes: &[u8]) -> Result<(), Problem> {
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err(("it does not start as an NPY file does".into(), PLAIN));
    }
    let cut = || ("the file ends within its header".to_owned(), DAMAGED);
    let version = *bytes.get(6).ok_or_else(cut)?;
    let wide = version >= 2;
    let start = if wide { 12 } else { 10 };
    let size = bytes.get(8..start).ok_or_else(cut)?;
    let length = size.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
    if length > LONGEST_HEADER {
        let problem = format!("a header of {length} bytes is longer than numbers need");
        return Err((problem, PLAIN));
    }
    let text = bytes.get(start..start + length).ok_or_else(cut)?;
    let times = |wanted: u8| text.iter().filter(|&&byte| byte == wanted).count();
    if (times(b'{'), times(b'('), times(b'['), times(b'-')) != (1, 1, 0, 0) {
        return Err(("it is no array of plain numbers".into(), PLAIN));
    }
    let text = String::from_utf8_lossy(text);
    let inside = text.split_once('(').and_then(|(_, after)| after.split_once(')'));
    let (shape, _) = inside.ok_or_else(|| ("its shape is never closed".to_owned(), PLAIN))?;
    let mut product = 1u64;
    for size in shape.split(',').map(str::trim).filter(|size| !size.is_empty()) {
        let size: u64 = size.parse().map_err(|_| {
            let problem = format!("{:?} is no size of an array", super::shortened(size));
            (problem, PLAIN)
        })?;
        product = product.checked_mul(size).ok_or_else(|| {
            let problem = "the sizes in the header multiply beyond 64 bits".to_owned();
            (problem, DAMAGED)
        })?;
        if product == 0 {
            let problem = format!("it is empty, its shape being ({})", super::shortened(shape));
            return Err((problem, "save an array that holds some data"));
        }
    }
    Ok(())
}

fn convert<V: npyz::Deserialize>(file: NpyFile<&[u8]>, to_f32: impl Fn(V) -> f32) -> io::Result<Vec<f32>> {
    let values = file.data::<V>().map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
    values.map(|value| value.map(&to_f32)).collect()
}

/// Values stored with the first index running fastest, put with the last index running fastest.
fn to_c_order<V: Copy>(shape: &[usize], stored: &[V]) -> Vec<V> {
    let mut index = vec![0; shape.len()];
    let mut values = Vec::with_capacity(stored.len());
    for _ in 0..stored.len() {
        let at = index.iter().zip(shape).rev().fold(0, |at, (&i, &size)| at * size + i);
        values.push(stored[at]);
        for (i, &size) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < size {
                break;
            }
            *i = 0;
        }
    }
    values
}

fn images(shape: &[usize], pixels: Vec<u8>, path: &Path) -> Result<Array, DataError> {
    let (shape, pixels) = match *shape {
        [count, height, width] => ([count, 1, height, width], pixels),
        [count, channels @ (1 | 3), height, width] => ([count, channels, height, width], pixels),
        [count, height, width, channels @ (1 | 3)] => {
            let planes = pixels.chunks_exact(height * width * channels);
            let pixels = planes
                .flat_map(|image| (0..channels).flat_map(move |c| image.iter().skip(c).step_by(channels)))
                .copied()
                .collect();
            ([count, channels, height, width], pixels)
        }
        _ => {
            return Err(DataError::malformed(
                path,
                format!("images of shape {shape:?} have neither 1 nor 3 channels"),
                "save them as count x channels x height x width",
            ));
        }
    };
    Ok(Array::Images(Images::new(shape, pixels, None)?))
}

/// Writes `values` as an array of `shape`, little-endian `f32`, whole or not at all.
pub fn write(path: &Path, shape: &[usize], values: &[f32]) -> Result<(), DataError> {
    let count = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
    if count != Some(values.len()) {
        return Err(DataError::Shape { values: values.len(), shape: format!("{shape:?}") });
    }
    write_atomically(path, |writer| encode(writer, shape, values))?;
    Ok(())
}

fn encode(writer: impl Write, shape: &[usize], values: &[f32]) -> io::Result<()> {
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    let little_endian = "<f4".parse().map_err(io::Error::other)?;
    let mut writer =
        npyz::WriteOptions::new().dtype(DType::Plain(little_endian)).shape(&shape).writer(writer).begin_nd()?;
    writer.extend(values)?;
    writer.finish()
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
