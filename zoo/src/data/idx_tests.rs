//! Valid IDX files, and all kinds of invalid ones.

use proptest::prelude::*;

use super::super::gzip::tests::pack;
use super::super::tests::assert_message;
use super::*;

fn read_bytes(bytes: &[u8]) -> Result<Idx> {
    parse(bytes, Path::new("some.idx"))
}

/// The errors for the bytes, raw and gzipped.
fn refused(bytes: &[u8]) -> [anyhow::Error; 2] {
    [bytes.to_vec(), pack(bytes)].map(|file| read_bytes(&file).unwrap_err())
}

/// The bytes of a raw IDX file.
pub(in super::super) fn encode(dims: &[u32], bytes: &[u8]) -> Vec<u8> {
    let sizes: Vec<u8> = dims.iter().flat_map(|size| size.to_be_bytes()).collect();
    [&[0, 0, UBYTE, dims.len() as u8][..], &sizes, bytes].concat()
}

proptest! {
    #[test]
    fn what_is_encoded_is_read_back(
        dims in prop::collection::vec(1u32..6, 1..=4),
        seed in any::<u8>(),
    ) {
        let count: u32 = dims.iter().product();
        let bytes: Vec<u8> = (0..count).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect();
        let raw = encode(&dims, &bytes);
        for file in [raw.clone(), pack(&raw)] {
            let idx = read_bytes(&file).unwrap();
            prop_assert!(idx.dims.iter().map(|&d| d as u32).eq(dims.iter().copied()));
            prop_assert_eq!(&idx.bytes, &bytes);
        }
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = read_bytes(&bytes);
        let _ = read_bytes(&pack(&bytes));
        let _ = read_bytes(&[&[0x1f, 0x8b], &bytes[..]].concat());
        let _ = read_bytes(&[&[0, 0, 8], &bytes[..]].concat());
    }

    #[test]
    fn every_truncation_is_an_error(cut in 0usize..37) {
        let raw = encode(&[2, 3, 4], &[9; 24]);
        let packed = pack(&raw);
        prop_assert!(read_bytes(&raw[..cut.min(raw.len() - 1)]).is_err());
        prop_assert!(read_bytes(&packed[..cut.min(packed.len() - 1)]).is_err());
    }
}

#[test]
fn other_formats_are_refused() {
    for wrong in [[0, 0, 8, 0], [0, 0, 8, 5]] {
        for error in refused(&wrong) {
            assert_message(&error, &["starts with", "expected an IDX file"]);
        }
    }
    for error in refused(&[0, 0]) {
        assert_message(&error, &["not an IDX header"]);
    }
    for error in refused(&[0, 0, 8, 3, 0, 0]) {
        assert_message(&error, &["ends within its header"]);
    }
}

#[test]
fn empty_files_are_errors() {
    assert_message(&read_bytes(&[]).unwrap_err(), &["0 bytes"]);
    for error in refused(&[0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28]) {
        assert_message(&error, &["empty (0x28x28)"]);
    }
}

#[test]
fn files_beyond_the_limit_are_refused() {
    let raw = encode(&[2, 3], &[9; 6]);
    for file in [raw.clone(), pack(&raw)] {
        let limited = |most| decode(&*file, file.len() as u64, most);
        assert_eq!(limited(6).unwrap().bytes, [9; 6]);
        assert_message(&limited(5).unwrap_err(), &["its 2x3 values", "use a part of it, or raise --memory"]);
    }
}

#[test]
fn garbage_after_the_gzip_data_is_detected() {
    let mut file = pack(&encode(&[3], &[1, 2, 3]));
    file.extend_from_slice(b"garbage");
    assert_message(&read_bytes(&file).unwrap_err(), &["gzip cannot unpack"]);
}

fn write(folder: &Path, name: &str, dims: &[u32]) {
    let bytes = vec![1; dims.iter().product::<u32>() as usize];
    let raw = encode(dims, &bytes);
    let gz = Path::new(name).extension().is_some_and(|e| e == "gz");
    std::fs::write(folder.join(name), if gz { pack(&raw) } else { raw }).unwrap();
}

#[test]
fn a_folder_with_any_of_the_usual_names() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "train-images.idx3-ubyte", &[5, 4, 3]);
    write(folder.path(), "train-labels-idx1-ubyte.gz", &[5]);
    write(folder.path(), "t10k-images-idx3-ubyte", &[2, 4, 3]);
    let (train, test) = read_folder(folder.path()).unwrap();
    assert_eq!([train.count, train.channels, train.height, train.width], [5, 1, 4, 3]);
    assert_eq!(train.labels, Some(vec![1; 5]));
    assert_eq!((test.count, test.labels), (2, None));

    write(folder.path(), "t10k-labels.idx1-ubyte.gz", &[3]);
    let error = read_folder(folder.path()).unwrap_err();
    assert_message(&error, &["t10k-labels", "3 labels", "2 images"]);
}

#[test]
fn color_images_have_four_dimensions() {
    let idx = |dims: &[u32]| read_bytes(&encode(dims, &vec![0; dims.iter().product::<u32>() as usize])).unwrap();
    let path = Path::new("x");
    assert_eq!(images((idx(&[2, 3, 4, 5]), path), None).unwrap().channels, 3);
    assert!(images((idx(&[2, 2, 4, 5]), path), None).is_err());
}
