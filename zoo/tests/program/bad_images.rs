//! IDX folders that are missing, truncated, or inconsistent.

use crate::folder::{Folder, TRAIN};
use crate::formats::{gzip, idx};
use crate::made::{image_folder, pictures};

const TRAIN_IMAGES: &str = "bars/train-images-idx3-ubyte";

fn line(data: &str) -> String {
    format!("{TRAIN} --data {data} --out run")
}

fn folder() -> Folder {
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, false);
    folder
}

#[test]
fn missing_files_are_named() {
    let folder = folder();
    folder.refuses(&line("nowhere/images"), &["nowhere/images", "path of a folder"]);
    folder.write("empty/readme", "");
    folder.refuses(&line("empty"), &["empty", "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"]);
    std::fs::remove_file(folder.path("bars/t10k-images-idx3-ubyte")).unwrap();
    folder.refuses(&line("bars"), &["bars", "holds no t10k-images-idx3-ubyte"]);
}

#[test]
fn truncated_files_are_named() {
    let folder = folder();
    let whole = folder.read(TRAIN_IMAGES);
    for length in [0, 3, 9, 16, whole.len() - 1] {
        folder.write(TRAIN_IMAGES, &whole[..length]);
        folder.refuses(&line("bars"), &[TRAIN_IMAGES]);
    }
    folder.write(TRAIN_IMAGES, [&whole[..], b"more"].concat());
    folder.refuses(&line("bars"), &[TRAIN_IMAGES, "4 bytes too many", "get the file again"]);
    std::fs::remove_file(folder.path(TRAIN_IMAGES)).unwrap();
    let packed = gzip(&whole);
    for length in [5, packed.len() / 2, packed.len() - 1] {
        folder.write(&format!("{TRAIN_IMAGES}.gz"), &packed[..length]);
        folder.refuses(&line("bars"), &["train-images-idx3-ubyte.gz", "gzip cannot unpack it", "get the file again"]);
    }
}

#[test]
fn headers_that_promise_too_much_are_refused() {
    let folder = folder();
    let pixels = pictures(100, 4);
    for sizes in [[1 << 31, 28, 28], [u32::MAX; 3], [101, 4, 4]] {
        let lie = idx(&sizes, &pixels);
        folder.write(TRAIN_IMAGES, &lie);
        folder.refuses(&line("bars"), &[TRAIN_IMAGES, "get the file again"]);
        std::fs::remove_file(folder.path(TRAIN_IMAGES)).unwrap();
        folder.write(&format!("{TRAIN_IMAGES}.gz"), gzip(&lie));
        folder.refuses(&line("bars"), &["train-images-idx3-ubyte.gz", "get the file again"]);
        std::fs::remove_file(folder.path(&format!("{TRAIN_IMAGES}.gz"))).unwrap();
    }
    // A gzip bomb: no more is unpacked than the header promises.
    folder.write(&format!("{TRAIN_IMAGES}.gz"), gzip(&[idx(&[100, 4, 4], &pixels), vec![0; 64 << 20]].concat()));
    folder.refuses(&line("bars"), &["train-images-idx3-ubyte.gz", "too many"]);
}

#[test]
fn files_of_other_formats_are_refused() {
    let folder = folder();
    for bytes in [&b"\x89PNG\r\n\x1a\n and so on"[..], b"\0\0\x0d\x03\0\0\0\x01\0\0\0\x01\0\0\0\x01abcd", b"P5 4 4 255"]
    {
        folder.write(TRAIN_IMAGES, bytes);
        folder.refuses(&line("bars"), &[TRAIN_IMAGES, "expected an IDX file of unsigned bytes"]);
    }
    folder.write(TRAIN_IMAGES, idx(&[1600], &pictures(100, 4)));
    folder.refuses(&line("bars"), &[TRAIN_IMAGES, "1600 is not a stack of images"]);
    folder.write(TRAIN_IMAGES, idx(&[0, 4, 4], &[]));
    folder.refuses(&line("bars"), &[TRAIN_IMAGES, "empty"]);
}

#[test]
fn files_must_match() {
    let folder = folder();
    folder.write("bars/train-labels-idx1-ubyte", idx(&[99], &[0; 99]));
    folder.refuses(&line("bars"), &["bars/train-labels-idx1-ubyte", "99 labels", "100 images"]);
    std::fs::remove_file(folder.path("bars/train-labels-idx1-ubyte")).unwrap();
    folder.write("bars/t10k-images-idx3-ubyte", idx(&[20, 5, 5], &pictures(20, 5)));
    folder.refuses(&line("bars"), &["bars", "1x4x4", "1x5x5"]);
    std::fs::remove_file(folder.path("bars/t10k-labels-idx1-ubyte")).unwrap();
    folder.write(TRAIN_IMAGES, idx(&[9, 5, 5], &pictures(9, 5)));
    folder.refuses(&line("bars"), &["bars", "9 training images are too few"]);
}
