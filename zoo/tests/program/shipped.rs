//! Weights that are part of the program: `zoo ship`, and their names where a run may stand.

use crate::folder::{Folder, TRAIN};
use crate::formats::{Safetensors, Stored, bytes, png_size};
use crate::made::image_folder;
use serde_json::Value;

const MAF: &str = "train maf --preset quick --threads 1 --batch 24";

/// A folder with a MAF of small images in `run` and, shipped, as `small`.
fn folder() -> Folder {
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, false);
    folder.run(&format!("{MAF} --data bars --steps 20 --out run"));
    folder.write("shipped/.keep", "");
    folder.run("ship run --name small --out shipped --threads 1");
    folder
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

fn figures(file: &Safetensors) -> Value {
    serde_json::from_str(&file.metadata["figures"]).unwrap()
}

/// The values that a half-precision number can have, by its definition.
fn half(bits: u16) -> f32 {
    let (sign, exponent, mantissa) = (bits >> 15, (bits >> 10) & 31, f32::from(bits & 1023) / 1024.0);
    let size = if exponent == 0 { mantissa / 16384.0 } else { (1.0 + mantissa) * (f32::from(exponent) - 15.0).exp2() };
    if sign == 1 { -size } else { size }
}

#[test]
fn a_shipped_file_holds_the_run_in_half_precision_without_masked_weights() {
    let folder = folder();
    let [run, small] = ["run/model", "shipped/small"].map(|name| folder.safetensors(&format!("{name}.safetensors")));
    for key in ["config", "constants", "data", "model", "seed", "step"] {
        assert_eq!(run.metadata[key], small.metadata[key], "{key}");
    }
    let packed: Value = serde_json::from_str(&small.metadata["packed"]).unwrap();
    let mut left_out = 0;
    for (name, tensor) in &run.tensors {
        let (stored, values) = (&small.tensors[name], tensor.values());
        if tensor.shape.len() < 2 {
            assert_eq!(stored, tensor, "{name}");
            continue;
        }
        let halves: Vec<f32> = stored.bytes.chunks(2).map(|two| half(u16::from_le_bytes([two[0], two[1]]))).collect();
        let (rows, columns) = (tensor.shape[0], tensor.shape[1]);
        let mut found = vec![0.0; rows * columns];
        match small.tensors.get(&format!("{name}.entries")) {
            None => found.clone_from(&halves),
            Some(entries) => {
                assert_eq!(packed[name], serde_json::json!([rows, columns]));
                let mut at = 0;
                for (row, count) in entries.bytes.chunks(4).enumerate() {
                    let count = u32::from_le_bytes(count.try_into().unwrap()) as usize;
                    found[row * columns..][..count].copy_from_slice(&halves[at..at + count]);
                    at += count;
                }
                assert_eq!(at, halves.len(), "{name}");
                left_out += values.len() - at;
            }
        }
        // Half a unit in the last of 11 places, or of the smallest number.
        let near = |(a, b): (&f32, &f32)| (a - b).abs() <= (b.abs() / 2048.0).max(3e-8);
        assert!(found.iter().zip(&values).all(near), "{name}");
    }
    assert!(left_out > 1000, "{left_out}");

    let figures = figures(&small);
    let scores = ["run", "small"].map(|run| folder.json(&format!("evaluate {run} --threads 1 --json")));
    let [whole, rounded] = [&scores[0], &scores[1]].map(|score| number(&score["bits_per_dim"]));
    assert!((number(&figures["unrounded"]) - whole).abs() < 1e-9 && (rounded - whole).abs() < 0.002);
    assert!((number(&figures["test"]["bits_per_dim"]) - rounded).abs() < 1e-9 && rounded != whole);
    assert_eq!(figures["history"]["weights"]["images"], 20 * 24);
    assert_eq!(figures["history"]["threads"], 1);
    assert!(figures["history"]["validation"]["bits_per_dim"].is_number(), "{figures}");
}

