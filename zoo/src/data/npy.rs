//! NPY, numpy's file format for one array: read as a table or as images, written as `f32`.
//!
//! The `npyz` crate parses the file, but trusts its header: huge sizes or deeply nested literals would crash the program.
//! So the header must first look like what numpy writes for plain numbers, and no memory is allocated before the promised
//! size equals that of the file. Then the entries are converted as they are read: nothing else is in memory.

use super::{Images, Table, shortened};
use crate::runs::files::{self, write_atomically};
use crate::runs::memory::{self, Bytes};
use anyhow::{Context as _, Result, bail, ensure};
use npyz::{DType, NpyFile, NpyHeader, Order, TypeChar, WriterBuilder};
use std::io::{self, BufReader, Read};
use std::path::Path;

/// numpy also refuses longer headers by default.
const LONGEST_HEADER: usize = 10_000;

const DAMAGED: &str = "save the array again, the file is incomplete or damaged";
const PLAIN: &str = "save a plain array of numbers with numpy.save";
const CAST: &str = "convert it first, as in x.astype('float64')";

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
/// Entries of tables become `f64`.
pub fn read(path: &Path) -> Result<Array> {
    let (file, length) = files::open(path)?;
    decode(BufReader::new(file), length, memory::for_data()).with_context(|| path.display().to_string())
}

