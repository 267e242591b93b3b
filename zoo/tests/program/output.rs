//! Where the program writes to: missing folders, and closed pipes.

use crate::folder::{Folder, TRAIN, texts};
use crate::made::rows;
use std::process::Stdio;

#[test]
fn impossible_folders_are_named() {
    let folder = Folder::trained_on("two-moons");
    folder.write("file", "a file, not a folder");
    folder.write_npy("x.npy", &[3, 2], &rows(3, 2));
    let train = format!("{TRAIN} --data two-moons --steps 3 --out file/run");
    folder.refuses(&train, &["file/run", "choose another --out"]);
    folder.refuses("demo --minutes 0.01 --out file/run --threads 1", &["file/run", "choose another --out"]);
    for line in [
        "encode run --input x.npy --output file/z.npy --threads 1",
        "sample run --out file/s.png --threads 1",
        "sample run --npy file/z.npy --threads 1",
    ] {
        folder.refuses(line, &["cannot write file/", "folder does not exist"]);
    }
    folder.refuses("logprob run --input x.npy --output nowhere/z.npy --threads 1", &["mkdir -p nowhere"]);
    folder.refuses("decode run --input x.npy --output run --threads 1", &["run is a folder, not a file"]);
    folder.refuses("sample run --out picture.jpg --threads 1", &["picture.jpg", "must end in .png"]);
    folder.refuses("sample run --out picture --npy s.npy --threads 1", &["picture", "must end in .png"]);
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let folder = Folder::trained_on("two-moons");
    folder.write_npy("x.npy", &[3, 2], &rows(3, 2));
    for line in [
        "list",
        "list --json",
        "list --params nice --preset quick",
        "--help",
        "--version",
        "train nice --help",
        "data two-moons",
        "sample run --show --threads 1",
        "evaluate run --threads 1",
        "evaluate run --json --threads 1",
        "logprob run --input x.npy --output y.npy --threads 1",
        "latents run --threads 1",
        "density run --resolution 20 --threads 1",
        "check run --samples 2 --jacobians 1 --threads 1",
        "change-of-variables",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = folder.command(line).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        assert_eq!((output.status.code(), texts(&output).1), (Some(0), String::new()), "zoo {line}");
    }
}

#[test]
fn training_goes_on_when_its_output_is_closed() {
    let folder = Folder::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = folder.command(&format!("{TRAIN} --data two-moons --steps 60 --out run"));
    let status = command.stdout(writer.try_clone().unwrap()).stderr(writer).status().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(folder.safetensors("run/model.safetensors").metadata["step"], "60");
}
