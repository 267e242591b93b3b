//! Every system call of a save fails, or is the last one before the program is killed. After `--resume` everything is as
//! if nothing had happened.
//!
//! The suite tries the calls of one save. `FAULTS=all` tries every call of every run, which takes minutes.

mod tracer;

use crate::folder::Folder;
use crate::formats::Stored;
use crate::made::{csv, rows};
use nix::errno::Errno;
use std::collections::BTreeMap;
use tracer::{Fault, Traced};

/// Commands that write into the folder `cut`.
struct Scenario {
    folder: Folder,
    /// The command.
    line: String,
    /// The command that continues it.
    resume: String,
    /// What it leaves.
    files: &'static [&'static str],
    /// The first and the last call that is tried in the suite: what it begins with, after how many such calls.
    save: [(&'static str, usize); 2],
}

/// What must be as if nothing had happened: tensors, or all bytes of other files.
type Kept = BTreeMap<String, Result<BTreeMap<String, Stored>, Vec<u8>>>;

impl Scenario {
    fn kept(&self) -> Kept {
        let read = |name: &&str| {
            let path = format!("cut/{name}");
            let kept = if name.ends_with(".safetensors") {
                Ok(self.folder.safetensors(&path).tensors)
            } else {
                Err(self.folder.read(&path))
            };
            ((*name).to_owned(), kept)
        };
        self.files.iter().map(read).collect()
    }

    fn clear(&self) {
        let _ = std::fs::remove_dir_all(self.folder.path("cut"));
    }

    fn traced(&self, fault: Option<(usize, Fault)>) -> Traced {
        let cut = self.folder.path("").canonicalize().unwrap().join("cut");
        tracer::run(&self.folder.command(&self.line), &cut, fault)
    }

    /// Tries every fault at every call, or at those of one save.
    fn try_all(&self) {
        self.folder.run(&self.line);
        let whole = self.kept();
        self.clear();
        let Traced { code, calls } = self.traced(None);
        assert_eq!(code, Some(0), "{calls:#?}");
        assert!(self.kept() == whole, "two runs differ");
        let all = std::env::var_os("FAULTS").is_some_and(|faults| faults == "all");
        let nth = |(name, count): (&str, usize)| {
            let found = calls.iter().enumerate().filter(|(_, call)| call.starts_with(name)).nth(count);
            found.unwrap_or_else(|| panic!("no {name} {count} in {calls:#?}")).0
        };
        let range = if all { 0..calls.len() } else { nth(self.save[0])..nth(self.save[1]) + 1 };
        let faults =
            [Fault::Kill, Fault::Fails(Errno::ENOSPC), Fault::Fails(Errno::EIO), Fault::FailsFrom(Errno::ENOSPC)];
        for at in range {
            // In the suite a call is killed, and fails in one of the other ways.
            let other = 1 + at % (faults.len() - 1);
            for (_, fault) in faults.into_iter().enumerate().filter(|(i, _)| all || [0, other].contains(i)) {
                self.clear();
                let ended = self.traced(Some((at, fault)));
                let what = format!("{fault:?} at call {at}, {}", calls[at]);
                let said = String::from_utf8(self.folder.read("stderr")).unwrap();
                assert!(!said.contains("panicked"), "{what}: {said}");
                assert_eq!(ended.code.is_none(), fault == Fault::Kill, "{what}: {said}");
                assert!(ended.code != Some(1) || said.lines().last().unwrap().starts_with("zoo: "), "{what}: {said}");
                self.recover(&what);
                let kept = self.kept();
                for (name, expected) in &whole {
                    assert!(kept[name] == *expected, "{what}: {name} is not what it was");
                }
            }
        }
        self.clear();
    }

    /// Resumes what is in `cut`, or begins again if nothing is.
    fn recover(&self, what: &str) {
        let (state, model) = ("cut/training.safetensors", "cut/model.safetensors");
        if self.folder.exists(state) {
            assert!(self.folder.command(&self.resume).output().unwrap().status.success(), "{what}: {}", self.resume);
        } else if self.folder.exists(model) && self.line == self.resume {
            self.folder.run(&self.line);
        } else if self.folder.exists(model) {
            // There was room for the model alone, or a fit has ended. It is whole, and it is not replaced.
            self.folder.run("list --params cut");
            self.folder.refuses(&self.line, &["cut already holds a run", "move its model.safetensors away"]);
            std::fs::remove_file(self.folder.path(model)).unwrap();
            self.folder.run(&self.line);
        } else {
            self.folder.run(&self.line);
        }
        assert_eq!(self.folder.leftovers(), [""; 0], "{what}");
    }
}

/// A folder with a table, whose training set is two mini-batches of 24 rows.
fn table() -> Folder {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(60, 2), 2));
    folder
}

const MODEL: &str = "rename model.safetensors";

#[test]
fn a_training_survives_every_fault() {
    // So fast that the best weights are those of the first epoch and not the last: they must be kept.
    let line = "train nice --preset quick --data table.csv --batch 24 --lr 10 --threads 1 --steps 4 --save-every 1e-9 --out cut";
    Scenario {
        folder: table(),
        line: line.to_owned(),
        resume: "train nice --out cut --resume".to_owned(),
        files: &["model.safetensors", "training.safetensors"],
        save: [(MODEL, 0), (MODEL, 1)],
    }
    .try_all();
}

#[test]
fn a_distillation_survives_every_fault() {
    let folder = table();
    folder.run("train maf --preset quick --layers 1 --data table.csv --batch 24 --steps 3 --threads 1 --out teacher");
    Scenario {
        folder,
        line: "distill teacher --preset quick --batch 10 --steps 2 --threads 1 --out cut --save-every 1e-9".to_owned(),
        resume: "distill teacher --out cut --resume".to_owned(),
        files: &["model.safetensors", "training.safetensors", "teacher.safetensors"],
        save: [("openat", 0), (MODEL, 0)],
    }
    .try_all();
}

#[test]
fn a_fit_survives_every_fault() {
    Scenario {
        folder: table(),
        line: "train rbig --data table.csv --layers 3 --threads 1 --out cut --save-every 1e-9".to_owned(),
        resume: "train rbig --out cut --resume".to_owned(),
        files: &["model.safetensors"],
        save: [("rename training.safetensors", 0), (MODEL, 0)],
    }
    .try_all();
}

#[test]
fn a_lecture_survives_every_fault() {
    let line = "lecture --only change-of-variables --out cut";
    Scenario {
        folder: Folder::new(),
        line: line.to_owned(),
        resume: line.to_owned(),
        files: &["lecture.html", "figures/change-of-variables.svg", "figures/parallelogram.svg"],
        save: [("openat", 0), ("openat", 2)],
    }
    .try_all();
}
