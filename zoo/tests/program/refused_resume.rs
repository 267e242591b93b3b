//! Trainings that must not start or resume.

use crate::folder::{Folder, TRAIN};
use crate::made::{csv, rows};

#[test]
fn there_must_be_something_to_resume() {
    let folder = Folder::new();
    folder.write("empty/note.txt", "not a run");
    for run in ["empty", "nowhere"] {
        let line = format!("train nice --data two-moons --out {run} --resume");
        folder.refuses(&line, &[run, "no training to resume", "leave out --resume"]);
    }
    // A model alone has no optimizer state.
    folder.train("--data two-moons --steps 3");
    std::fs::remove_file(folder.path("run/training.safetensors")).unwrap();
    folder.refuses("train nice --out run --resume", &["run holds no training to resume"]);
    folder.write("run/training.safetensors", folder.read("run/model.safetensors"));
    folder.refuses("train nice --out run --resume", &["training.safetensors", "a model but no training"]);
}

#[test]
fn a_new_training_does_not_overwrite_a_run() {
    let folder = Folder::trained_on("two-moons");
    folder.refuses(&format!("{TRAIN} --data two-moons --out run"), &["run already holds a run", "--resume", "--out"]);
    std::fs::remove_file(folder.path("run/training.safetensors")).unwrap();
    folder.refuses(&format!("{TRAIN} --data two-moons --out run"), &["run already holds a run"]);
}

#[test]
fn a_resumed_training_stays_the_same_training() {
    let folder = Folder::trained_on("two-moons");
    folder.write("three.csv", csv(&rows(100, 3), 3));
    let resume = "train nice --out run --resume --steps 60 --threads 1";
    folder.refuses(&format!("{resume} --seed 1"), &["run was started with --seed 0", "leave out --seed"]);
    folder.refuses(&format!("{resume} --batch 25"), &["keeps its --batch", "leave it out", "--out"]);
    folder.refuses(&format!("{resume} --preset paper"), &["keeps its --preset", "leave it out", "--out"]);
    let shapes = ["run was started with --data two-moons", "leave out --data"];
    folder.refuses(&format!("{resume} --data three.csv"), &shapes);
    folder.refuses(&resume.replace("nice", "nife"), &["there is no model \"nife\"", "did you mean \"nice\"?"]);
    // An option with the same value is accepted.
    folder.run(&format!("{resume} --seed 0 --batch 24 --data two-moons"));
}

#[test]
fn a_damaged_training_is_named() {
    let folder = Folder::trained_on("two-moons");
    let whole = folder.safetensors("run/training.safetensors");
    let resume = "train nice --out run --resume --steps 60 --threads 1";

    folder.write("run/training.safetensors", &whole.write()[..5000]);
    folder.refuses(resume, &["run/training.safetensors", "not a whole safetensors file"]);

    for prefix in ["adam.", "average.", "model."] {
        let mut less = whole.clone();
        let name = less.tensors.keys().find(|name| name.starts_with(prefix)).unwrap().clone();
        less.tensors.remove(&name);
        folder.write("run/training.safetensors", less.write());
        folder.refuses(resume, &["run/training.safetensors", "lacks the tensor", &name]);
    }

    let mut other = whole.clone();
    other.metadata.insert("training".to_owned(), "{\"recipe\":1}".to_owned());
    folder.write("run/training.safetensors", other.write());
    folder.refuses(resume, &["run/training.safetensors was written by another version", "start a new training"]);

    folder.write("run/training.safetensors", whole.write());
    folder.run(resume);
}
