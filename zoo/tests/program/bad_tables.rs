//! NPY and CSV files that are missing, truncated, inconsistent, or not numeric.

use crate::folder::{Folder, TRAIN};
use crate::formats::{bytes, gzip, npy_of};
use crate::made::{csv, image_folder, rows};

/// Every command that reads rows, with a model over two columns; what they would write is there
/// already, and must stay as it is.
fn folder() -> Folder {
    let folder = Folder::trained_on("two-moons");
    folder.write("out.npy", "old");
    folder
}

#[track_caller]
fn refuses_input(folder: &Folder, parts: &[&str]) {
    for command in ["logprob", "encode", "decode"] {
        let line = format!("{command} run --input x.npy --output out.npy --threads 1");
        folder.refuses(&line, parts);
    }
}

#[track_caller]
fn refuses_data(folder: &Folder, name: &str, parts: &[&str]) {
    folder.refuses(&format!("{TRAIN} --data {name} --out new"), parts);
}

#[test]
fn missing_and_foreign_npy_files_are_named() {
    let folder = folder();
    refuses_input(&folder, &["cannot read x.npy", "check the spelling"]);
    refuses_data(&folder, "x.npy", &["cannot read x.npy", "check the spelling"]);
    for other in [&b""[..], b"1,2\n3,4\n", b"\x93NUM", b"\x93NUMPY\x01\x00\xff\xff{"] {
        folder.write("x.npy", other);
        refuses_input(&folder, &["x.npy: "]);
        refuses_data(&folder, "x.npy", &["x.npy: "]);
    }
    std::fs::remove_file(folder.path("x.npy")).unwrap();
    std::fs::create_dir(folder.path("x.npy")).unwrap();
    refuses_input(&folder, &["x.npy is a folder, not a file"]);
}

#[test]
fn wrong_npy_headers_are_refused() {
    let folder = folder();
    let data = bytes(&rows(50, 2));
    for shape in ["51, 2", "1000000000000, 2", "18446744073709551615, 18446744073709551615", "4294967296, 4294967296"] {
        folder.write("x.npy", npy_of("<f4", shape, &data));
        refuses_input(&folder, &["x.npy: ", "save the array again"]);
        refuses_data(&folder, "x.npy", &["x.npy: ", "save the array again"]);
    }
    let whole = npy_of("<f4", "50, 2", &data);
    for length in [7, 40, whole.len() - 1] {
        folder.write("x.npy", &whole[..length]);
        refuses_input(&folder, &["x.npy: ", "save the array again"]);
    }
    folder.write("x.npy", [&whole[..], b"more"].concat());
    refuses_input(&folder, &["x.npy: ", "the header promises [50, 2]", "save the array again"]);
    folder.write("x.npy", npy_of("<f4", "0, 2", &[]));
    refuses_input(&folder, &["x.npy: it is empty"]);
}

#[test]
fn npy_types_and_shapes_must_fit_the_model() {
    let folder = folder();
    for (descr, size) in [("<c16", 16), ("<U4", 16), ("|O", 8), ("<M8[s]", 8), ("|V3", 3)] {
        folder.write("x.npy", npy_of(descr, "2, 2", &vec![0; 4 * size]));
        refuses_input(&folder, &["x.npy: "]);
    }
    let two = "give 2 values a row";
    for (shape, found) in [
        ("2,", "the shape [2], so one value a row"),
        ("2, 3", "rows of shape [3]"),
        ("1, 2, 2", "rows of shape [2, 2]"),
    ] {
        let count = shape.split(',').filter_map(|size| size.trim().parse::<usize>().ok()).product::<usize>();
        folder.write("x.npy", npy_of("<f4", shape, &bytes(&vec![0.5; count])));
        refuses_input(&folder, &["x.npy has ", found, "over rows of 2 numbers", two]);
    }
    folder.write("x.npy", npy_of("<f4", "", &bytes(&[0.5])));
    refuses_input(&folder, &["x.npy holds a single number", "one row for each sample"]);
    folder.write("x.npy", npy_of("<f4", "50, 3, 3", &bytes(&[0.5; 450])));
    refuses_data(&folder, "x.npy", &["x.npy: images must be bytes", "astype('uint8')"]);
}

