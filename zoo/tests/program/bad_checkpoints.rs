//! Checkpoints that are truncated, damaged, or from other programs.

use crate::folder::Folder;
use crate::formats::{Safetensors, Stored, bytes};
use crate::made::{Numbers, rows};
use serde_json::{Value, json};

/// A folder with a good run, and its model to make bad ones from.
fn folder() -> (Folder, Safetensors) {
    let folder = Folder::trained_on("two-moons");
    folder.write_npy("x.npy", &[3, 2], &rows(3, 2));
    folder.write("out.npy", "old");
    let model = folder.safetensors("run/model.safetensors");
    (folder, model)
}

/// Every command that loads a model refuses `m.safetensors`.
#[track_caller]
fn refuses(folder: &Folder, file: impl AsRef<[u8]>, parts: &[&str]) {
    folder.write("m.safetensors", file);
    let parts = [&["m.safetensors"], parts].concat();
    for line in [
        "sample m.safetensors --threads 1",
        "evaluate m.safetensors --threads 1",
        "logprob m.safetensors --input x.npy --output out.npy --threads 1",
        "decode m.safetensors --input x.npy --output out.npy --threads 1",
        "check m.safetensors --threads 1",
        "interpolate m.safetensors --threads 1",
        "density m.safetensors --threads 1",
    ] {
        folder.refuses(line, &parts);
    }
}

#[test]
fn files_of_the_tests_own_writer_can_be_read() {
    let (folder, model) = folder();
    folder.write("m.safetensors", model.write());
    folder.run("sample m.safetensors --npy a.npy --threads 1");
    folder.run("sample run --npy b.npy --threads 1");
    assert!(folder.read("a.npy") == folder.read("b.npy"));
}

#[test]
fn damaged_files_are_reported() {
    let (folder, model) = folder();
    let whole = model.write();
    let damaged = ["is not a whole safetensors file", "copy it again"];
    for length in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        refuses(&folder, &whole[..length], &damaged);
    }
    refuses(&folder, [&whole[..], b"more"].concat(), &damaged);
    // The header claims to be longer than the file, or than any memory.
    for length in [whole.len() as u64, 1 << 40, u64::MAX] {
        refuses(&folder, [&length.to_le_bytes(), &whole[8..]].concat(), &damaged);
    }
    let mut numbers = Numbers::new(5);
    let noise: Vec<u8> = (0..3000).map(|_| numbers.bits() as u8).collect();
    refuses(&folder, &noise, &damaged);
    // A tensor claims to have terabytes.
    let header = br#"{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#;
    refuses(&folder, [&(header.len() as u64).to_le_bytes()[..], header, &[0; 16]].concat(), &damaged);
    folder.write("notes.txt", "not a model");
    folder.refuses("sample notes.txt", &["notes.txt", "is not a whole safetensors file"]);
}

#[test]
fn files_of_other_programs_are_recognized() {
    let (folder, model) = folder();
    let foreign = ["is a safetensors file, but not a checkpoint of this program", "give a run folder"];
    let tensors = model.tensors.clone();
    refuses(&folder, Safetensors { metadata: [].into(), tensors: tensors.clone() }.write(), &foreign);
    let pytorch = [("format".to_owned(), "pt".to_owned())];
    refuses(&folder, Safetensors { metadata: pytorch.into(), tensors }.write(), &foreign);
    for key in ["format", "config", "data", "step", "seed"] {
        let mut less = model.clone();
        less.metadata.remove(key);
        refuses(&folder, less.write(), &foreign);
    }
    let mut older = model.clone();
    older.metadata.insert("format".to_owned(), "flow-zoo-1".to_owned());
    refuses(&folder, older.write(), &["is of another format", "train the model again"]);
    let mut other = model;
    other.metadata.insert("step".to_owned(), "many".to_owned());
    refuses(&folder, other.write(), &foreign);
    // A training's own file is one of ours, but no model.
    folder.refuses("sample run/training.safetensors", &["run/training.safetensors", "give the run folder"]);
}

