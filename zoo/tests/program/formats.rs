//! Readers for the files that the program writes, independent of the program and by the formats' definitions,
//! and writers for its input files, good and bad.

use std::collections::BTreeMap;
use std::io::Write as _;

/// A tensor of a safetensors file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) dtype: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl Stored {
    pub(crate) fn values(&self) -> Vec<f32> {
        assert_eq!(self.dtype, "F32");
        floats(&self.bytes)
    }
}

/// A safetensors file: eight bytes of length, a JSON header of that length, then the data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Safetensors {
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tensors: BTreeMap<String, Stored>,
}

impl Safetensors {
    /// Reads a file, and checks everything that the format requires.
    #[track_caller]
    pub(crate) fn parse(file: &[u8]) -> Self {
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let (header, data) = file[8..].split_at(length);
        let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header).unwrap();
        let (mut metadata, mut tensors) = (BTreeMap::new(), BTreeMap::new());
        let mut pieces = Vec::new();
        for (name, entry) in header {
            if name == "__metadata__" {
                metadata = serde_json::from_value(entry).unwrap();
                continue;
            }
            let number = |n: &serde_json::Value| n.as_u64().unwrap() as usize;
            let numbers = |key: &str| entry[key].as_array().unwrap().iter().map(number).collect::<Vec<_>>();
            let (shape, offsets) = (numbers("shape"), numbers("data_offsets"));
            let [start, end] = offsets[..] else { panic!("{name} has offsets {offsets:?}") };
            let dtype = entry["dtype"].as_str().unwrap().to_owned();
            let width = if dtype == "F16" { 2 } else { 4 };
            assert_eq!(end - start, width * shape.iter().product::<usize>(), "{name}: {dtype} {shape:?}");
            pieces.push((start, end));
            tensors.insert(name, Stored { dtype, shape, bytes: data[start..end].to_vec() });
        }
        // The tensors cover the data without gaps and overlaps.
        pieces.sort_unstable();
        let mut at = 0;
        for (start, end) in pieces {
            assert_eq!(start, at);
            at = end;
        }
        assert_eq!(at, data.len());
        Self { metadata, tensors }
    }

    /// Writes a file.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut header = serde_json::Map::new();
        if !self.metadata.is_empty() {
            header.insert("__metadata__".to_owned(), serde_json::to_value(&self.metadata).unwrap());
        }
        let mut data = Vec::new();
        for (name, Stored { dtype, shape, bytes }) in &self.tensors {
            let offsets = [data.len(), data.len() + bytes.len()];
            let entry = serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets });
            header.insert(name.clone(), entry);
            data.extend_from_slice(bytes);
        }
        let header = serde_json::to_vec(&header).unwrap();
        [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
    }

    /// The names and shapes.
    pub(crate) fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.tensors.iter().map(|(name, stored)| (name.clone(), stored.shape.clone())).collect()
    }
}

pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

pub(crate) fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The bytes of an NPY file with this `descr` and `shape` in its header, true or not.
pub(crate) fn npy_of(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    // `numpy` pads, so that the data begins at a multiple of 64.
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
}

pub(crate) fn npy(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size},")).collect();
    npy_of("<f4", &sizes, &bytes(values))
}

/// Shape and values, rounded to f32, of an NPY file that the program wrote.
#[track_caller]
pub(crate) fn parse_npy(file: &[u8]) -> (Vec<usize>, Vec<f32>) {
    let (shape, values) = parse_npy_f64(file);
    (shape, values.into_iter().map(|x| x as f32).collect())
}

/// Shape and values of an NPY file in C order, of f32 or, if it holds rows of a table, of f64: the kinds that the program
/// writes.
#[track_caller]
pub(crate) fn parse_npy_f64(file: &[u8]) -> (Vec<usize>, Vec<f64>) {
    assert_eq!(&file[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
    let (header, data) = file[10..].split_at(length);
    let header = std::str::from_utf8(header).unwrap();
    assert!(header.contains("'fortran_order': False"), "{header}");
    let values: Vec<f64> = if header.contains("'<f8'") {
        data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
    } else {
        assert!(header.contains("'<f4'"), "{header}");
        floats(data).into_iter().map(f64::from).collect()
    };
    let shape = header.split_once('(').unwrap().1.split_once(')').unwrap().0;
    let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape: Vec<usize> = sizes.map(|size| size.parse().unwrap()).collect();
    assert_eq!(values.len(), shape.iter().product::<usize>(), "{header}");
    (shape, values)
}

/// An IDX file of unsigned bytes.
pub(crate) fn idx(sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    file.extend_from_slice(data);
    file
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(data).unwrap();
    packed.finish().unwrap()
}

/// Width and height of a PNG that can be decoded.
#[track_caller]
pub(crate) fn png_size(file: &[u8]) -> (u32, u32) {
    let picture = image::load_from_memory_with_format(file, image::ImageFormat::Png).unwrap();
    (picture.width(), picture.height())
}
