//! Lists the weights in `weights/`, which become part of the program.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=weights");
    let folder = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("weights");
    let entries = fs::read_dir(folder).expect("there is a folder of weights");
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut list = "&[\n".to_owned();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "safetensors")) {
        let name = file.file_stem().unwrap_or_default();
        writeln!(list, "    ({:?}, include_bytes!({file:?})),", name.to_string_lossy()).expect("a text can grow");
    }
    list += "]\n";
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets it")).join("weights.rs");
    fs::write(out, list).expect("cargo's folder can be written");
}
