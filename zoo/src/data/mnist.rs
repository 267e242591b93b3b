//! MNIST, embedded in the program as four gzip files (11 MB), so that the first run needs no download.

use super::{Images, idx};
use anyhow::Result;
use std::path::Path;

const TRAIN_IMAGES: &[u8] = include_bytes!("../../data/mnist/train-images-idx3-ubyte.gz");
const TRAIN_LABELS: &[u8] = include_bytes!("../../data/mnist/train-labels-idx1-ubyte.gz");
const TEST_IMAGES: &[u8] = include_bytes!("../../data/mnist/t10k-images-idx3-ubyte.gz");
const TEST_LABELS: &[u8] = include_bytes!("../../data/mnist/t10k-labels-idx1-ubyte.gz");

/// The 60,000 training images and the 10,000 test images, with their labels.
pub fn load() -> Result<[Images; 2]> {
    let path = Path::new("the embedded MNIST");
    let unpacked =
        |images, labels| idx::images((idx::parse(images, path)?, path), Some((idx::parse(labels, path)?, path)));
    Ok([unpacked(TRAIN_IMAGES, TRAIN_LABELS)?, unpacked(TEST_IMAGES, TEST_LABELS)?])
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};
    use std::io::Read as _;

    use super::super::gzip;
    use super::*;

    #[test]
    fn the_unpacked_files_are_the_published_ones() {
        for (file, published) in [
            (TRAIN_IMAGES, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
            (TRAIN_LABELS, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            (TEST_IMAGES, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
            (TEST_LABELS, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ] {
            let mut bytes = Vec::new();
            gzip::unpacked(file).unwrap().read_to_end(&mut bytes).unwrap();
            let digest = Sha256::digest(bytes);
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, published);
        }
    }
}
