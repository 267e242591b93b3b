//! The library under the program: what its readers, writers and pictures accept and refuse, called directly.

use crate::folder::{Folder, assert_one_line};
use crate::formats::{gzip, idx, npy_of};
use std::path::Path;
use zoo::data::{Dataset, Images, Parts, Standardization, Table, csv, idx as idx_files, load, mnist, npy, wav};
use zoo::pictures::scatter::Layout;
use zoo::pictures::{Window, grid, heat};
use zoo::runs::files;

#[track_caller]
fn refused<T: std::fmt::Debug>(result: anyhow::Result<T>, parts: &[&str]) {
    assert_one_line(&format!("zoo: {:#}", result.unwrap_err()), parts);
}

#[test]
fn mnist_has_its_known_sizes_labels_and_brightness() {
    let [train, test] = mnist::load().unwrap();
    assert_eq!((train.count, test.count, train.dims()), (60_000, 10_000, 784));
    for images in [&train, &test] {
        assert_eq!((images.channels, images.height, images.width), (1, 28, 28));
    }
    let sum: u64 = train.pixels.iter().map(|&pixel| u64::from(pixel)).sum();
    let mean = sum as f64 / train.pixels.len() as f64 / 255.0;
    assert!((mean - 0.1307).abs() < 1e-4, "{mean}");
    assert_eq!(train.labels.unwrap()[..5], [5, 0, 4, 1, 9]);
    assert_eq!(test.labels.unwrap()[..5], [7, 2, 1, 0, 4]);
}

#[test]
fn holding_out_images_loses_none_and_repeats_none() {
    let folder = Folder::new();
    let pixels: Vec<u8> = (0..80).collect();
    let labels: Vec<u8> = (0..40).collect();
    folder.write("set/train-images-idx3-ubyte", idx(&[40, 1, 2], &pixels));
    folder.write("set/train-labels-idx1-ubyte", idx(&[40], &labels));
    folder.write("set/t10k-images-idx3-ubyte", idx(&[3, 1, 2], &[9; 6]));
    let Dataset::Images(Parts { train, validation, test }) = load(folder.path("set").to_str().unwrap()).unwrap() else {
        panic!("not images");
    };
    assert_eq!((train.count, validation.count, test.count), (36, 4, 3));
    let in_order = |images: &Images| {
        let labels = images.labels.clone().unwrap();
        // Each image is still the one of its label.
        assert!(
            labels.iter().zip(images.pixels.chunks(2)).all(|(label, pixels)| *pixels == [2 * label, 2 * label + 1])
        );
        labels
    };
    let mut all = [in_order(&train), in_order(&validation)].concat();
    assert!(!all.is_sorted());
    all.sort_unstable();
    assert_eq!(all, labels);
}

#[test]
fn empty_tables_are_refused_and_cause_no_panic() {
    let path = Path::new("some.npy");
    for shape in ["0, 3", "3, 0", "0,"] {
        refused(npy::parse(&npy_of("<f4", shape, &[]), path), &["some.npy", "it is empty"]);
    }
    refused(csv::parse(b" \n\t\n", Path::new("some.csv")), &["some.csv", "no rows"]);
    let [no_rows, no_columns] = [[0, 3], [5, 0]].map(|[rows, columns]| Table::new(rows, columns, vec![]).unwrap());
    assert!(no_rows.require_finite().is_ok() && no_columns.require_finite().is_ok());
    assert!(Standardization::fit(&no_columns).unwrap().mean.is_empty());
}

#[test]
fn idx_headers_that_do_not_match_the_file_are_explained() {
    let terabyte = [0, 0, 8, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 5];
    for (file, parts) in [
        (idx(&[9], &[1, 2, 3]), &["promises 9 = 9 bytes", "holds 3", "get the file again"][..]),
        (terabyte.to_vec(), &["65536x65536x256 = 1099511627776 bytes"]),
        (idx(&[u32::MAX; 4], &[]), &["64 bits"]),
        (idx(&[2], &[1, 2, 3, 4, 5]), &["too many"]),
        (b"\x89PNG\r\n\x1a\n".to_vec(), &["starts with 89 50 4e 47", "expected an IDX file"]),
        (vec![0, 0, 0x0d, 1], &["starts with 00 00 0d 01", "expected an IDX file"]),
    ] {
        let parts = [parts, &["some.idx"]].concat();
        for file in [gzip(&file), file] {
            refused(idx_files::parse(&file, Path::new("some.idx")), &parts);
        }
    }
    refused(idx_files::parse(&idx(&[2], &[1, 2, 3, 4, 5]), Path::new("x")), &["3 bytes too many"]);
    // No more is unpacked than the header promises.
    let bomb = gzip(&[idx(&[100], &[0; 100]), vec![0; 50 << 20]].concat());
    refused(idx_files::parse(&bomb, Path::new("x")), &["at least 1 byte too many"]);
}

