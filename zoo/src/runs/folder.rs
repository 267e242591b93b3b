//! A run folder: the files of one training run.
//!
//! ```text
//! training.safetensors   the whole training, its best weights included: all that --resume needs
//! model.safetensors      a copy of the best weights so far, by the validation rows
//! log.jsonl              the training's progress, one JSON object a line
//! curve.svg              the loss over the steps
//! grids/epoch-0007.png   samples after an epoch
//! teacher.safetensors    for a student only: the model that it learns from
//! ```
//!
//! A save is complete when `training.safetensors` gets its name: that file alone decides what a resumed training
//! continues from. The others are written after it. A model that a crash left behind it is written again from it.
//!
//! A run writes only into a folder that it has locked, and replaces only its own files there. If a file of another run
//! stands in the place of a checkpoint or a log, it refuses to start. Pictures are replaced. A symbolic link in the
//! place of a run's file, or of `grids`, is replaced as well, and what it points to stays as it is.

use crate::runs::{files, shipped};
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File, TryLockError};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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
        self.grids().join(format!("epoch-{epoch:04}.png"))
    }

    fn grids(&self) -> PathBuf {
        self.folder.join("grids")
    }

    /// Makes the folder of the pictures.
    pub fn make_grids(&self) -> Result<()> {
        files::replace_link(&self.grids())?;
        fs::create_dir_all(self.grids()).map_err(|why| files::failure("make", &self.grids(), &why))
    }

    /// Makes the folder if there is none, and locks it against other programs until the result is dropped. What is in it
    /// must be looked at after that. On file systems without locks it only makes the folder.
    /// Fails if another program holds the lock, or the folder cannot be made.
    pub fn lock(&self) -> Result<Arc<Locked>> {
        let folder = &self.folder;
        let missing = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let mut locked =
            Locked { run: self.clone(), made: missing.map(Path::to_owned).collect(), file: Mutex::default() };
        // Another program may remove an empty folder between two of these steps.
        for _ in 0..RETRIES {
            let why = || format!("cannot make the folder {}: choose another --out", folder.display());
            fs::create_dir_all(folder).with_context(why)?;
            let Ok(file) = File::open(folder) else { continue };
            match file.try_lock() {
                Ok(()) if is_still(&file, folder) => locked.file = Mutex::new(Some(file)),
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {
                    locked.made.clear();
                    bail!("another zoo is running in {}: wait for it, or choose another --out", folder.display())
                }
                Err(TryLockError::Error(_)) => {}
            }
            return Ok(Arc::new(locked));
        }
        bail!("{} cannot be opened: change its permissions, or choose another --out", folder.display())
    }

    /// Marks the folder as a demonstration's, which a later one may replace.
    pub fn mark_as_demo(&self) -> Result<()> {
        files::replace_link(&self.demo_mark())?;
        files::write_atomically(&self.demo_mark(), |_| Ok(()))
    }

    /// Whether a demonstration made this folder.
    pub fn is_demo(&self) -> bool {
        is_there(&self.demo_mark())
    }

    fn demo_mark(&self) -> PathBuf {
        self.folder.join(".demo")
    }

    /// Removes the files of an earlier training run, and nothing else.
    pub fn clear(&self) -> Result<()> {
        for file in [self.training(), self.model(), self.log(), self.curve()] {
            if is_there(&file) {
                fs::remove_file(&file).with_context(|| format!("cannot replace {}", file.display()))?;
            }
        }
        Ok(())
    }

    /// Whether a training run in this folder has saved anything. A log alone is from a run that ended before its first
    /// save, and may be overwritten.
    pub fn has_begun(&self) -> bool {
        is_there(&self.training()) || is_there(&self.model())
    }

    /// Removes the partial files of a killed training run, which can be as large as a checkpoint.
    pub fn sweep(&self) {
        files::sweep(&self.folder);
        // What a link points to is not the run's.
        if fs::read_link(self.grids()).is_err() {
            files::sweep(&self.grids());
        }
    }
}

