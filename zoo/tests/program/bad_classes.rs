//! Classes that do not exist, or are missing.

use crate::folder::{Folder, TRAIN};
use crate::formats::{idx, npy_of};
use crate::made::{csv, image_folder, labeled_folder, rows};
use serde_json::{Value, json};

/// A conditional run of four classes in `run`, and a plain one of the same images in `plain`.
fn folder() -> Folder {
    let folder = Folder::new();
    labeled_folder(&folder, "bars", 4);
    folder.train("--data bars --conditional --steps 3");
    folder.run(&format!("{TRAIN} --data bars --steps 3 --out plain"));
    folder.write_npy("x.npy", &[3, 16], &[0.5; 48]);
    folder
}

#[test]
fn data_must_have_labels() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(100, 3), 3));
    let line = |data: &str| format!("{TRAIN} --data {data} --conditional --out new");
    for data in ["two-moons", "table.csv"] {
        folder
            .refuses(&line(data), &[data, "has no labels", "choose mnist or a folder of IDX", "without --conditional"]);
    }
    for (file, part) in [("t10k", "test"), ("train", "training")] {
        image_folder(&folder, "bars", 4, false);
        std::fs::remove_file(folder.path(&format!("bars/{file}-labels-idx1-ubyte"))).unwrap();
        folder.refuses(&line("bars"), &[&format!("the {part} images of bars have no labels"), "label files"]);
    }
}

#[test]
fn held_out_labels_must_occur_in_training() {
    let folder = folder();
    folder.copy("bars", "more");
    folder.write("more/t10k-labels-idx1-ubyte", idx(&[40], &[vec![7], vec![0; 39]].concat()));
    let parts = ["more: a test image has the label 7", "only the classes 0 to 3"];
    folder.refuses(&format!("{TRAIN} --data more --conditional --out new"), &parts);
    folder.refuses("evaluate run --data more --threads 1", &parts);
    folder.refuses("check run --data more --threads 1", &parts);
    // A model without classes ignores labels.
    folder.run("evaluate plain --data more --threads 1");
    std::fs::remove_file(folder.path("more/t10k-labels-idx1-ubyte")).unwrap();
    folder.refuses("evaluate run --data more --threads 1", &["the test images of more have no labels"]);
}

#[test]
fn unknown_classes_are_refused() {
    let folder = folder();
    let map = "encode run --input x.npy --output out.npy --threads 1";
    for class in [4, 1_u64 << 40] {
        let parts = [&*format!("there is no class {class}"), "run has the classes 0 to 3"];
        folder.refuses(&format!("sample run --class {class} --threads 1"), &parts);
        folder.refuses(&format!("{map} --class {class}"), &parts);
    }
    folder.misuses("sample run --class=-1", &["--class"]);
    folder.misuses("sample run --class seven", &["--class", "seven"]);
    folder.misuses(&format!("{map} --class 1 --labels x.npy"), &["cannot be used with"]);
    let none = ["plain was trained without --conditional", "leave out --class"];
    folder.refuses("sample plain --class 1 --threads 1", &none);
    folder.refuses(&format!("{} --class 1", map.replace("run", "plain")), &none);
    let none = ["plain was trained without --conditional", "leave out --labels"];
    folder.refuses(&format!("{} --labels x.npy", map.replace("run", "plain")), &none);
}

#[test]
fn rows_of_a_conditional_model_need_their_classes() {
    let folder = folder();
    for command in ["logprob", "encode", "decode"] {
        let line = format!("{command} run --input x.npy --output out.npy --threads 1");
        folder.refuses(&line, &["run is conditional", "--class CLASS", "--labels FILE.npy"]);
        folder.refuses(&format!("{line} --labels nowhere.npy"), &["nowhere.npy"]);
        for (shape, count) in [("2,", 2), ("4,", 4), ("2, 3", 6)] {
            folder.write("labels.npy", npy_of("|u1", shape, &vec![0; count]));
            let parts = ["labels.npy", &*format!("holds {count} labels"), "there are 3 rows"];
            folder.refuses(&format!("{line} --labels labels.npy"), &parts);
        }
        for label in [-1.0, 0.5, 4.0, 1e30] {
            folder.write_npy("labels.npy", &[3], &[0.0, label, 0.0]);
            let parts = ["labels.npy: row 1 (counting from 0) has the label", "whole numbers from 0 to 3"];
            folder.refuses(&format!("{line} --labels labels.npy"), &parts);
        }
        folder.write_npy("labels.npy", &[3], &[0.0, f32::NAN, 0.0]);
        folder.refuses(
            &format!("{line} --labels labels.npy"),
            &["labels.npy", "row 1, column 0 (counting from 0)", "NaN"],
        );
    }
}

#[test]
fn a_plain_training_is_not_resumed_as_a_conditional_one() {
    let folder = folder();
    let parts = ["plain was started without --conditional", "leave it out to resume it"];
    folder.refuses("train nice --out plain --resume --steps 6 --threads 1 --conditional", &parts);
    // The labels have since been removed.
    std::fs::remove_file(folder.path("bars/train-labels-idx1-ubyte")).unwrap();
    folder.refuses("train nice --out run --resume --steps 6", &["the training images of bars have no labels"]);
}

#[test]
fn a_damaged_number_of_classes_is_refused() {
    let folder = folder();
    let model = folder.safetensors("run/model.safetensors");
    let mut config: Value = serde_json::from_str(&model.metadata["config"]).unwrap();
    for (classes, part) in [
        (json!(0), "damaged"),
        (json!(5), "damaged"),
        (json!(4_000_000_000_000_u64), "damaged"),
        (json!(u64::MAX), "damaged"),
        (json!(-1), "does not know"),
        (json!("four"), "does not know"),
    ] {
        config["classes"] = classes;
        let mut changed = model.clone();
        changed.metadata.insert("config".to_owned(), config.to_string());
        folder.write("m.safetensors", changed.write());
        for line in ["sample m.safetensors --threads 1", "evaluate m.safetensors --threads 1"] {
            folder.refuses(line, &["m.safetensors", part]);
        }
    }
}
