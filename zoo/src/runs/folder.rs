//! A run folder: the files of one training run.
//!
//! ```text
//! model.safetensors      the best weights so far, by the validation rows
//! training.safetensors   everything that --resume needs
//! log.jsonl              the training's progress, one JSON object a line
//! curve.svg              the loss over the steps
//! grids/epoch-0007.png   samples after an epoch
//! teacher.safetensors    for a student only: the model that it learns from
//! ```

use crate::runs::files;
use anyhow::{Context as _, Result, bail};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct Run {
    folder: PathBuf,
}

impl Run {
    /// The run in a folder, whether or not it exists yet.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn model(&self) -> PathBuf {
        self.folder.join("model.safetensors")
    }

    pub fn training(&self) -> PathBuf {
        self.folder.join("training.safetensors")
    }

    pub fn teacher(&self) -> PathBuf {
        self.folder.join("teacher.safetensors")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("log.jsonl")
    }

    pub fn curve(&self) -> PathBuf {
        self.folder.join("curve.svg")
    }

    /// The picture after an epoch.
    pub fn grid(&self, epoch: u64) -> PathBuf {
        self.folder.join("grids").join(format!("epoch-{epoch:04}.png"))
    }

    /// Makes the folders.
    pub fn create(&self) -> Result<()> {
        let grids = self.folder.join("grids");
        let why = || format!("cannot make the folder {}: choose another --out", self.folder.display());
        std::fs::create_dir_all(grids).with_context(why)
    }

    /// Locks the folder against other training runs until the returned file is dropped. Does nothing on file systems
    /// without locks.
    pub fn lock(&self) -> Result<Option<File>> {
        let Ok(folder) = File::open(&self.folder) else { return Ok(None) };
        match folder.try_lock() {
            Ok(()) => Ok(Some(folder)),
            Err(TryLockError::WouldBlock) => {
                bail!("another zoo is running in {}: wait for it, or choose another --out", self.folder.display())
            }
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }

    /// Marks the folder as a demonstration's, which a later one may replace.
    pub fn mark_as_demo(&self) -> Result<()> {
        files::write_atomically(&self.demo_mark(), |_| Ok(()))
    }

    /// Whether a demonstration made this folder.
    pub fn is_demo(&self) -> bool {
        self.demo_mark().exists()
    }

    fn demo_mark(&self) -> PathBuf {
        self.folder.join(".demo")
    }

    /// Removes the files of an earlier training run, and nothing else.
    pub fn clear(&self) -> Result<()> {
        for file in [self.training(), self.model(), self.log(), self.curve()] {
            if file.exists() {
                std::fs::remove_file(&file).with_context(|| format!("cannot replace {}", file.display()))?;
            }
        }
        Ok(())
    }

    /// Whether a training run in this folder has saved anything. A log alone is from a run that ended before its first
    /// save, and may be overwritten.
    pub fn has_begun(&self) -> bool {
        self.training().exists() || self.model().exists()
    }

    /// Removes the partial files of a killed training run, which can be as large as a checkpoint.
    pub fn sweep(&self) {
        files::sweep(&self.folder);
        files::sweep(&self.folder.join("grids"));
    }
}

/// The checkpoint that RUN names: the file itself, or a run folder's model.
pub fn checkpoint(run: &Path) -> Result<PathBuf> {
    if run.is_dir() {
        let model = Run::at(run).model();
        if !model.exists() {
            bail!("{} holds no model.safetensors: train there first (zoo train … --out {0})", run.display());
        }
        return Ok(model);
    }
    if !run.exists() {
        bail!(
            "there is no run {}: give a run folder or a .safetensors file, as `zoo train` writes them",
            run.display()
        );
    }
    Ok(run.to_owned())
}
