//! Names that hold what a terminal obeys: escape sequences, line feeds, changes of direction, and bytes that are no text.

use crate::folder::{Folder, texts};
use crate::formats::npy_of;
use crate::made::{csv, rows};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// Retitles the terminal, begins a forged second line, colors it, and turns its direction around.
const HOSTILE: &str = "a\x1b]0;pwn\x07\nzoo: done\u{9b}31m\u{202e}\x7f";

/// Runs the program with these words, and requires that neither of its outputs holds anything that a terminal obeys.
#[track_caller]
fn harmless(folder: &Folder, words: &[impl AsRef<OsStr>]) -> (Option<i32>, String, String) {
    let output = folder.command("").args(words).output().unwrap();
    let (out, err) = texts(&output);
    for text in [&out, &err] {
        let obeyed = |c: char| c != '\n' && (c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c));
        assert!(!text.chars().any(obeyed), "{text:?}");
        assert!(!text.contains("\nzoo: done"), "{text}");
    }
    (output.status.code(), out, err)
}

#[test]
fn paths_with_escape_sequences_are_shown_escaped() {
    let folder = Folder::new();
    let run = format!("runs/{HOSTILE}");
    let train = ["train", "nice", "--preset", "quick", "--batch", "24", "--steps", "3", "--threads", "1"];
    folder.write(&format!("{HOSTILE}.csv"), csv(&rows(100, 2), 2));
    let data = format!("{HOSTILE}.csv");
    let (code, out, err) = harmless(&folder, &[&train[..], &["--data", &data, "--out", &run]].concat());
    let shown = "a\\u{1b}]0;pwn\\u{7}\\nzoo: done\\u{9b}31m\\u{202e}\\u{7f}";
    assert!(code == Some(0) && out.contains(&format!("saved in runs/{shown}")), "{out}{err}");
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(err.contains(&format!("into runs/{shown}")), "{err}");
    for line in [
        &["sample", &run, "--npy", &format!("{HOSTILE}.npy"), "--threads", "1"][..],
        &["evaluate", &run, "--threads", "1"],
        &["latents", &run, "--threads", "1"],
        &["compare", &run, "--limit", "10", "--threads", "1"],
        &["check", &run, "--samples", "2", "--jacobians", "1", "--threads", "1"],
        &["data", &data],
    ] {
        let (code, out, err) = harmless(&folder, line);
        let named = matches!(line[0], "check" | "data") || out.contains("a\\u{1b}]0;");
        assert!(code == Some(0) && named, "{line:?}: {out}{err}");
    }
    let (_, json, _) = harmless(&folder, &["evaluate", &run, "--json", "--threads", "1"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["data"], data);
    // The picture of a comparison has the run's name, but nothing that a browser obeys.
    let compared = ["compare", &run, "--limit", "10", "--threads", "1", "--out", "c.svg"];
    assert_eq!(harmless(&folder, &compared).0, Some(0));
    let svg = String::from_utf8(folder.read("c.svg")).unwrap();
    assert!(!svg.contains(['\x1b', '\u{202e}', '\x7f', '\u{9b}']) && svg.contains("\\u{1b}"), "{svg}");
}

#[test]
fn words_from_a_file_are_shown_escaped_and_cut() {
    let folder = Folder::trained_on("two-moons");
    let mut model = folder.safetensors("run/model.safetensors");
    let good = model.metadata.clone();
    let long = "x".repeat(100_000);
    for (key, from) in [("data", "two-moons"), ("config", "\"nice\""), ("config", "\"sizes\"")] {
        for hostile in [HOSTILE, &long] {
            let json = serde_json::to_string(hostile).unwrap();
            let hostile = if key == "data" { hostile } else { json.as_str() };
            model.metadata = good.clone();
            model.metadata.insert(key.to_owned(), good[key].replace(from, hostile));
            assert_ne!(model.metadata, good);
            folder.write("m.safetensors", model.write());
            let (code, out, err) = harmless(&folder, &["evaluate", "m.safetensors", "--threads", "1"]);
            assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
            assert!(err.starts_with("zoo: ") && err.chars().count() < 1500, "{err}");
        }
    }
}

#[test]
fn a_bad_npy_header_is_one_line() {
    let folder = Folder::new();
    for (descr, shape) in [("<f4', 'a\x1b]0;pwn\x07", "20, 2"), ("<f2', 'x'<f16'_", "20, 2"), (HOSTILE, "20, 2")] {
        folder.write("x.npy", npy_of(descr, shape, &[0; 160]));
        let (code, out, err) = harmless(&folder, &["data", "x.npy"]);
        assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.contains("x.npy: ") && err.len() < 300, "{err}");
    }
}

#[test]
fn arguments_are_shown_escaped() {
    let folder = Folder::new();
    for words in [
        &["list", HOSTILE][..],
        &[HOSTILE],
        &["train", HOSTILE],
        &["list", "--preset", HOSTILE],
        &["list", &format!("--{HOSTILE}")],
        &["data", HOSTILE],
        &["sample", HOSTILE],
    ] {
        let (code, out, err) = harmless(&folder, words);
        assert!(matches!(code, Some(1 | 2)) && out.is_empty() && err.lines().count() == 1, "{words:?}: {err}");
        assert!(err.starts_with("zoo: ") && err.contains("pwn"), "{words:?}: {err}");
    }
    // Bytes that are not UTF-8, as a path and as a name.
    let bytes = OsStr::from_bytes(b"caf\xe9\x1b[31m");
    let (code, _, err) = harmless(&folder, &[OsStr::new("sample"), bytes]);
    assert!(code == Some(1) && err.starts_with("zoo: there is no run caf\u{fffd}\\u{1b}[31m"), "{err}");
    let (code, _, err) = harmless(&folder, &[OsStr::new("data"), bytes]);
    assert!(code == Some(2) && err.starts_with("zoo: \"caf\\xE9\\u{1b}[31m\" is not UTF-8"), "{err}");
}
