//! Unknown names and invalid numbers.

use crate::folder::{Folder, TRAIN};
use crate::made::{csv, image_folder, rows};

#[test]
fn for_unknown_models_the_nearest_is_suggested() {
    let folder = Folder::new();
    folder.refuses("train nicer", &["there is no model \"nicer\"", "did you mean \"nice\"?", "zoo list"]);
    folder.refuses("train zzz", &["there is no model \"zzz\"", "there are: nice"]);
    folder.refuses("list --params nide", &["did you mean \"nice\"?"]);
}

#[test]
fn for_unknown_data_the_nearest_is_suggested() {
    let folder = Folder::trained_on("two-moons");
    let line = |data: &str| format!("{TRAIN} --data {data} --out new");
    folder.refuses(&line("mnits"), &["\"mnits\"", "did you mean \"mnist\"?"]);
    folder.refuses(&line("two-mons"), &["\"two-mons\"", "did you mean \"two-moons\"?"]);
    folder.refuses(&line("qqqq"), &["\"qqqq\"", "choose one of mnist, ", "path of a folder"]);
    folder.refuses("evaluate run --data spirls", &["did you mean \"spirals\"?"]);
    folder.write("notes.txt", "1,2\n");
    folder.refuses(&line("notes.txt"), &["notes.txt", "not supported", ".csv"]);
}

#[test]
fn missing_runs_are_named() {
    let folder = Folder::new();
    folder.write("empty/note.txt", "no model here");
    folder.write_npy("x.npy", &[2, 2], &rows(2, 2));
    let files = "--input x.npy --output y.npy";
    for command in [
        "sample",
        "evaluate",
        &format!("logprob {files}"),
        &format!("encode {files}"),
        &format!("decode {files}"),
        "check",
        "interpolate",
        "density",
        "latents",
        "reconstruct",
    ] {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        folder.refuses(&format!("{verb} nowhere {rest}"), &["there is no run nowhere", "zoo train"]);
        folder.refuses(&format!("{verb} empty {rest}"), &["empty holds no model.safetensors", "train there first"]);
    }
}

#[test]
fn invalid_values_are_refused_with_the_option() {
    let folder = Folder::trained_on("two-moons");
    let train = format!("{TRAIN} --data two-moons --out new");
    for number in ["nan", "-1", "0", "inf", "x", "-0.5", "1e999"] {
        for option in ["--lr", "--epochs", "--minutes", "--save-every"] {
            let said = format!("\"{number}\" is not a number above 0");
            folder.misuses(&format!("{train} {option} {number}"), &[option, &said]);
        }
        folder.misuses(&format!("sample run --temperature {number}"), &["--temperature", "is not a number above 0"]);
    }
    for number in ["-1", "0", "1.5", "x"] {
        folder.misuses(&format!("{train} --steps {number}"), &[number]);
        folder.misuses(&format!("evaluate run --limit={number}"), &["--limit", number]);
    }
    for threads in ["0", "1000000", "two"] {
        folder.misuses(&format!("{} --threads {threads}", train.replace(" --threads 1", "")), &["between 1 and 256"]);
        folder.misuses(&format!("sample run --threads {threads}"), &["between 1 and 256"]);
    }
    for grid in ["0x3", "3x0", "10", "axb", "1001x1", "-1x2", "3x3x3", "x"] {
        folder.misuses(&format!("sample run --grid={grid}"), &["--grid", "is not a grid: write columns x rows"]);
    }
    for line in [format!("{train} --seed -1"), "sample run --seed=-1".to_owned()] {
        folder.misuses(&line, &["--seed: \"-1\" is not a whole number from 0 to 2^64 − 1"]);
    }
    folder.misuses(&format!("{train} --steps 3 --epochs 1"), &["cannot be used with"]);
    folder.misuses("train nice --data two-moons --out new --preset huge", &["--preset", "huge"]);
    folder.misuses("sample", &["<RUN> is missing"]);
    folder.misuses("", &["the command is missing: give one of demo, list, "]);
    folder.misuses("smaple run", &["smaple"]);
}

/// The tests' little memory would not hold these models.
#[test]
fn a_model_that_is_too_large_is_refused_before_it_is_made() {
    let folder = Folder::new();
    for line in ["gaussianization --layers 1000 --kernels 100000", "nice --layers 1000 --preset paper"] {
        let train = format!("train {line} --data two-moons --threads 1 --out new");
        folder.refuses(&train, &["takes more than", "to train", "choose smaller sizes"]);
    }
    let more = "train gaussianization --reflections 3 --data two-moons --threads 1 --out new";
    folder.refuses(more, &["no more than 2 reflections", "choose fewer --reflections"]);
}

#[test]
fn a_batch_must_fit_the_data() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(100, 2), 2));
    image_folder(&folder, "bars", 4, false);
    let batch = |data: &str, size: &str| format!("train nice --preset quick --data {data} --batch {size} --out run");
    let fits = "choose --batch between 1 and 80";
    folder.refuses(&batch("table.csv", "81"), &["a batch of 81", "80 training rows", fits]);
    folder.refuses(&batch("table.csv", "0"), &["a batch of 0", fits]);
    folder.refuses(&batch("bars", "91"), &["a batch of 91", "choose --batch between 1 and 90"]);
    // A toy has any number of rows, but memory is limited.
    folder.refuses(&batch("circles", "0"), &["a batch of 0", "choose --batch between 1 and 65536"]);
    folder.refuses(&batch("circles", "100000000000"), &["choose --batch between 1 and 65536"]);
    // None of these started a run, so the next one may use the folder.
    folder.run(&format!("{} --steps 2 --threads 1", batch("table.csv", "80")));
}

#[test]
fn too_little_data_is_named() {
    let folder = Folder::new();
    folder.write("few.csv", csv(&rows(9, 2), 2));
    folder.write("narrow.csv", csv(&rows(100, 1), 1));
    folder.write("same.csv", csv(&rows(100, 1).iter().flat_map(|&x| [x, 7.0]).collect::<Vec<_>>(), 2));
    let line = |data: &str| format!("train nice --preset quick --batch 4 --data {data} --out run");
    folder.refuses(&line("few.csv"), &["few.csv", "9 rows are too few", "at least 10"]);
    folder.refuses(&line("narrow.csv"), &["narrow.csv", "at least 2 columns, not 1"]);
    folder.refuses(&line("same.csv"), &["same.csv", "column 2 is 7 in every training row", "leave that column out"]);
}