#[test]
fn a_shipped_name_stands_where_a_run_does() {
    let folder = folder();
    let said = folder.run("sample small --grid 3x2 --threads 1");
    assert!(said.starts_with("small-samples.png: 6 samples"), "{said}");
    let (width, height) = png_size(&folder.read("small-samples.png"));
    assert!(width > height, "{width}×{height}");
    assert!(folder.run("check small --threads 1 --samples 5").contains("sound: "));
    folder.run("interpolate small --threads 1 --size 2");
    assert!(folder.exists("small-line.png") && folder.exists("small-manifold.png"));
    let all = folder.json("compare --all run --threads 1 --json");
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["run", "small"]);
    assert!(number(&all[1]["training"]["seconds"]) > 0.0, "{all}");
    folder.refuses("compare --all small --threads 1", &["small and small are the same run"]);

    // A path is a path: `./small` is a run folder, and the bare name is not.
    folder.run(&format!("{TRAIN} --data bars --steps 2 --out small"));
    let model = |run: &str| folder.json(&format!("evaluate {run} --limit 10 --threads 1 --json"))["model"].clone();
    assert_eq!([model("small"), model("./small"), model("small/model.safetensors")], ["maf", "nice", "nice"]);

    // A training that starts from it counts the images of both.
    folder.run(&format!("{MAF} --from small --steps 5 --out next"));
    assert_eq!(folder.log("next")[0]["from"], "shipped/small.safetensors");
    folder.run("ship next --name next --out shipped --threads 1");
    let next = figures(&folder.safetensors("shipped/next.safetensors"));
    assert_eq!(next["history"]["weights"]["images"], 25 * 24);
    // A tenth and a third of them were seen before this training, whose log does not have their losses.
    assert_eq!(next["history"]["curve"], serde_json::json!([null, null]));
    // As does one from a run folder.
    folder.run(&format!("{MAF} --from next --steps 5 --out last"));
    folder.run("ship last --name last --out shipped --threads 1");
    let last = figures(&folder.safetensors("shipped/last.safetensors"));
    assert_eq!(last["history"]["run"]["images"], 30 * 24);
}

#[test]
fn unknown_and_damaged_weights_are_reported_in_one_line() {
    let folder = folder();
    folder.refuses("sample smal", &["there is no run smal: did you mean small?", "Shipped are small"]);
    folder.refuses("evaluate elsewhere", &["there is no run elsewhere: shipped are small", "run folder"]);
    folder.refuses("check maf", &["no weights of maf are shipped: train it (zoo train maf), or use small"]);
    folder.refuses("train nice --from small --out new", &["small has the weights of maf, not of nice"]);
    folder.refuses("ship small --out shipped", &["small is shipped already"]);
    folder.refuses("ship run --out nowhere", &["nowhere/maf-bars.safetensors", "mkdir -p nowhere"]);
    folder.misuses("ship run --name judge", &["\"judge\" is no name"]);
    folder.misuses("ship run --name ../maf", &["is no name"]);

    let whole = folder.safetensors("shipped/small.safetensors");
    let refused = |file: &[u8], parts: &[&str]| {
        folder.write("shipped/small.safetensors", file);
        folder.refuses("sample small --threads 1", &[&["shipped/small.safetensors"], parts].concat());
    };
    let written = whole.write();
    refused(&written[..written.len() - 100], &["is not a whole safetensors file"]);
    let name = whole.tensors.keys().find(|name| name.ends_with(".entries")).unwrap();
    let with = |change: &dyn Fn(&mut Safetensors)| {
        let mut changed = whole.clone();
        change(&mut changed);
        changed.write()
    };
    let unfit = ["its packed matrix", "does not fit"];
    refused(&with(&|file| file.tensors.get_mut(name).unwrap().bytes[0] ^= 1), &unfit);
    refused(&with(&|file| file.tensors.get_mut(name).unwrap().bytes[3] = 255), &unfit);
    refused(&with(&|file| drop(file.tensors.remove(name))), &unfit);
    // A small file that promises a large matrix.
    let shapes = format!(r#"{{"{}":[64,4000000000]}}"#, name.trim_end_matches(".entries"));
    refused(&with(&|file| drop(file.metadata.insert("packed".to_owned(), shapes.clone()))), &unfit);
    refused(&with(&|file| drop(file.metadata.insert("packed".to_owned(), "[1]".to_owned()))), &["have no shapes"]);
}

#[test]
fn weights_that_rounding_would_spoil_are_not_shipped() {
    let folder = Folder::trained_on("two-moons");
    let mut model = folder.safetensors("run/model.safetensors");
    // The same function, since relu(s·x) = s·relu(x); but half precision has nothing as small as these weights.
    let scale = |stored: &mut Stored, by: f32| {
        let scaled: Vec<f32> = stored.values().iter().map(|x| by * x).collect();
        stored.bytes = bytes(&scaled);
    };
    for (name, stored) in &mut model.tensors {
        if name.contains("net.0.") {
            scale(stored, 1e-9);
        } else if name.ends_with("net.1.weight") {
            scale(stored, 1e9);
        }
    }
    folder.write("run/model.safetensors", model.write());
    folder.write("shipped/.keep", "");
    folder.refuses("ship run --out shipped --threads 1", &["rounding the weights of run costs", "more than 0.002"]);
}
