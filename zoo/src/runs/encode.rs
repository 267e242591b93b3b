//! Writes the safetensors format, and takes checksums of what it would hold.
//!
//! Our own few lines, because the crate's writer keeps the metadata in random order and a second copy of all tensors in
//! memory. Equal contents give equal bytes.

use super::stored::{Stored, bytes};
use autograd::Tensor;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes metadata and tensors: the length of a JSON header, the header, then the values, each tensor after the other by
/// name.
pub(crate) fn write(
    writer: &mut impl Write,
    metadata: &BTreeMap<String, String>,
    tensors: &[(impl AsRef<str>, Stored<'_>)],
) -> io::Result<()> {
    let tensors = sorted(tensors);
    let mut header = serde_json::Map::from_iter([("__metadata__".to_owned(), json!(metadata))]);
    let mut end = 0;
    for (name, tensor) in &tensors {
        let start = end;
        end += tensor.bytes.len();
        let entry = json!({ "dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [start, end] });
        header.insert((*name).to_owned(), entry);
    }
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    writer.write_all(&(header.len() as u64).to_le_bytes())?;
    writer.write_all(&header)?;
    tensors.iter().try_for_each(|(_, tensor)| writer.write_all(&tensor.bytes))
}

/// A checksum of some words and tensors, in hexadecimal digits.
pub(super) fn checksum(words: &[&str], tensors: &[(String, Tensor<f32>)]) -> String {
    let mut hash = Sha256::new();
    // With its length, so that no other words or tensors run together to the same.
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    words.iter().for_each(|word| add(word.as_bytes()));
    for (name, tensor) in sorted(tensors) {
        add(name.as_bytes());
        add(tensor.shape().to_string().as_bytes());
        add(&bytes(tensor));
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn sorted<T>(tensors: &[(impl AsRef<str>, T)]) -> Vec<(&str, &T)> {
    let mut sorted: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_ref(), tensor)).collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    sorted
}
