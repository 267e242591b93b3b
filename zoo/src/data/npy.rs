//! NPY, numpy's file format for one array: read as a table or as images, written as `f32`.
//!
//! The `npyz` crate parses the file, but trusts its header: huge sizes or deeply nested literals would crash the program.
//! So the header must first look like what numpy writes for plain numbers, and no memory is allocated before the promised
//! size equals that of the file.

use super::{Images, Table, shortened};
use crate::runs::files::{self, write_atomically};
use anyhow::{Context as _, Result, bail, ensure};
use npyz::{DType, NpyFile, NpyHeader, Order, TypeChar, WriterBuilder};
use std::io;
use std::path::Path;

/// numpy also refuses longer headers by default.
const LONGEST_HEADER: usize = 10_000;

const DAMAGED: &str = "save the array again, the file is incomplete or damaged";
const PLAIN: &str = "save a plain array of numbers with numpy.save";
const CAST: &str = "convert it first, as in x.astype('float32')";

/// The contents of an NPY file.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// One or two dimensions: rows of numbers. One dimension gives one column.
    Table(Table),
    /// Three or four dimensions of unsigned bytes: images without labels.
    Images(Images),
}

/// Reads an array of any real numpy type, in either byte order, in C or Fortran order.
///
/// Images are count × height × width, or have their 1 or 3 channels second or last; if both are possible, second.
/// Entries become `f32`.
pub fn read(path: &Path) -> Result<Array> {
    parse(&files::read(path)?, path)
}

/// Reads an array with any number of axes: its shape and its entries, all finite; the last axis varies fastest.
pub fn read_values(path: &Path) -> Result<(Vec<usize>, Vec<f32>)> {
    let bytes = files::read(path)?;
    let values = || {
        let array = open(&bytes)?;
        let shape = array.shape.clone();
        // As a table, for the error message.
        let rows = shape.first().copied().unwrap_or(1);
        let cols = shape.iter().skip(1).product();
        anyhow::Ok((shape, array.table(rows, cols)?.values))
    };
    values().with_context(|| path.display().to_string())
}

/// Parses the bytes of an NPY file. The path is for error messages.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Array> {
    decode(bytes).with_context(|| path.display().to_string())
}

fn decode(bytes: &[u8]) -> Result<Array> {
    let array = open(bytes)?;
    let shape = array.shape.clone();
    match shape[..] {
        [rows] => array.table(rows, 1).map(Array::Table),
        [rows, cols] => array.table(rows, cols).map(Array::Table),
        [_, _, _] | [_, _, _, _] if array.kind.descr().trim_matches('\'').ends_with("u1") => {
            images(&shape, array.values::<u8, _>(|v| v)?)
        }
        [_, _, _] | [_, _, _, _] => bail!(
            "images must be bytes from 0 to 255, and these are {}; convert them first, as in x.astype('uint8')",
            array.kind.descr()
        ),
        _ => bail!(
            "an array of shape {shape:?} is neither a table nor a stack of images; save an array of 2 dimensions for a table, of 3 or 4 for images"
        ),
    }
}

/// An array whose header has been checked.
struct Open<'a> {
    file: NpyFile<&'a [u8]>,
    kind: DType,
    shape: Vec<usize>,
}

fn open(bytes: &[u8]) -> Result<Open<'_>> {
    check_header(bytes)?;
    let mut rest = bytes;
    let header =
        NpyHeader::from_reader(&mut rest).ok().with_context(|| format!("its NPY header is not valid; {PLAIN}"))?;
    let kind = header.dtype();
    let item = kind.num_bytes().filter(|&size| size > 0);
    let item = item.with_context(|| format!("arrays of {} are not supported; {CAST}", kind.descr()))? as u64;
    // `check_header` has multiplied the shape already: only the size of an entry can still overflow.
    ensure!(
        header.len().checked_mul(item) == Some(rest.len() as u64),
        "the header promises {:?} values of {item} bytes and the file holds {} bytes; {DAMAGED}",
        header.shape(),
        rest.len()
    );
    let shape = header.shape().iter().map(|&size| size as usize).collect();
    Ok(Open { file: NpyFile::with_header(header, rest), kind, shape })
}