#[test]
fn tensors_must_be_those_of_the_model() {
    let (folder, model) = folder();
    let name = model.tensors.keys().find(|name| name.ends_with("weight")).unwrap().clone();
    let with = |change: &dyn Fn(&mut Stored)| {
        let mut changed = model.clone();
        change(changed.tensors.get_mut(&name).unwrap());
        changed.write()
    };
    let transposed = with(&|stored| stored.shape.reverse());
    if model.tensors[&name].shape[0] != model.tensors[&name].shape[1] {
        refuses(&folder, transposed, &["tensor", &name, "has shape", "its model needs"]);
    }
    let flat = with(&|stored| stored.shape = vec![stored.shape.iter().product()]);
    refuses(&folder, flat, &["tensor", &name, "has shape", "its model needs"]);
    for bad in [f32::NAN, f32::INFINITY] {
        let spoilt = with(&|stored| stored.bytes[8..12].copy_from_slice(&bad.to_le_bytes()));
        refuses(&folder, spoilt, &["tensor", &name, "not finite", "earlier checkpoint"]);
    }
    let integers = with(&|stored| stored.dtype = "I32".to_owned());
    refuses(&folder, integers, &["tensor", &name, "not F32"]);

    let mut less = model.clone();
    less.tensors.remove(&name);
    refuses(&folder, less.write(), &[]);
    let mut more = model.clone();
    more.tensors.insert("stray".to_owned(), Stored { dtype: "F32".into(), shape: vec![2], bytes: bytes(&[1.0, 2.0]) });
    refuses(&folder, more.write(), &["has a tensor stray", "another version"]);
    // One tensor in place of another, so that only a name is missing.
    let mut renamed = model.clone();
    let stored = renamed.tensors.remove(&name).unwrap();
    renamed.tensors.insert("layers.99.weight".to_owned(), stored);
    refuses(&folder, renamed.write(), &["lacks the tensor", &name, "train again"]);
}

#[test]
fn a_description_of_another_model_is_refused() {
    let (folder, model) = folder();
    let config: Value = serde_json::from_str(&model.metadata["config"]).unwrap();
    let with = |config: &Value| {
        let mut changed = model.clone();
        changed.metadata.insert("config".to_owned(), config.to_string());
        changed.write()
    };
    let replaced = |pointer: &str, value: Value| {
        let mut config = config.clone();
        *config.pointer_mut(pointer).unwrap() = value;
        with(&config)
    };
    let unknown = ["describes a model that this version does not know", "train again"];
    refuses(&folder, replaced("/model", json!("glow")), &unknown);
    refuses(&folder, replaced("/sizes/hidden", json!(-3)), &unknown);
    refuses(&folder, replaced("/space/kind", json!("sounds")), &unknown);
    refuses(&folder, with(&json!([1, 2])), &unknown);
    refuses(&folder, with(&json!({})), &unknown);

    // Sizes with more weights than a file of this length can hold: nothing of them is built.
    let huge = [json!(1_000_000), json!(4_000_000_000_000_u64), json!(u64::MAX)];
    for size in &huge {
        for field in ["couplings", "hidden", "depth"] {
            refuses(&folder, replaced(&format!("/sizes/{field}"), size.clone()), &["damaged"]);
        }
        let space = json!({ "kind": "images", "channels": 3, "height": size, "width": size });
        refuses(&folder, replaced("/space", space), &["damaged"]);
        let space = json!({ "kind": "table", "columns": size, "standardized": true });
        refuses(&folder, replaced("/space", space), &["damaged"]);
    }
    for none in ["couplings", "hidden", "depth"] {
        refuses(&folder, replaced(&format!("/sizes/{none}"), json!(0)), &[]);
    }
    for columns in [0, 1, 3] {
        let space = json!({ "kind": "table", "columns": columns, "standardized": false });
        refuses(&folder, replaced("/space", space), &[]);
    }
    // Data of the same size, but standardized: the statistics are missing.
    let space = json!({ "kind": "table", "columns": 2, "standardized": true });
    refuses(&folder, replaced("/space", space), &["lacks the tensor layers.0.mean"]);
}
