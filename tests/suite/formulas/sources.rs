//! The plain text of formulas in doc comments.
//!
//! An HTML comment in a doc comment is the plain text of the formula that is included in the next line: rustdoc shows
//! the one, readers of the source see the other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// All Rust files whose documentation may include formulas.
pub(crate) fn all() -> io::Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut folders, mut files) = (vec![root.join("flows/src"), root.join("zoo/src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The name of the formula that a line of documentation includes.
pub(crate) fn included(line: &str) -> Option<&str> {
    let attribute = line.trim_start();
    let doc = attribute.starts_with("#[doc = include_str!(") || attribute.starts_with("#![doc = include_str!(");
    let path = line.split('"').nth(1).filter(|_| doc)?;
    path.rsplit_once("formulas/")?.1.strip_suffix(".html")
}

/// A source file with the present plain text above each formula; `lines` gives a formula's.
pub(crate) fn rewritten(
    source: &str,
    mut lines: impl FnMut(&str) -> Result<Vec<String>, String>,
) -> Result<String, String> {
    let mut out: Vec<String> = Vec::new();
    let mut in_comment = false;
    for line in source.lines() {
        let doc = line.trim_start();
        let prose = ["///", "//!"].contains(&doc.get(..3).unwrap_or(""));
        in_comment |= prose && doc[3..].trim_start().starts_with("<!--");
        if in_comment {
            in_comment = !doc.ends_with("-->");
            continue;
        }
        let Some(name) = included(line) else {
            // What stood around a comment that is gone leaves one empty line.
            if !(prose && doc.len() == 3 && out.last().is_some_and(|last| last == line)) {
                out.push(line.to_owned());
            }
            continue;
        };
        let margin = &line[..line.len() - doc.len()];
        let marker = format!("{margin}{}", if doc.starts_with("#!") { "//!" } else { "///" });
        if out.last().is_some_and(|last| last.starts_with(&marker) && *last != marker) {
            out.push(marker.clone());
        }
        match lines(name)?.as_slice() {
            [one] => out.push(format!("{marker} <!-- {one} -->")),
            several => {
                out.push(format!("{marker} <!--"));
                out.extend(several.iter().map(|line| format!("{marker} {line}")));
                out.push(format!("{marker} -->"));
            }
        }
        out.push(line.to_owned());
    }
    Ok(out.join("\n") + "\n")
}
