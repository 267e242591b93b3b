//! Short names for runs: the last parts of their paths that tell them apart.

use crate::text::one_line;
use std::path::{Path, PathBuf, absolute};

/// A name for each run: its folder's, or its file's without the extension, preceded by as many parent folders as it
/// takes to be unique. They stand in tables, so they are as they are printed.
pub(super) fn distinct(runs: &[PathBuf]) -> Vec<String> {
    let parts: Vec<Vec<String>> = runs.iter().map(|run| parts(run)).collect();
    let last = |parts: &[String], count: usize| parts[parts.len().saturating_sub(count)..].join("/");
    let name = |of: &Vec<String>| {
        let alone = |count: &usize| parts.iter().filter(|other| last(other, *count) == last(of, *count)).count() == 1;
        last(of, (1..of.len()).find(alone).unwrap_or(of.len()))
    };
    parts.iter().map(name).collect()
}

fn parts(run: &Path) -> Vec<String> {
    let mut whole = absolute(run).unwrap_or_else(|_| run.to_owned());
    if whole.ends_with("model.safetensors") {
        whole.pop();
    } else if whole.extension().is_some_and(|ending| ending == "safetensors") {
        whole.set_extension("");
    }
    whole.components().map(|part| one_line(part.as_os_str().display())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_short_as_is_unique() {
        let runs = ["/a/b/maf", "/a/c/maf/", "/a/c/nice/model.safetensors", "/a/half.safetensors", "iaf"];
        assert_eq!(distinct(&runs.map(PathBuf::from)), ["b/maf", "c/maf", "nice", "half", "iaf"]);
        let one = [PathBuf::from("/a/b/model.safetensors"), PathBuf::from("/a/b.safetensors")];
        assert_eq!(distinct(&one).len(), 2);
    }
}
