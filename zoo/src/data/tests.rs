//! Names, paths, splits, and error messages.

use super::*;

/// A message must be one line and contain every one of `parts`.
pub(super) fn assert_message(error: &anyhow::Error, parts: &[&str]) {
    let message = format!("{error:#}");
    assert!(!message.contains('\n'), "more than one line: {message}");
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

fn open(name: &str) -> Result<Dataset> {
    load(name)
}

fn in_folder(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

#[test]
fn mnist_is_embedded() {
    let Dataset::Images(Parts { train, validation, test }) = open("MNIST").unwrap() else {
        panic!("not images");
    };
    assert_eq!((train.count, validation.count, test.count), (55_000, 5_000, 10_000));
    assert_eq!(test.labels.unwrap()[..3], [7, 2, 1]);
    // Held out at random: all ten digits are in it.
    let labels = validation.labels.unwrap();
    assert!((0..10).all(|digit| labels.iter().filter(|&&l| l == digit).count() > 350));
}

#[test]
fn toys_and_speech_have_names() {
    for toy in Toy::ALL {
        assert_eq!(open(toy.name()).unwrap(), Dataset::Toy(toy));
    }
    assert_eq!(open("Speech").unwrap(), Dataset::Speech(Speech { samples: 2048, rate: 8000 }));
    assert!(names().contains(&"mnist") && names().contains(&"speech") && names().len() == 9);
}

#[test]
fn a_typo_is_answered_with_the_nearest_name() {
    for (typed, meant) in [
        ("mnits", "mnist"),
        ("bananna", "banana"),
        ("Two Moon", "two-moons"),
        ("checkers", "checkerboard"),
        ("speach", "speech"),
    ] {
        let error = open(typed).unwrap_err();
        assert_message(&error, &[&format!("did you mean {meant:?}"), "pinwheel", ".npy"]);
    }
    assert_message(&open("mnits").unwrap_err(), &["\"mnits\"; did you mean \"mnist\"? Choose one of"]);
    assert_message(&open("zzz").unwrap_err(), &["\"zzz\"; choose one of mnist, "]);
    let message = open("zzz").unwrap_err().to_string();
    assert!(!message.contains("did you mean"), "{message}");
    assert_message(&open("").unwrap_err(), &["choose one of mnist"]);
    assert_message(&open("a\nb\u{1b}").unwrap_err(), &["a\\nb"]);
}

#[test]
fn other_kinds_of_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = in_folder(&folder, "x.txt");
    std::fs::write(&path, "1").unwrap();
    assert_message(&open(&path).unwrap_err(), &["x.txt", "not supported", ".csv.gz"]);
}

#[test]
fn a_table_is_split_at_random() {
    let folder = tempfile::tempdir().unwrap();
    let path = in_folder(&folder, "x.CSV");
    let text: String = (0..200).map(|i| format!("{},{}\n", i, 1_000 - 3 * i)).collect();
    std::fs::write(&path, text).unwrap();
    let Dataset::Table(Parts { train, validation, test }) = open(&path).unwrap() else { panic!("no table") };
    assert_eq!((train.rows, validation.rows, test.rows), (160, 20, 20));
    // Joined, the three parts are the file again.
    let mut column: Vec<usize> =
        [train, validation, test].iter().flat_map(|part| part.column(0)).map(|v| v as usize).collect();
    assert!(!column.is_sorted());
    column.sort_unstable();
    assert!(column.into_iter().eq(0..200));
}

#[test]
fn few_rows_and_constant_columns_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = in_folder(&folder, "x.csv");
    std::fs::write(&path, "1\n2\n3\n").unwrap();
    assert_message(&open(&path).unwrap_err(), &["3 rows are too few", "at least 10"]);
    std::fs::write(&path, "1,7\n2,7\n3,7\n4,7\n5,7\n6,7\n7,7\n8,7\n9,7\n10,7\n").unwrap();
    let error = source::Source::open(&path, 0).unwrap_err();
    assert_message(&error, &["column 2 is 7", "leave that column out"]);
}

#[test]
fn images_come_from_folders_and_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, dims: &[u32]| {
        let bytes = vec![3; dims.iter().product::<u32>() as usize];
        std::fs::write(folder.path().join(name), idx::tests::encode(dims, &bytes)).unwrap();
    };
    write("train-images-idx3-ubyte", &[40, 2, 2]);
    write("t10k-images-idx3-ubyte", &[5, 2, 2]);
    let path = in_folder(&folder, "");
    let Dataset::Images(Parts { train, validation, test }) = open(&path).unwrap() else {
        panic!("no images");
    };
    assert_eq!((train.count, validation.count, test.count), (36, 4, 5));

    let mut array = b"\x93NUMPY\x01\x00\x39\x00{'descr':'|u1','fortran_order':False,'shape':(20,2,2,1)}".to_vec();
    array.resize(67, b' ');
    array.extend([9; 80]);
    let path = in_folder(&folder, "x.npy");
    std::fs::write(&path, &array).unwrap();
    let Dataset::Images(Parts { train, .. }) = open(&path).unwrap() else { panic!("no images") };
    assert_eq!((train.count, train.channels, train.height, train.width), (16, 1, 2, 2));
}
