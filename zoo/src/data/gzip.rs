//! Gunzip with a limit on memory.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, Read};

/// The most that is unpacked into memory, in bytes.
pub(super) const MOST: u64 = 2 << 30;

/// No file of n bytes unpacks to more than this times n, because deflate cannot compress further.
pub(super) const BEST_RATIO: u64 = 1032;

/// Whether these bytes start like a gzip file.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Unpacks at most `limit` bytes. To see whether there are more, ask for one more. The checksum has been verified if
/// fewer than `limit` bytes are returned.
pub(super) fn unpack(packed: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(packed).take(limit).read_to_end(&mut bytes);
    read.map_err(|why| io::Error::new(why.kind(), format!("gzip cannot unpack it: {why}; get the file again")))?;
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;

    pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn stops_at_the_limit() {
        let packed = pack(&vec![7; 1 << 20]);
        assert_eq!(unpack(&packed, 1_000).unwrap(), [7; 1_000]);
        assert_eq!(unpack(&packed, u64::MAX).unwrap().len(), 1 << 20);
    }

    #[test]
    fn nothing_is_compressed_beyond_the_best_ratio() {
        let packed = pack(&vec![0; 10 << 20]);
        assert!((10 << 20) as f64 / (packed.len() as f64) < BEST_RATIO as f64);
    }

    #[test]
    fn damage_is_detected() {
        let mut packed = pack(b"some text that is long enough");
        assert!(unpack(&packed[..packed.len() - 1], u64::MAX).is_err());
        let checksum = packed.len() - 8;
        packed[checksum] ^= 1;
        assert!(unpack(&packed, u64::MAX).is_err());
    }
}