#[test]
fn values_that_are_not_finite_are_named_by_row_and_column() {
    let folder = folder();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut values = rows(50, 2);
        values[2 * 16 + 1] = bad;
        folder.write("x.npy", npy_of("<f4", "50, 2", &bytes(&values)));
        refuses_input(&folder, &["x.npy: row 16, column 1 (counting from 0): ", "not a finite number"]);
        refuses_data(&folder, "x.npy", &["x.npy: row 16, column 1 (counting from 0): ", "not a finite number"]);
    }
    let large: Vec<u8> = [1.0f64, 1e300].iter().flat_map(|x| x.to_le_bytes()).collect();
    folder.write("x.npy", npy_of("<f8", "1, 2", &large));
    refuses_input(&folder, &["x.npy: row 0, element 1 (counting from 0) is inf"]);
}

#[test]
fn pixel_levels_are_not_mistaken_for_images() {
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, false);
    folder.train("--data bars --steps 2");
    for outside in [9.0, 255.0] {
        let mut values = vec![0.5; 32];
        values[20] = outside;
        folder.write_npy("x.npy", &[2, 4, 4], &values);
        for command in ["logprob", "encode"] {
            let value = format!("x.npy: row 1 (counting from 0) has the value {outside}");
            let parts = [&value, "a pixel is u = (level + noise)/256", "divide levels by 256 first"];
            folder.refuses(&format!("{command} run --input x.npy --output out.npy"), &parts);
        }
    }
    // A model's own samples may lie slightly outside, and are accepted.
    folder.write_npy("x.npy", &[1, 16], &[-0.01; 16]);
    folder.run("logprob run --input x.npy --output strayed.npy");
    folder.write_npy("x.npy", &[2, 5, 5], &[0.5; 50]);
    let parts = ["x.npy has rows of shape [5, 5]", "images of 1×4×4", "give 16 values a row"];
    folder.refuses("logprob run --input x.npy --output out.npy", &parts);
}

#[test]
fn csv_errors_have_line_and_column() {
    let folder = Folder::new();
    let good = csv(&rows(40, 2), 2);
    let at_line_12 = |text: &str| {
        let mut lines: Vec<&str> = good.lines().collect();
        lines[11] = text;
        lines.join("\n")
    };
    for (text, parts) in [
        ("1.5,many", &["line 12, column 2: ", "many"][..]),
        ("1.5,", &["line 12, column 2: "]),
        ("1.5,nan", &["line 12, column 2: ", "not a finite number"]),
        ("inf,1.5", &["line 12, column 1: ", "not a finite number"]),
        ("1e60,1.5", &["column 1 goes from ", "1e60", "rescale"]),
        ("1.5", &["line 12, ", "1 fields", "first line 2"]),
        ("1.5,2.5,3.5", &["line 12, ", "3 fields", "first line 2"]),
        ("1.5;2.5", &["line 12, "]),
        ("\"1.5,2.5", &["line 12, "]),
    ] {
        folder.write("t.csv", at_line_12(text));
        refuses_data(&folder, "t.csv", &[&["t.csv: "], parts].concat());
    }
    folder.write("t.csv", b"\xff\xfe1\0,\x002\0\n");
    refuses_data(&folder, "t.csv", &["t.csv: "]);
}

#[test]
fn csv_files_without_rows_are_named() {
    let folder = Folder::new();
    refuses_data(&folder, "t.csv", &["cannot read t.csv", "check the spelling"]);
    for empty in ["", "\n\n\n", "a,b\n", "# nothing\n"] {
        folder.write("t.csv", empty);
        refuses_data(&folder, "t.csv", &["t.csv: it holds no rows", "choose a file that has rows"]);
    }
    let packed = gzip(csv(&rows(40, 2), 2).as_bytes());
    folder.write("t.csv.gz", &packed[..packed.len() - 4]);
    refuses_data(&folder, "t.csv.gz", &["t.csv.gz: gzip cannot unpack it", "get the file again"]);
}
