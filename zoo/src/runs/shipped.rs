//! The weights that are part of the program: the files in `zoo/weights`, by name.

use super::place::Place;
use std::path::{Path, PathBuf, is_separator};
use std::{env, fs};

/// Every file in the folder, by its name without the extension.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/weights.rs"));
/// Names a folder whose weights stand in for those of the program: to try some before they become part of it.
const FOLDER: &str = "ZOO_WEIGHTS";
/// Not a model of the list: the classifier that judges samples.
const JUDGE: &str = "judge";

/// The judge's weights.
pub fn judge() -> &'static [u8] {
    EMBEDDED.iter().find(|(name, _)| *name == JUDGE).expect("the program has the judge's weights").1
}

/// The size of all weights in the program, in bytes.
pub fn size() -> usize {
    EMBEDDED.iter().map(|(_, bytes)| bytes.len()).sum()
}

/// The trained models that are part of the program, with their names, in the order of these.
pub fn all() -> Vec<(String, Place)> {
    let mut all: Vec<(String, Place)> = match folder() {
        None => EMBEDDED.iter().map(|(name, bytes)| ((*name).to_owned(), Place::embedded(name, bytes))).collect(),
        Some(folder) => {
            let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            let weights = files.filter(|file| file.extension().is_some_and(|ending| ending == "safetensors"));
            weights.filter_map(|file| Some((file.file_stem()?.to_str()?.to_owned(), Place::from(file)))).collect()
        }
    };
    all.retain(|(name, _)| name != JUDGE);
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

/// The trained model that RUN names: only a bare name does, so that `./maf` is a folder.
pub fn named(run: &Path) -> Option<Place> {
    let name = bare(run)?;
    all().into_iter().find(|(known, _)| known == name).map(|(_, place)| place)
}

/// RUN, if it is a name without a folder.
pub fn bare(run: &Path) -> Option<&str> {
    run.to_str().filter(|name| !name.contains(is_separator))
}

fn folder() -> Option<PathBuf> {
    env::var_os(FOLDER).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}
