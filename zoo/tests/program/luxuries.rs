//! Pictures and log lines that cannot be written, and files of other origin in their place.

use crate::folder::{Folder, TRAIN, texts};
use std::fs;
use std::os::unix::fs::symlink;

/// A training with three epochs and a picture after each.
const LINE: &str = "train nice --preset quick --batch 24 --threads 1 --data two-moons --steps 60 --out run";

/// Runs a command that must succeed with these warnings, one a line.
#[track_caller]
fn warns(folder: &Folder, line: &str, warnings: &[&[&str]]) {
    let output = folder.command(line).output().unwrap();
    let (_, err) = texts(&output);
    assert!(output.status.success(), "{err}");
    let found: Vec<&str> = err.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(found.len(), warnings.len(), "{err}");
    for (line, parts) in found.iter().zip(warnings) {
        assert!(parts.iter().all(|part| line.contains(part)), "no {parts:?} in {line}");
    }
}

#[test]
fn a_training_goes_on_without_log_curve_and_pictures() {
    let folder = Folder::trained_on("two-moons");
    folder.copy("run", "twin");
    folder.run("train nice --out twin --resume --steps 60");
    // Folders where files should be, and a file where a folder should be.
    for name in ["log.jsonl", "curve.svg"] {
        fs::remove_file(folder.path("run").join(name)).unwrap();
        folder.write(&format!("run/{name}/file"), "");
    }
    fs::remove_dir_all(folder.path("run/grids")).unwrap();
    folder.write("run/grids", "a file");
    let warnings: [&[&str]; 3] = [
        &["run/log.jsonl is a folder, not a file", "going on without the log"],
        &["run/grids", "going on without pictures"],
        &["run/log.jsonl", "going on without the curve"],
    ];
    warns(&folder, "train nice --out run --resume --steps 60", &warnings);
    for name in ["model.safetensors", "training.safetensors"] {
        let [run, twin] = ["run", "twin"].map(|run| folder.safetensors(&format!("{run}/{name}")).tensors);
        assert!(run == twin, "{name}");
    }
}

#[test]
fn the_state_alone_is_enough_to_resume() {
    let folder = Folder::trained_on("two-moons");
    folder.write("bare/training.safetensors", folder.read("run/training.safetensors"));
    folder.run("train nice --out run --resume --steps 60");
    warns(&folder, "train nice --out bare --resume --steps 60", &[]);
    for name in ["model.safetensors", "training.safetensors"] {
        let [run, bare] = ["run", "bare"].map(|run| folder.safetensors(&format!("{run}/{name}")).tensors);
        assert!(run == bare, "{name}");
    }
    assert!(folder.exists("bare/curve.svg") && folder.exists("bare/log.jsonl"));
}

#[test]
fn a_log_of_other_origin_is_not_emptied() {
    let folder = Folder::new();
    folder.write("train.csv", "a,b\n");
    for log in ["my notes\n", "{\"message\": \"mine\"}\n", "{\"step\":1,\"epoch\":1,\"seconds\":1,\"mine\":1}\n"] {
        folder.write("run/log.jsonl", log);
        for line in [LINE, "train rbig --data two-moons --out run", "gaussianize two-moons --out run"] {
            folder.refuses(line, &["run/log.jsonl is not a log of this program", "move it away"]);
        }
    }
    // That of a run which was killed before its first save is.
    folder.write("run/log.jsonl", "{\"step\":50,\"epoch\":1.0,\"seconds\":1.0}\n{\"step\":60,\"ep");
    folder.run(LINE);
    assert!(folder.log("run")[0]["train"].is_number(), "the lines of the killed run are still there");
    folder.write("run/log.jsonl", "my notes\n");
    folder.refuses("train nice --out run --resume", &["run/log.jsonl is not a log of this program"]);
}

#[test]
fn links_are_replaced_and_what_they_point_to_stays() {
    let folder = Folder::new();
    folder.write("mine/empty", "");
    folder.write("mine/curve", "mine");
    fs::create_dir_all(folder.path("run")).unwrap();
    fs::create_dir_all(folder.path("mine/pictures")).unwrap();
    for (to, name) in [("empty", "log.jsonl"), ("curve", "curve.svg"), ("pictures", "grids")] {
        symlink(folder.path("mine").join(to), folder.path("run").join(name)).unwrap();
    }
    folder.run(LINE);
    assert_eq!([folder.read("mine/empty"), folder.read("mine/curve")], [&b""[..], b"mine"]);
    assert_eq!(fs::read_dir(folder.path("mine/pictures")).unwrap().count(), 0);
    for name in ["log.jsonl", "curve.svg", "grids"] {
        assert!(!fs::symlink_metadata(folder.path("run").join(name)).unwrap().is_symlink(), "{name}");
    }
    // The checkpoints too.
    for name in ["model.safetensors", "training.safetensors"] {
        fs::rename(folder.path("run").join(name), folder.path("mine").join(name)).unwrap();
        symlink(folder.path("mine").join(name), folder.path("run").join(name)).unwrap();
    }
    let before = ["model", "training"].map(|name| folder.read(&format!("mine/{name}.safetensors")));
    folder.refuses(&format!("{TRAIN} --data two-moons --out run"), &["run already holds a run"]);
    folder.run("train nice --out run --resume --steps 90");
    assert!(["model", "training"].map(|name| folder.read(&format!("mine/{name}.safetensors"))) == before);
    assert_eq!(folder.safetensors("run/training.safetensors").metadata["step"], "90");
}
