//! Small files and short command lines that ask for much memory. Each is refused, in a process that would end if it
//! tried: the limit is on its addresses, so what it touches is less.

use crate::folder::{Folder, TRAIN};
use crate::formats::{bytes, npy_of};
use crate::made::Numbers;
use std::fs::File;
use std::io::Write as _;

/// The megabytes that a refusal may take, with the program itself and the stacks of its threads.
const FEW: usize = 300;

/// A gzip file of the same piece many times, written as it is packed.
fn packed(folder: &Folder, name: &str, head: &[u8], piece: &[u8], times: usize) {
    let mut file =
        flate2::write::GzEncoder::new(File::create(folder.path(name)).unwrap(), flate2::Compression::default());
    file.write_all(head).unwrap();
    (0..times).for_each(|_| file.write_all(piece).unwrap());
    let length = file.finish().unwrap().metadata().unwrap().len();
    assert!(length < 1 << 20, "{name} has {length} bytes");
}

/// A file that begins with these bytes, and has this length: the rest is a hole, which reads as zeros.
fn sparse(folder: &Folder, name: &str, head: &[u8], length: u64) {
    folder.write(name, head);
    File::options().write(true).open(folder.path(name)).unwrap().set_len(length).unwrap();
}

#[test]
fn packed_text_is_never_in_memory_as_a_whole() {
    let folder = Folder::new();
    let mega = vec![0; 1 << 20];
    packed(&folder, "zeros.csv.gz", b"", &mega, 400);
    let line = |name: &str, memory: &str| format!("{TRAIN} --memory {memory} --data {name} --out new");
    let said = ["zeros.csv.gz: a row does not end within 16.8 MB", "save it as plain CSV"];
    folder.refuses_within(FEW, &line("zeros.csv.gz", "4"), &said);
    // Rows without end: 10 of the 20 MB that are allowed.
    packed(&folder, "rows.csv.gz", b"a,b\n", &b"1,0\n".repeat(1 << 10), 1 << 10);
    let said = ["rows.csv.gz: line 625002: its numbers", "10.0 MB", "use fewer rows or columns, or raise --memory"];
    folder.refuses_within(FEW, &line("rows.csv.gz", "0.02"), &said);
}

#[test]
fn holes_and_promises_are_refused_before_they_are_read() {
    let folder = Folder::new();
    let refuses = |name: &str, memory: &str, parts: &[&str]| {
        folder.refuses_within(FEW, &format!("{TRAIN} --memory {memory} --data {name} --out new"), parts);
    };
    let head = npy_of("<f4", "1000000000, 2", &[]);
    sparse(&folder, "hole.npy", &head, head.len() as u64 + 8_000_000_000);
    refuses("hole.npy", "4", &["hole.npy: its [1000000000, 2] values take 16.0 GB", "may take 2.0 GB", "--memory"]);
    // Bytes become eight times as large in a table.
    let head = npy_of("|u1", "100000, 2000", &[]);
    sparse(&folder, "bytes.npy", &head, head.len() as u64 + 200_000_000);
    refuses("bytes.npy", "3", &["bytes.npy: its [100000, 2000] values take 1.6 GB", "may take 1.5 GB"]);

    let sizes = [60_000u32, 1000, 1000].map(u32::to_be_bytes).concat();
    let head = [&[0, 0, 8, 3][..], &sizes].concat();
    sparse(&folder, "set/train-images-idx3-ubyte", &head, 16 + 60_000_000_000);
    refuses("set", "8", &["train-images-idx3-ubyte: its 60000x1000x1000 values take 60.0 GB", "may take 4.0 GB"]);
    std::fs::remove_file(folder.path("set/train-images-idx3-ubyte")).unwrap();
    let head = [&[0, 0, 8, 3][..], &[300u32, 1000, 1000].map(u32::to_be_bytes).concat()].concat();
    packed(&folder, "set/train-images-idx3-ubyte.gz", &head, &[0; 1_000_000], 300);
    refuses("set", "0.2", &["train-images-idx3-ubyte.gz: its 300x1000x1000 values take 300.0 MB", "may take 100.0 MB"]);
}

#[test]
fn data_that_fit_are_in_memory_about_once() {
    let folder = Folder::new();
    // 80 MB of values. Two copies would not fit, nor would the file beside its values.
    let head = npy_of("<f8", "500000, 20", &[]);
    sparse(&folder, "x.npy", &head, head.len() as u64 + 80_000_000);
    let line = format!("{TRAIN} --memory 1 --data x.npy --out new");
    folder.refuses_within(175, &line, &["column 1 is 0 in every training row"]);
}

#[test]
fn checkpoints_of_holes_are_refused() {
    let folder = Folder::trained_on("two-moons");
    let whole = folder.read("run/model.safetensors");
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let text = std::str::from_utf8(&whole[8..8 + header]).unwrap();
    let with_tensor = |count: u64| {
        let mut json: serde_json::Value = serde_json::from_str(text).unwrap();
        let tensors = json.as_object_mut().unwrap();
        tensors.retain(|name, _| name == "__metadata__");
        tensors.insert(
            "hole".to_owned(),
            serde_json::json!({ "dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count] }),
        );
        let json = serde_json::to_vec(&json).unwrap();
        let head = [&(json.len() as u64).to_le_bytes()[..], &json].concat();
        sparse(&folder, "m.safetensors", &head, head.len() as u64 + 4 * count);
    };
    with_tensor(2_000_000_000);
    folder.refuses_within(FEW, "evaluate m.safetensors --memory 100", &["tensors of 8.0 GB", "use another checkpoint"]);
    with_tensor(200_000_000);
    let said = ["loading m.safetensors needs about 1.6 GB of memory, and 1.0 GB may be used", "raise --memory"];
    folder.refuses_within(FEW, "evaluate m.safetensors --memory 1", &said);
    // A header of four gigabytes.
    sparse(&folder, "m.safetensors", &(4_000_000_000u64).to_le_bytes(), 8_000_000_000);
    folder.refuses_within(FEW, "evaluate m.safetensors", &["not a whole safetensors file", "its header is too long"]);
    folder.write("runs/nice-mnist/model.safetensors", "");
    std::fs::rename(folder.path("m.safetensors"), folder.path("runs/nice-mnist/model.safetensors")).unwrap();
    let output = folder.under("ulimit -v 1000000", "lecture --only change-of-variables --from runs --steps 1 --out l");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn models_steps_and_fits_beyond_the_limit_are_refused() {
    let folder = Folder::new();
    let train = |model: &str, rest: &str| format!("train {model} --preset quick --threads 1 --out new {rest}");
    let said = ["a training step of 8 rows needs about", "and 300.0 MB may be used", "choose a smaller --batch"];
    folder.refuses_within(800, &train("wavenet", "--data speech:16384 --memory 0.3"), &said);
    let mut numbers = Numbers::new(3);
    let values: Vec<f32> = (0..1_500_000).map(|_| numbers.unit()).collect();
    folder.write("wide.npy", npy_of("<f4", "10, 150000", &bytes(&values)));
    for model in ["nice", "real-nvp", "maf", "rbig", "gaussianization", "mint-net", "vae"] {
        let batch = if model == "rbig" { "" } else { "--batch 4" };
        let line = train(model, &format!("--data wide.npy --memory 0.4 {batch}"));
        folder.refuses_within(FEW + 100, &line, &["150000"]);
    }
}
