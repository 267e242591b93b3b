//! NPY files of every supported kind, and many that must be refused.

use proptest::prelude::*;

use super::super::tests::assert_message;
use super::*;

/// A version 1.0 file with this header and these bytes.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

fn plain(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}\n");
    file(&header, data)
}

fn read_bytes(bytes: &[u8]) -> Result<Array> {
    parse(bytes, Path::new("some.npy"))
}

fn values(bytes: &[u8]) -> (usize, usize, Vec<f64>) {
    match read_bytes(bytes).unwrap() {
        Array::Table(t) => (t.rows, t.cols, t.values),
        Array::Images(_) => panic!("images"),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(rows in 1usize..8, cols in 1usize..8, seed in -1e300f64..1e300) {
        let values: Vec<f64> = (0..rows * cols).map(|i| seed / (i + 1) as f64).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        write(&path, &[rows, cols], &values).unwrap();
        prop_assert_eq!(read(&path).unwrap(), Array::Table(Table { rows, cols, values }));
    }

    #[test]
    fn no_header_causes_a_panic(header in "[{}()\\[\\]':,<>fiubOV0-9 a-zTF\\-]{0,80}", data in prop::collection::vec(any::<u8>(), 0..20)) {
        let _ = read_bytes(&file(&header, &data));
    }

    #[test]
    fn no_type_or_shape_causes_a_panic(descr in "[<>|=]?[a-zA-Z]{1,2}[0-9]{0,20}(\\[[a-z0-9]{0,9}\\])?", shape in "[0-9]{0,20}(, ?[0-9]{0,20}){0,4}", data in prop::collection::vec(any::<u8>(), 0..20)) {
        let _ = read_bytes(&plain(&descr, false, &shape, &data));
        let _ = read_bytes(&plain(&descr, true, "2, 3", &data));
    }

    #[test]
    fn every_truncation_is_an_error(cut in 0usize..200) {
        let whole = plain("<f4", false, "2, 3", &[0; 24]);
        prop_assert!(read_bytes(&whole[..cut.min(whole.len() - 1)]).is_err());
    }
}

#[test]
fn every_number_type_in_both_byte_orders() {
    macro_rules! check {
        ($($descr:literal $number:expr),+ $(,)?) => {$(
            let number = $number;
            let expected = (1, 1, vec![f64::from(number)]);
            let size = size_of_val(&number);
            assert_eq!(values(&plain(concat!("<", $descr), false, "1,", &number.to_le_bytes())), expected);
            let big = if size == 1 { "|" } else { ">" };
            let big = [big, $descr].concat();
            assert_eq!(values(&plain(&big, false, "1, 1", &number.to_be_bytes())), expected);
        )+};
    }
    check!(
        "f2" half::f16::from_f32(-1.5), "f4" -2.5f32, "f8" 0.1f64,
        "i1" -3i8, "i2" -300i16, "i4" -70_000i32,
        "u1" 200u8, "u2" 60_000u16, "u4" 4_000_000_000u32,
    );
    assert_eq!(values(&plain(">i8", false, "1,", &(-5i64).to_be_bytes())).2, [-5.0]);
    assert_eq!(values(&plain("<u8", false, "1,", &7u64.to_le_bytes())).2, [7.0]);
    assert_eq!(values(&plain("|b1", false, "2,", &[1, 0])).2, [1.0, 0.0]);
    // `(1)` is a number in Python; `(1,)` is a shape.
    assert!(read_bytes(&plain("<i8", false, "1", &[0; 8])).is_err());
}

#[test]
fn fortran_order_is_converted() {
    // [[1, 2, 3], [4, 5, 6]] column by column.
    let (rows, cols, numbers) = values(&plain("|u1", true, "2, 3", &[1, 4, 2, 5, 3, 6]));
    assert_eq!((rows, cols), (2, 3));
    assert_eq!(numbers, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    // The error names the row and the column of the table, not of the file.
    let mut data = vec![0; 24];
    data[12..16].copy_from_slice(&f32::NAN.to_le_bytes());
    let error = read_bytes(&plain("<f4", true, "2, 3", &data)).unwrap_err();
    assert_message(&error, &["row 1, column 1 (counting from 0)"]);
}

#[test]
fn images_in_every_layout() {
    let get = |bytes: &[u8]| match read_bytes(bytes).unwrap() {
        Array::Images(images) => images,
        Array::Table(_) => panic!("a table"),
    };
    let gray = get(&plain("|u1", false, "2, 1, 3", &[1, 2, 3, 4, 5, 6]));
    assert_eq!([gray.count, gray.channels, gray.height, gray.width], [2, 1, 1, 3]);
    let first = get(&plain("|u1", false, "1, 3, 1, 2", &[1, 2, 3, 4, 5, 6]));
    let last = get(&plain("|u1", false, "1, 1, 2, 3", &[1, 3, 5, 2, 4, 6]));
    assert_eq!((last.channels, last.width), (1, 3), "channels second are preferred");
    let last = get(&plain("|u1", false, "1, 2, 2, 3", &[1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12]));
    assert_eq!((last.channels, last.height, last.width), (3, 2, 2));
    assert_eq!(last.pixels, (1..=12).collect::<Vec<u8>>());
    let fortran = get(&plain("|u1", true, "1, 3, 1, 2", &[1, 3, 5, 2, 4, 6]));
    assert_eq!(first, fortran);
    let error = read_bytes(&plain("|u1", false, "1, 2, 2, 2", &[0; 8])).unwrap_err();
    assert_message(&error, &["neither 1 nor 3 channels"]);
    let error = read_bytes(&plain("<f4", false, "1, 1, 1", &[0; 4])).unwrap_err();
    assert_message(&error, &["astype('uint8')"]);
}

#[test]
fn nested_and_long_headers_do_not_reach_the_parser() {
    let nested = "[".repeat(9_000);
    assert_message(&read_bytes(&file(&nested, &[])).unwrap_err(), &["plain numbers"]);
    let minus = format!("{{'descr': {}1, 'shape': (1,)}}", "-".repeat(9_000));
    assert_message(&read_bytes(&file(&minus, &[])).unwrap_err(), &["plain numbers"]);
    let long = " ".repeat(20_000);
    assert_message(&read_bytes(&file(&long, &[])).unwrap_err(), &["20000 bytes"]);
    let mut wide = b"\x93NUMPY\x02\x00".to_vec();
    wide.extend(u32::MAX.to_le_bytes());
    assert_message(&read_bytes(&wide).unwrap_err(), &["4294967295 bytes"]);
}

#[test]
fn other_types_are_refused() {
    for descr in ["<c8", "|S3", "<f16", "|S0"] {
        assert!(read_bytes(&plain(descr, false, "1,", &[0; 8])).is_err(), "{descr}");
    }
    let record = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }";
    assert_message(&read_bytes(&file(record, &[0; 4])).unwrap_err(), &["plain numbers"]);
    assert_message(&read_bytes(b"PK\x03\x04").unwrap_err(), &["is not an NPY file"]);
    // The size in bytes does not fit into 64 bits.
    let error = read_bytes(&plain("<f8", false, "4611686018427387904,", &[])).unwrap_err();
    assert_message(&error, &["promises"]);
    assert_message(&read_bytes(&plain("<f4", false, "", &[0; 4])).unwrap_err(), &["[]"]);
}

#[test]
fn arrays_beyond_the_limit_are_refused() {
    let bytes = plain("|u1", false, "2, 3", &[1; 6]);
    assert!(decode(&*bytes, bytes.len() as u64, 48).is_ok());
    let error = decode(&*bytes, bytes.len() as u64, 47).unwrap_err();
    assert_message(&error, &["[2, 3] values", "use a part of it, or raise --memory"]);
    let images = plain("|u1", false, "1, 2, 3", &[1; 6]);
    assert!(decode(&*images, images.len() as u64, 6).is_ok());
}

#[test]
fn values_must_fill_the_shape_when_writing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    assert!(write(&path, &[2, 2], &[0.0; 3]).is_err());
    assert!(!path.exists());
}
