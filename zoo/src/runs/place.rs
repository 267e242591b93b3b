//! Where a checkpoint is: in a file, or in the program.

use super::{files, folder, shipped};
use crate::models::{self, join};
use crate::stderr;
use anyhow::{Result, bail};
use std::env;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// A checkpoint that can be read.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file or, of weights in the program, how messages call them.
    path: PathBuf,
    /// The weights in the program.
    bytes: Option<&'static [u8]>,
}

impl Place {
    pub(super) fn embedded(name: &str, bytes: &'static [u8]) -> Self {
        Self { path: PathBuf::from(format!("the shipped {name}")), bytes: Some(bytes) }
    }

    /// The checkpoint that RUN names: shipped weights by their bare name, a run folder's model, or a file.
    /// Fails if there is none, and says which there are.
    pub fn of(run: &Path) -> Result<Self> {
        if let Some(place) = shipped::named(run) {
            if run.exists() {
                static NOTE: Once = Once::new();
                let shown = run.display();
                NOTE.call_once(|| {
                    stderr::print_line(format_args!("using the shipped {shown}: write ./{shown} for what is here"));
                });
            }
            return Ok(place);
        }
        if let Some(name) = shipped::bare(run).filter(|_| !run.exists()) {
            let names: Vec<String> = shipped::all().into_iter().map(|(name, _)| name).collect();
            if let Some(unknown) = unknown(name, &names) {
                bail!("{unknown}; or give a run folder or a .safetensors file, as `zoo train` writes them");
            }
        }
        folder::checkpoint(run).map(Self::from)
    }

    /// The file or, of weights in the program, how messages call them.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that it is part of.
    pub fn file(&self) -> PathBuf {
        match self.bytes {
            Some(_) => env::current_exe().unwrap_or_default(),
            None => self.path.clone(),
        }
    }

    /// Opens it for reading, and returns its length too.
    pub(super) fn open(&self) -> Result<(Box<dyn Read>, u64)> {
        match self.bytes {
            Some(bytes) => Ok((Box::new(bytes), bytes.len() as u64)),
            None => files::open(&self.path).map(|(file, length)| (Box::new(file) as Box<dyn Read>, length)),
        }
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self { path, bytes: None }
    }
}

impl From<&PathBuf> for Place {
    fn from(path: &PathBuf) -> Self {
        path.clone().into()
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<&Self> for Place {
    fn from(place: &Self) -> Self {
        place.clone()
    }
}

/// Why no weights have this name, and which there are. None if there are none at all.
fn unknown(name: &str, shipped: &[String]) -> Option<String> {
    let list = join(shipped);
    if shipped.is_empty() {
        return None;
    }
    let near = models::nearest(name, shipped.iter().map(String::as_str));
    Some(match near {
        _ if models::is_name(name) => {
            format!("no weights of {name} are shipped: train it (zoo train {name}), or use {list}")
        }
        Some(near) => format!("there is no run {name}: did you mean {near}? Shipped are {list}"),
        None => format!("there is no run {name}: shipped are {list}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Space;
    use crate::models::{Kind, Preset};
    use crate::runs::checkpoint::{self, Header};
    use flows::Module as _;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn weights_in_the_program_are_read_like_a_file() {
        let space = Space::Images { channels: 1, height: 4, width: 4 };
        let blueprint = Kind::Maf.blueprint(Preset::Quick, space, 0).unwrap();
        let model = blueprint.build::<f32>(&mut ChaCha8Rng::seed_from_u64(3)).unwrap();
        checkpoint::round(&model);
        let header = Header { blueprint, data: "mnist".to_owned(), step: 7, seed: 3 };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maf.safetensors");
        checkpoint::write_small(&path, &header, &[], &model).unwrap();
        let bytes: &'static [u8] = Box::leak(files::read(&path).unwrap().into_boxed_slice());
        let loaded = checkpoint::load::<f32>(Place::embedded("maf", bytes)).unwrap();
        assert_eq!(loaded.header, header);
        for ((name, ours), (_, theirs)) in model.params().iter().zip(loaded.model.params()) {
            assert!(ours.value().as_slice() == theirs.value().as_slice(), "{name}");
        }
        let cut = checkpoint::load::<f32>(Place::embedded("maf", &bytes[..bytes.len() - 1])).unwrap_err().to_string();
        assert!(cut.starts_with("the shipped maf is not a whole safetensors file"), "{cut}");
    }
}
