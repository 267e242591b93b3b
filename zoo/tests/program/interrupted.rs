//! Trainings that are killed or interrupted, and resume.

use crate::folder::{Folder, TRAIN};
use crate::made::{csv, rows};
use serde_json::Value;
use std::os::unix::process::ExitStatusExt as _;

/// A training with many epochs: 300 rows are ten steps.
fn training(steps: u64, out: &str) -> String {
    format!("{TRAIN} --data table.csv --seed 5 --steps {steps} --out {out}")
}

/// A folder with such a training in `whole`, not interrupted.
fn folder(steps: u64) -> Folder {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(300, 3), 3));
    folder.run(&training(steps, "whole"));
    folder
}

/// Asserts the same model and state, bit for bit, and the same log except for the times.
#[track_caller]
pub(crate) fn assert_same(folder: &Folder, run: &str) {
    for name in ["model.safetensors", "training.safetensors"] {
        let [whole, cut] = ["whole", run].map(|run| folder.safetensors(&format!("{run}/{name}")));
        for key in ["step", "seed", "config", "data"] {
            assert_eq!(whole.metadata[key], cut.metadata[key], "{name}: {key}");
        }
        assert_eq!(whole.shapes(), cut.shapes());
        for (tensor, stored) in &whole.tensors {
            assert!(cut.tensors[tensor] == *stored, "{name}: {tensor} differs");
        }
    }
    let log = |run: &str| -> Vec<Value> {
        let mut lines = folder.log(run);
        for line in &mut lines {
            line.as_object_mut().unwrap().remove("seconds").unwrap();
        }
        lines
    };
    assert_eq!(log("whole"), log(run));
}

/// Whether the run was still training. Otherwise, interrupting it tests nothing.
pub(crate) fn unfinished(folder: &Folder, run: &str, steps: u64) -> bool {
    let text = String::from_utf8(folder.read(&format!("{run}/log.jsonl"))).unwrap();
    !text.contains(&format!("\"step\":{steps},"))
}

#[test]
fn a_killed_training_resumes_exactly() {
    const STEPS: u64 = 600;
    let folder = folder(STEPS);
    // It saves after every step, so the kill probably interrupts a save.
    let mut line = training(STEPS, "cut") + " --save-every 1e-9";
    for _ in 0..2 {
        let step = folder.logged("cut") + 50;
        let mut running = folder.begin(&line);
        folder.wait_for(&mut running, "cut", step, true);
        assert_eq!(running.kill().signal(), Some(9));
        assert!(unfinished(&folder, "cut", STEPS));
        // Every file is complete.
        folder.safetensors("cut/training.safetensors");
        assert!(folder.command("evaluate cut --limit 10 --threads 1").output().unwrap().status.success());
        line = "train nice --out cut --resume --threads 1 --save-every 1e-9".to_owned();
    }
    // A temporary file, as a kill in the middle of a save leaves it.
    folder.write("cut/.zoo-a1B2c3.partial", "half");
    folder.write("cut/grids/.zoo-a1B2c3.partial", "half");
    let said = folder.run("train nice --out cut --resume --threads 1");
    assert!(said.contains("trained 600 steps"), "{said}");
    assert_same(&folder, "cut");
}

#[test]
fn ctrl_c_saves_and_says_how_to_resume() {
    // Enough steps to be still running when the signal arrives.
    const STEPS: u64 = 3000;
    let folder = folder(STEPS);
    let mut line = training(STEPS, "cut");
    for signal in ["INT", "TERM"] {
        let step = folder.logged("cut") + 50;
        let mut running = folder.begin(&line);
        folder.wait_for(&mut running, "cut", step, false);
        let (status, said) = running.signal(signal);
        assert_eq!(status.code(), Some(130));
        assert!(said.contains("stopped at step") && said.contains("saved in cut, continue with --resume"), "{said}");
        assert!(unfinished(&folder, "cut", STEPS));
        assert_eq!(folder.leftovers(), [""; 0]);
        // It names the step that it saved.
        let step = &folder.safetensors("cut/training.safetensors").metadata["step"];
        assert!(said.contains(&format!("stopped at step {step};")), "{said}");
        line = "train nice --out cut --resume --threads 1".to_owned();
    }
    folder.run(&line);
    assert_same(&folder, "cut");
}

#[test]
fn resuming_a_finished_training_changes_nothing() {
    let folder = folder(120);
    folder.copy("whole", "again");
    folder.run("train nice --out again --resume --threads 1");
    assert_same(&folder, "again");
}

#[test]
fn a_truncated_or_too_long_log_is_repaired() {
    let folder = folder(120);
    folder.copy("whole", "again");
    let mut log = folder.read("again/log.jsonl");
    log.extend(b"{\"step\":650,\"epoch\":65.0,\"seconds\":1.0,\"train\":1.5,\"lr\":0.1}\n{\"step\":70");
    folder.write("again/log.jsonl", log);
    folder.run("train nice --out again --resume --threads 1");
    assert_same(&folder, "again");
}

#[test]
fn a_longer_budget_continues_the_training() {
    let folder = folder(120);
    let said = folder.run("train nice --out whole --resume --steps 160 --threads 1");
    assert!(said.contains("trained 160 steps"), "{said}");
    assert_eq!(folder.log("whole").last().unwrap()["step"], 160);
}

#[test]
fn best_weights_that_were_removed_are_replaced() {
    let folder = folder(120);
    std::fs::remove_file(folder.path("whole/model.safetensors")).unwrap();
    folder.run("train nice --out whole --resume --threads 1");
    folder.json("evaluate whole --json --threads 1");
}
