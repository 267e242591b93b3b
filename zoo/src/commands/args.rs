//! Options that several commands share, each worded once.

use super::prelude::*;
use crate::runs::shipped;
use std::str::FromStr;

pub(super) use crate::models::options::whole;

/// More threads than this cost more time to start than they save.
const MAX_THREADS: usize = 256;

/// How many threads to use.
#[derive(Debug, clap::Args)]
pub(super) struct Threads {
    /// Number of threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = whole(1..=MAX_THREADS))]
    threads: Option<usize>,
}

impl Threads {
    /// The number of threads.
    pub(super) fn count(&self) -> usize {
        self.threads.unwrap_or_else(parallel::available).max(1)
    }

    /// The number asked for, if one is.
    pub(super) const fn asked(&self) -> Option<usize> {
        self.threads
    }

    /// Does some work on that many threads.
    pub(super) fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        parallel::with_threads(self.count(), work)
    }
}

/// The random seed.
#[derive(Debug, clap::Args)]
pub(super) struct Seed {
    /// Random seed
    #[arg(long, value_name = "SEED", default_value = "0")]
    pub(super) seed: u64,
}

/// The random seed and the threads.
#[derive(Debug, clap::Args)]
pub(super) struct Compute {
    #[command(flatten)]
    pub(super) seed: Seed,
    #[command(flatten)]
    pub(super) threads: Threads,
}

/// A trained model, and data to use it on.
#[derive(Debug, clap::Args)]
pub(super) struct OnData {
    /// Shipped model (see zoo list), run folder, or .safetensors file
    pub(super) run: PathBuf,
    /// Other data of the same shape [default: the training data]
    #[arg(long, value_name = "DATA")]
    pub(super) data: Option<String>,
    #[command(flatten)]
    pub(super) seed: Seed,
    #[command(flatten)]
    pub(super) threads: Threads,
}

/// Where to put several pictures.
#[derive(Debug, clap::Args)]
pub(super) struct OutFolder {
    /// Folder for the pictures [default: the run folder; of shipped weights, NAME-FILE in this folder]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl OutFolder {
    /// The place of one of the files, in the folder that was asked for, created if necessary, or with the model.
    pub(super) fn file(&self, run: &Path, name: &str) -> Result<PathBuf> {
        match &self.out {
            Some(folder) => {
                make_folder(folder)?;
                Ok(folder.join(name))
            }
            None => Ok(next_to(run, name)),
        }
    }
}

/// A file in the run folder, or next to the checkpoint file. With shipped weights, which have no folder, it is in the
/// present one, under their name.
pub(super) fn next_to(run: &Path, name: &str) -> PathBuf {
    match run.is_dir() {
        _ if shipped::named(run).is_some() => PathBuf::from(format!("{}-{name}", run.display())),
        true => run.join(name),
        false => run.with_file_name(name),
    }
}

/// Requires that the name of an output file ends in this extension.
pub(super) fn require_extension(path: Option<&Path>, extension: &str) -> Result<()> {
    match path {
        Some(path) if !path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension)) => {
            bail!("--out: {} must end in .{extension}", path.display())
        }
        _ => Ok(()),
    }
}

/// Parses N values with a separator between them.
pub(super) fn several<X: FromStr, const N: usize>(text: &str, separator: char) -> Option<[X; N]> {
    let values: Option<Vec<X>> = text.split(separator).map(|value| value.trim().parse().ok()).collect();
    values?.try_into().ok()
}

/// Parses a whole number of at least 1.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    whole(1..=usize::MAX)(text)
}

/// A number above 0.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err(format!("{text:?} is not a number above 0")),
    }
}

/// Saves pictures and prints a line about each.
pub(super) fn save_all(
    figures: Vec<Figure>,
    place: impl Fn(&str) -> Result<PathBuf>,
    out: &mut Output<'_>,
) -> Result<()> {
    for Figure { name, picture, caption } in figures {
        let path = place(name)?;
        picture.save_png(&path)?;
        writeln!(out, "{}: {caption}", path.display())?;
    }
    Ok(())
}
