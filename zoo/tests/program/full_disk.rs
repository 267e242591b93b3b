//! A full disk, simulated by a limit on the size of files: writing fails part of the way
//! through a checkpoint, but not for the few bytes of the log.

use crate::folder::{Folder, TRAIN, texts};
use crate::made::{csv, rows};

/// Files may have 16 blocks, of 512 or 1024 bytes; ignoring the signal makes it an error of `write`.
const FULL: &str = "trap '' XFSZ; ulimit -f 16";

#[test]
fn the_earlier_checkpoint_stays_whole() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(200, 3), 3));
    folder.train("--data table.csv --steps 60");
    let resume = "train nice --resume --steps 120 --threads 1 --out";
    folder.copy("run", "twin");
    folder.run(&format!("{resume} twin"));

    let names = ["run/model.safetensors", "run/training.safetensors"];
    let before = names.map(|name| folder.read(name));
    let output = folder.under(FULL, &format!("{resume} run"));
    let (out, err) = texts(&output);
    assert_eq!((output.status.code(), &*out), (Some(1), ""), "{err}");
    let last = err.lines().last().unwrap();
    assert!(last.starts_with("zoo: cannot write run/"), "{err}");
    assert!(!err.contains("panicked"), "{err}");
    assert!(names.map(|name| folder.read(name)) == before);
    assert_eq!(folder.leftovers(), [""; 0]);
    folder.json("evaluate run --json --threads 1");

    // With enough room, it resumes as if nothing had happened.
    folder.run(&format!("{resume} run"));
    for name in ["model.safetensors", "training.safetensors"] {
        let [run, twin] = ["run", "twin"].map(|run| folder.safetensors(&format!("{run}/{name}")).tensors);
        assert!(run == twin, "{name}");
    }
}

#[test]
fn a_training_that_never_saved_does_not_block_the_next() {
    let folder = Folder::new();
    folder.write("table.csv", csv(&rows(200, 3), 3));
    let line = format!("{TRAIN} --data table.csv --steps 10 --out run");
    let (out, err) = texts(&folder.under(FULL, &line));
    assert_eq!(out, "");
    assert!(err.lines().last().unwrap().starts_with("zoo: cannot write run/training.safetensors"), "{err}");
    assert_eq!(folder.leftovers(), [""; 0]);
    assert!(!folder.exists("run/model.safetensors") && !folder.exists("run/training.safetensors"));
    folder.run(&line);
}

#[test]
fn results_are_written_completely_or_not_at_all() {
    let folder = Folder::trained_on("two-moons");
    folder.write_npy("x.npy", &[9000, 2], &rows(9000, 2));
    for (line, name) in [
        ("encode run --input x.npy --output z.npy --threads 1", "z.npy"),
        ("logprob run --input x.npy --output z.npy --threads 1", "z.npy"),
        ("sample run --grid 90x100 --npy s.npy --threads 1", "s.npy"),
    ] {
        for old in [false, true] {
            if old {
                folder.write(name, "old");
            }
            let before = folder.contents();
            let output = folder.under(FULL, line);
            let (out, err) = texts(&output);
            assert_eq!((output.status.code(), &*out), (Some(1), ""), "zoo {line}: {err}");
            crate::folder::assert_one_line(&err, &["cannot write", name]);
            assert!(folder.contents() == before, "zoo {line}");
        }
    }
}

#[test]
fn standard_output_may_be_full_too() {
    let folder = Folder::new();
    let output = folder.under("exec >/dev/full", "list");
    let (_, err) = texts(&output);
    assert_eq!(output.status.code(), Some(1));
    crate::folder::assert_one_line(&err, &["cannot write to standard output"]);
}