/// How often locking a folder is tried while another program removes it.
const RETRIES: usize = 100;

/// Whether there is a file, a folder, or a link, of which the target may be missing. What cannot be looked at may be
/// there.
pub(crate) fn is_there(path: &Path) -> bool {
    !fs::symlink_metadata(path).is_err_and(|why| why.kind() == std::io::ErrorKind::NotFound)
}

/// Whether an open folder is the one of this name, and not one that was removed in the meantime.
#[cfg(unix)]
fn is_still(open: &File, folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let [open, named] = [open.metadata(), fs::metadata(folder)];
    open.is_ok_and(|open| named.is_ok_and(|named| (open.dev(), open.ino()) == (named.dev(), named.ino())))
}

#[cfg(not(unix))]
fn is_still(_open: &File, _folder: &Path) -> bool {
    true
}

/// A run whose folder is locked against other programs until this is dropped. If the folder was made for it and is still
/// empty, because the run was refused, it is removed again.
#[derive(Debug)]
pub struct Locked {
    run: Run,
    /// The folders that did not exist before, the innermost first.
    made: Vec<PathBuf>,
    /// The lock.
    file: Mutex<Option<File>>,
}

impl Locked {
    /// Makes sure, before something is written, that the folder of this name is still the one that was locked. One that
    /// was removed, or moved away, is made and locked again.
    /// Fails if another folder has its place.
    pub fn hold(&self) -> Result<()> {
        let folder = &self.folder;
        let mut held = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_none_or(|held| is_still(held, folder)) {
            return Ok(());
        }
        let shown = folder.display();
        if is_there(folder) {
            bail!("{shown} is not the folder that this run began in: put that one back; until then nothing is saved");
        }
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {shown} again"))?;
        let file = File::open(folder).with_context(|| format!("cannot open the folder {shown}"))?;
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            bail!("another zoo is running in {shown}: nothing is saved there");
        }
        *held = Some(file);
        Ok(())
    }

    /// Removes the mark of a demonstration: from now on the run is the user's own.
    pub fn forget_demo(&self) -> Result<()> {
        if self.is_demo() {
            fs::remove_file(self.demo_mark()).map_err(|why| files::failure("remove", &self.demo_mark(), &why))?;
        }
        Ok(())
    }

    /// Fails if nothing can be written in the folder. Better before a long training than after it.
    pub fn check_writable(&self) -> Result<()> {
        files::check_place(&self.folder.join("a file"))
    }
}

impl Deref for Locked {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Only empty folders can be removed like this.
        let _ = self.made.iter().try_for_each(fs::remove_dir);
    }
}

/// The run folder, if RUN is one or is its model file. Other checkpoint files, and shipped weights, have no folder.
pub fn of(run: &Path) -> Option<Run> {
    if shipped::named(run).is_some() {
        return None;
    }
    if run.is_dir() {
        return Some(Run::at(run));
    }
    let folder = Run::at(run.parent()?);
    (folder.model() == run).then_some(folder)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_writes_only_into_the_folder_that_it_locked() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name: &str| parent.path().join(name);
        let run = Run::at(&at("run")).lock().unwrap();
        run.hold().unwrap();
        // Moved away: the run goes on in a new folder of the old name, and keeps others out.
        fs::rename(at("run"), at("moved")).unwrap();
        run.hold().unwrap();
        assert!(at("run").is_dir() && Run::at(&at("run")).lock().is_err());
        // Another folder in its place, perhaps with another run.
        fs::rename(at("run"), at("moved again")).unwrap();
        fs::create_dir(at("run")).unwrap();
        assert!(run.hold().unwrap_err().to_string().contains("put that one back"));
        fs::remove_dir(at("run")).unwrap();
        fs::rename(at("moved again"), at("run")).unwrap();
        run.hold().unwrap();
    }
}