#[test]
fn npy_headers_that_do_not_match_the_file_are_explained() {
    for (file, parts) in [
        (npy_of("<f4", "4, 3", &[0; 24]), &["promises [4, 3] values of 4 bytes", "holds 24 bytes"][..]),
        (npy_of("<f4", "2, 2", &[0; 24]), &["promises", "holds 24 bytes"]),
        (npy_of("<f4", "1000000000000, 3", &[0; 24]), &["promises", "holds 24 bytes"]),
        (npy_of("<f4", "4294967296, 4294967296, 4294967296", &[]), &["64 bits"]),
        (vec![], &["is not an NPY file"]),
    ] {
        refused(npy::parse(&file, Path::new("some.npy")), &[parts, &["some.npy"]].concat());
    }
    for descr in ["|O", "<U3", "<M8[ns]", "|V4"] {
        assert!(npy::parse(&npy_of(descr, "1,", &[0; 8]), Path::new("x")).is_err(), "{descr}");
    }
}

#[test]
fn csv_errors_say_which_cell_and_why() {
    for (text, parts) in [
        ("a,b\n1,2\n3,x\n", &["line 3", "column 2", "\"x\" is not a number"][..]),
        ("1,2\n3,\n", &["line 2", "column 2", "empty"]),
        ("1,nan\n", &["line 1", "column 2", "nan is not a finite number"]),
        ("1,2\n-inf,2\n", &["line 2", "column 1"]),
        ("1,2\n3\n", &["line 2", "has 1 fields and the first line 2"]),
        ("a,b\n1,2\n1,2,3\n", &["line 3", "column 3"]),
        ("a,b,c\n1,2\n", &["line 2", "first line 3"]),
    ] {
        refused(csv::parse(text.as_bytes(), Path::new("some.csv")), &[parts, &["some.csv"]].concat());
    }
}

#[test]
fn folders_are_neither_read_nor_written_as_files() {
    let folder = Folder::new();
    let here = folder.path("");
    refused(files::read(&here), &["is a folder, not a file"]);
    refused(files::write_atomically(&here, |_| Ok(())), &["is a folder, not a file"]);
    refused(files::check_place(&here), &["is a folder, not a file"]);
    refused(wav::write(&folder.path("no/x.wav"), &[0.0], 1, 8000), &["no/x.wav", "mkdir -p"]);
    // Nor has any of these, or a check that succeeds, left a file.
    files::check_place(&folder.path("x")).unwrap();
    assert_eq!(std::fs::read_dir(here).unwrap().count(), 0);
}

#[test]
fn impossible_layouts_of_heat_maps_are_refused() {
    let panel = heat::Panel { title: "a panel".into(), density: vec![1.0; 4] };
    let layout = Layout { window: Window::square(1.0), side: 40, columns: 2 };
    let drawn = |panels: &[heat::Panel], layout: &Layout| heat::draw(panels, layout).and_then(|canvas| canvas.raster());
    assert!(drawn(std::slice::from_ref(&panel), &layout).is_ok());
    assert!(drawn(&[], &layout).is_err());
    for broken in [
        Layout { window: Window::square(f64::NAN), ..layout },
        Layout { side: 1, ..layout },
        Layout { side: 100_000, ..layout },
    ] {
        assert!(drawn(std::slice::from_ref(&panel), &broken).is_err(), "{broken:?}");
    }
}

#[test]
fn values_outside_0_to_1_are_clamped_in_grids() {
    let picture = grid::draw(&[f32::NAN, 2.0], [1, 1, 2], 1).unwrap();
    let [left, right] = [0.25, 0.75].map(|share| (picture.width() as f64 * share) as usize);
    assert_eq!([left, right].map(|x| picture.rgb(x, picture.height() / 2)), [[0; 3], [255; 3]]);
}