/// Reads an array with any number of axes: its shape and its entries, all finite; the last axis varies fastest.
pub fn read_values(path: &Path) -> Result<(Vec<usize>, Vec<f64>)> {
    let (file, length) = files::open(path)?;
    let values = || {
        let array = open(BufReader::new(file), length, memory::for_data())?;
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
    decode(bytes, bytes.len() as u64, memory::for_data()).with_context(|| path.display().to_string())
}

/// An NPY file of `length` bytes, whose entries may take `most` bytes.
fn decode(file: impl Read, length: u64, most: u64) -> Result<Array> {
    let array = open(file, length, most)?;
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
struct Open<R: Read> {
    file: NpyFile<R>,
    kind: DType,
    shape: Vec<usize>,
    /// The bytes that its entries may take.
    most: u64,
}

fn open<R: Read>(mut file: R, length: u64, most: u64) -> Result<Open<R>> {
    let head = head(&mut file)?;
    check_header(&head)?;
    let mut text = &*head;
    let header =
        NpyHeader::from_reader(&mut text).ok().with_context(|| format!("its NPY header is not valid; {PLAIN}"))?;
    let kind = header.dtype();
    let item = kind.num_bytes().filter(|&size| size > 0);
    let item = item.with_context(|| format!("arrays of {} are not supported; {CAST}", kind.descr()))? as u64;
    let held = length.saturating_sub(head.len() as u64);
    // `check_header` has multiplied the shape already: only the size of an entry can still overflow.
    ensure!(
        header.len().checked_mul(item) == Some(held),
        "the header promises {:?} values of {item} bytes and the file holds {held} bytes; {DAMAGED}",
        header.shape()
    );
    let shape = header.shape().iter().map(|&size| size as usize).collect();
    Ok(Open { file: NpyFile::with_header(header, file), kind, shape, most })
}

/// The bytes up to the end of the header, as far as there are any.
fn head(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.take(10).read_to_end(&mut head)?;
    let wide = head.get(6).is_some_and(|&version| version >= 2);
    file.take(if wide { 2 } else { 0 }).read_to_end(&mut head)?;
    let length = head.iter().skip(8).rev().fold(0, |length, &byte| length << 8 | u64::from(byte));
    file.take(length.min(LONGEST_HEADER as u64)).read_to_end(&mut head)?;
    Ok(head)
}

impl<R: Read> Open<R> {
    fn table(self, rows: usize, cols: usize) -> Result<Table> {
        let table = Table::new(rows, cols, self.numbers()?)?;
        table.require_finite()?;
        Ok(table)
    }

    /// The entries, in C order.
    fn values<V: npyz::Deserialize, U: Copy + Default>(self, convert: impl Fn(V) -> U) -> Result<Vec<U>> {
        let count: usize = self.shape.iter().product();
        let (needed, mut values) = (count as f64 * size_of::<U>() as f64, Vec::new());
        ensure!(
            needed <= self.most as f64 && values.try_reserve_exact(count).is_ok(),
            "its {:?} values take {}, and a data set may take {}; use a part of it, or raise --memory",
            self.shape,
            Bytes(needed),
            Bytes(self.most as f64)
        );
        let order = self.file.order();
        let unread = || format!("its values cannot be read; {DAMAGED}");
        let stored = self.file.data::<V>().map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e));
        let stored = stored.with_context(unread)?.map(|value| value.map(&convert));
        if order == Order::C {
            for value in stored {
                values.push(value.with_context(unread)?);
            }
            return Ok(values);
        }
        values.resize(count, U::default());
        let mut index = vec![0; self.shape.len()];
        for value in stored {
            // In Fortran order the first index varies fastest; in C order, the last one.
            let at = index.iter().zip(&self.shape).fold(0, |at, (&i, &size)| at * size + i);
            values[at] = value.with_context(unread)?;
            for (i, &size) in index.iter_mut().zip(&self.shape) {
                *i += 1;
                if *i < size {
                    break;
                }
                *i = 0;
            }
        }
        Ok(values)
    }

    fn numbers(self) -> Result<Vec<f64>> {
        let DType::Plain(plain) = &self.kind else {
            bail!("arrays of {} are not supported; {PLAIN}", self.kind.descr());
        };
        match (plain.type_char(), plain.size_field()) {
            (TypeChar::Float, 2) => self.values(half::f16::to_f64),
            (TypeChar::Float, 4) => self.values(|v: f32| f64::from(v)),
            (TypeChar::Float, 8) => self.values(|v: f64| v),
            (TypeChar::Int, 1) => self.values(|v: i8| f64::from(v)),
            (TypeChar::Int, 2) => self.values(|v: i16| f64::from(v)),
            (TypeChar::Int, 4) => self.values(|v: i32| f64::from(v)),
            (TypeChar::Int, 8) => self.values(|v: i64| v as f64),
            (TypeChar::Uint, 1) => self.values(|v: u8| f64::from(v)),
            (TypeChar::Uint, 2) => self.values(|v: u16| f64::from(v)),
            (TypeChar::Uint, 4) => self.values(|v: u32| f64::from(v)),
            (TypeChar::Uint, 8) => self.values(|v: u64| v as f64),
            (TypeChar::Bool, 1) => self.values(|v: bool| f64::from(u8::from(v))),
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

fn images(shape: &[usize], pixels: Vec<u8>) -> Result<Array> {
    let (shape, pixels) = match *shape {
        [count, height, width] => ([count, 1, height, width], pixels),
        [count, channels @ (1 | 3), height, width] => ([count, channels, height, width], pixels),
        [count, height, width, channels @ (1 | 3)] => {
            let mut pixels = pixels;
            for image in pixels.chunks_exact_mut(height * width * channels) {
                let planes = (0..channels).flat_map(|c| image.iter().skip(c).step_by(channels));
                let planes: Vec<u8> = planes.copied().collect();
                image.copy_from_slice(&planes);
            }
            ([count, channels, height, width], pixels)
        }
        _ => bail!(
            "images of shape {shape:?} have neither 1 nor 3 channels; save them as count x channels x height x width"
        ),
    };
    Ok(Array::Images(Images::new(shape, pixels, None)?))
}

/// A type of entries that is written: `f32` as `<f4`, `f64` as `<f8`.
pub trait Entry: npyz::AutoSerialize + Copy {}

impl Entry for f32 {}
impl Entry for f64 {}

/// Writes an array of little-endian numbers.
pub fn write<V: Entry>(path: &Path, shape: &[usize], values: &[V]) -> Result<()> {
    let count = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
    ensure!(count == Some(values.len()), "{} values do not fill the shape {shape:?}", values.len());
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    write_atomically(path, |file| {
        let little_endian = format!("<f{}", size_of::<V>()).parse().map_err(io::Error::other)?;
        let mut writer =
            npyz::WriteOptions::new().dtype(DType::Plain(little_endian)).shape(&shape).writer(file).begin_nd()?;
        writer.extend(values.iter().copied())?;
        writer.finish()
    })
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
