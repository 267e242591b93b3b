//! Unpacking gzip without trusting it: never more memory than the caller is ready to give.

use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;

/// Whatever a file claims, this much is the most that is unpacked into memory.
pub(super) const MOST: u64 = 2 << 30;

/// Deflate cannot shrink anything further than this, so a file of n bytes holds at most n times
/// as much: a larger promise is a lie that can be called out before unpacking a single byte.
pub(super) const BEST_RATIO: u64 = 1032;

/// Whether these bytes start as a gzip file does.
#[must_use]
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Unpacks at most `limit` bytes; whoever wants to know whether there were more asks for one more.
///
/// The result grows with what is really unpacked. The checksum at the end has been compared
/// whenever fewer than `limit` bytes come back.
pub(super) fn unpack(packed: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(packed).take(limit).read_to_end(&mut bytes)?;
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
    fn the_ratio_is_a_true_bound() {
        let packed = pack(&vec![0; 10 << 20]);
        assert!((10 << 20) as f64 / (packed.len() as f64) < BEST_RATIO as f64);
    }

    #[test]
    fn damage_is_noticed() {
        let mut packed = pack(b"some text that is long enough");
        assert!(unpack(&packed[..packed.len() - 1], u64::MAX).is_err());
        let checksum = packed.len() - 8;
        packed[checksum] ^= 1;
        assert!(unpack(&packed, u64::MAX).is_err());
    }
}