impl Open<'_> {
    fn table(self, rows: usize, cols: usize) -> Result<Table> {
        let table = Table::new(rows, cols, self.numbers()?)?;
        table.require_finite()?;
        Ok(table)
    }

    /// The entries, in C order.
    fn values<V: npyz::Deserialize, U: Copy>(self, convert: impl Fn(V) -> U) -> Result<Vec<U>> {
        let order = self.file.order();
        let values = self.file.data::<V>().map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e));
        let stored = values.and_then(|values| values.map(|value| value.map(&convert)).collect());
        let stored: Vec<U> = stored.with_context(|| format!("its values cannot be read; {DAMAGED}"))?;
        Ok(if order == Order::C { stored } else { to_c_order(&self.shape, &stored) })
    }

    fn numbers(self) -> Result<Vec<f32>> {
        let DType::Plain(plain) = &self.kind else {
            bail!("arrays of {} are not supported; {PLAIN}", self.kind.descr());
        };
        match (plain.type_char(), plain.size_field()) {
            (TypeChar::Float, 2) => self.values(half::f16::to_f32),
            (TypeChar::Float, 4) => self.values(|v: f32| v),
            (TypeChar::Float, 8) => self.values(|v: f64| v as f32),
            (TypeChar::Int, 1) => self.values(|v: i8| f32::from(v)),
            (TypeChar::Int, 2) => self.values(|v: i16| f32::from(v)),
            (TypeChar::Int, 4) => self.values(|v: i32| v as f32),
            (TypeChar::Int, 8) => self.values(|v: i64| v as f32),
            (TypeChar::Uint, 1) => self.values(|v: u8| f32::from(v)),
            (TypeChar::Uint, 2) => self.values(|v: u16| f32::from(v)),
            (TypeChar::Uint, 4) => self.values(|v: u32| v as f32),
            (TypeChar::Uint, 8) => self.values(|v: u64| v as f32),
            (TypeChar::Bool, 1) => self.values(|v: bool| f32::from(u8::from(v))),
            _ => bail!("arrays of {} are not supported; {CAST}", self.kind.descr()),
        }
    }
}

/// Accepts only headers that numpy writes for plain numbers: a short dictionary with one tuple, of positive sizes whose
/// product fits into 64 bits.
fn check_header(bytes: &[u8]) -> Result<()> {
    let cut = || format!("the file ends within its header; {DAMAGED}");
    ensure!(bytes.starts_with(b"\x93NUMPY"), "it is not an NPY file; {PLAIN}");
    let version = *bytes.get(6).with_context(cut)?;
    let start = if version >= 2 { 12 } else { 10 };
    let size = bytes.get(8..start).with_context(cut)?;
    let length = size.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
    ensure!(length <= LONGEST_HEADER, "a header of {length} bytes is longer than numbers need; {PLAIN}");
    let text = bytes.get(start..start + length).with_context(cut)?;
    let times = |wanted: u8| text.iter().filter(|&&byte| byte == wanted).count();
    let plain = (times(b'{'), times(b'('), times(b'['), times(b'-')) == (1, 1, 0, 0);
    ensure!(plain, "it is not an array of plain numbers; {PLAIN}");
    let text = String::from_utf8_lossy(text);
    let inside = text.split_once('(').and_then(|(_, after)| after.split_once(')'));
    let (shape, _) = inside.with_context(|| format!("its shape is never closed; {PLAIN}"))?;
    let mut product = 1u64;
    for size in shape.split(',').map(str::trim).filter(|size| !size.is_empty()) {
        let size: u64 = size.parse().with_context(|| format!("{:?} is not a size; {PLAIN}", shortened(size)))?;
        let larger = product.checked_mul(size);
        product = larger.with_context(|| format!("the sizes in the header multiply beyond 64 bits; {DAMAGED}"))?;
        ensure!(product > 0, "it is empty, its shape is ({}); save an array that holds some data", shortened(shape));
    }
    Ok(())
}

/// From Fortran order, where the first index varies fastest, to C order, where the last one does.
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

fn images(shape: &[usize], pixels: Vec<u8>) -> Result<Array> {
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
        _ => bail!(
            "images of shape {shape:?} have neither 1 nor 3 channels; save them as count x channels x height x width"
        ),
    };
    Ok(Array::Images(Images::new(shape, pixels, None)?))
}

/// Writes an array of little-endian `f32`.
pub fn write(path: &Path, shape: &[usize], values: &[f32]) -> Result<()> {
    let count = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
    ensure!(count == Some(values.len()), "{} values do not fill the shape {shape:?}", values.len());
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    write_atomically(path, |file| {
        let little_endian = DType::Plain("<f4".parse().map_err(io::Error::other)?);
        let mut writer = npyz::WriteOptions::new().dtype(little_endian).shape(&shape).writer(file).begin_nd()?;
        writer.extend(values)?;
        writer.finish()
    })
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
