//! What was done for a lecture, and what each command said: kept beside the pictures, so that a lecture that was cut
//! off goes on, and numbers on the page are those that were read.

use super::plan::Step;
use crate::runs::files::{self, write_atomically};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A record, and the file that it is kept in.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    done: BTreeMap<String, Done>,
}

/// A command that was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    /// Its words, without `zoo`.
    pub words: Vec<String>,
    /// The lines that it said.
    pub said: Vec<String>,
    /// How long it took; of what was cut off and went on, the last part.
    pub seconds: f64,
    /// Length and time of each file that it read.
    stamps: Vec<Option<(u64, u64)>>,
}

/// Length and time of the last change, in seconds, of a file that exists.
fn stamp(path: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((metadata.len(), changed.as_secs()))
}

impl Record {
    /// The record of a folder, empty where there is none yet.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("lecture.json");
        if !path.exists() {
            return Ok(Self { path, done: BTreeMap::new() });
        }
        let why = || format!("{} is damaged: remove it, and everything is made again", path.display());
        let done = serde_json::from_slice(&files::read(&path)?).with_context(why)?;
        Ok(Self { path, done })
    }

    /// What a step did, if it was done, from what is there now, and its files still are.
    #[must_use]
    pub fn find(&self, step: &Step) -> Option<&Done> {
        let done = self.done.get(&step.key)?;
        // It does not matter what became of a student's teacher since.
        let same = done.words == step.words && (step.training.is_some() || done.stamps == stamps(step));
        (same && step.makes.iter().all(|file| file.exists())).then_some(done)
    }

    /// Keeps what a step said.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn keep(&mut self, step: &Step, said: Vec<String>, seconds: f64) -> Result<()> {
        let done = Done { words: step.words.clone(), said, seconds, stamps: stamps(step) };
        self.done.insert(step.key.clone(), done);
        let text = serde_json::to_string_pretty(&self.done)?;
        Ok(write_atomically(&self.path, |file| file.write_all(text.as_bytes()))?)
    }
}

fn stamps(step: &Step) -> Vec<Option<(u64, u64)>> {
    step.inputs.iter().map(|input| stamp(input)).collect()
}
