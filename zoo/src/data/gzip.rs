//! Gunzip, a block at a time: what is unpacked is never in memory as a whole.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read};

/// No file of n bytes unpacks to more than this times n, because deflate cannot compress further.
pub(super) const BEST_RATIO: u64 = 1032;

/// Whether these bytes start like a gzip file.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The bytes of a file, unpacked as they are read if it starts like a gzip file. Reading its end verifies the checksum.
pub(super) fn unpacked<'a>(mut file: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    Ok(if is_gzip(file.fill_buf()?) {
        Box::new(BufReader::new(Unpacking(MultiGzDecoder::new(file))))
    } else {
        Box::new(file)
    })
}

/// Says what to do about a file that cannot be unpacked.
struct Unpacking<R>(MultiGzDecoder<R>);

impl<R: BufRead> Read for Unpacking<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let failed =
            |why: io::Error| io::Error::new(why.kind(), format!("gzip cannot unpack it: {why}; get the file again"));
        self.0.read(into).map_err(failed)
    }
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

    fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        unpacked(packed)?.read_to_end(&mut bytes).map(|_| bytes)
    }

    #[test]
    fn only_gzip_files_are_unpacked() {
        assert_eq!(unpack(&pack(&[7; 100_000])).unwrap(), [7; 100_000]);
        assert_eq!(unpack(&[pack(b"one"), pack(b" two")].concat()).unwrap(), b"one two");
        assert_eq!(unpack(b"plain").unwrap(), b"plain");
    }

    #[test]
    fn nothing_is_compressed_beyond_the_best_ratio() {
        let packed = pack(&vec![0; 10 << 20]);
        assert!((10 << 20) as f64 / (packed.len() as f64) < BEST_RATIO as f64);
    }

    #[test]
    fn damage_is_detected() {
        let mut packed = pack(b"some text that is long enough");
        assert!(unpack(&packed[..packed.len() - 1]).is_err());
        let checksum = packed.len() - 8;
        packed[checksum] ^= 1;
        let message = unpack(&packed).unwrap_err().to_string();
        assert!(
            message.starts_with("gzip cannot unpack it: ") && message.ends_with("; get the file again"),
            "{message}"
        );
    }
}
