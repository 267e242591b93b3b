//! The commands that were run for a lecture, and their output. The file is stored next to the pictures. An
//! interrupted lecture continues from it, and the page quotes its output.

use super::agenda::Task;
use crate::runs::files::{self, replace_atomically};
use crate::runs::folder::is_there;
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The name of the page, next to the record.
pub const PAGE: &str = "lecture.html";
/// The folder of its pictures.
pub const FIGURES: &str = "figures";

/// A record and its file.
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
    /// The lines it printed.
    pub output: Vec<String>,
    /// How long it took; of a resumed command, the last part.
    pub seconds: f64,
    /// Size and time of each file it read.
    stamps: Vec<Option<(u64, u64)>>,
}

/// Size and time of the last change, in nanoseconds, of an existing file.
fn stamp(path: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((metadata.len(), u64::try_from(changed.as_nanos()).unwrap_or(u64::MAX)))
}

impl Record {
    /// The record of a folder, empty if there is none yet.
    /// Fails if it is damaged, or if there is a page without a record: then it is not a page of this program.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("lecture.json");
        let figures = folder.join(FIGURES);
        if std::fs::read_link(&figures).is_ok() {
            bail!("{} is a link: remove it, or choose another --out", figures.display());
        }
        if !is_there(&path) {
            if let Some(other) = [folder.join(PAGE), figures].iter().find(|other| is_there(other)) {
                bail!("{} is not of this program: move it away, or choose another --out", other.display());
            }
            // Before anything else is made: from now on the folder is a lecture's.
            let record = Self { path, done: BTreeMap::new() };
            record.write()?;
            return Ok(record);
        }
        let why = || format!("{} is damaged: remove it to make everything again", path.display());
        let done = serde_json::from_slice(&files::read(&path)?).with_context(why)?;
        Ok(Self { path, done })
    }

    /// The entry of a task, if it was done with its present inputs and its files still exist.
    pub fn find(&self, task: &Task) -> Option<&Done> {
        let done = self.done.get(&task.key)?;
        // A student is done even if its teacher has changed since.
        let same = done.words == task.words && (task.training.is_some() || done.stamps == stamps(task));
        (same && task.outputs.iter().all(|file| file.exists())).then_some(done)
    }

    /// Adds a task that was done, and writes the file.
    pub fn add(&mut self, task: &Task, output: Vec<String>, seconds: f64) -> Result<()> {
        let done = Done { words: task.words.clone(), output, seconds, stamps: stamps(task) };
        self.done.insert(task.key.clone(), done);
        self.write()
    }

    /// Writes the file.
    pub fn write(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.done)?;
        replace_atomically(&self.path, |file| file.write_all(text.as_bytes()))
    }
}

fn stamps(task: &Task) -> Vec<Option<(u64, u64)>> {
    task.inputs.iter().map(|input| stamp(input)).collect()
}
