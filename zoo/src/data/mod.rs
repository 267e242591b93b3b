//! Data sets: images, tables, toy distributions, and signals. [`load`] finds them by name or path.
//!
//! A file may claim anything. So each reader checks the sizes that a header promises against the file itself before it
//! allocates memory, and reports a bad file in one line.

mod columns;
pub mod csv;
mod gzip;
pub mod idx;
mod images;
pub mod mnist;
pub mod npy;
pub mod rows;
pub mod source;
mod space;
pub mod speech;
mod split;
mod standardization;
mod table;
mod toys;
pub mod wav;

use anyhow::{Context as _, Result, bail};
use std::path::Path;

pub use images::Images;
pub use space::Space;
pub use speech::Speech;
use split::split;
pub use split::{Parts, permutation};
pub use standardization::Standardization;
pub use table::Table;
pub use toys::Toy;

/// A data set.
#[derive(Debug, Clone, PartialEq)]
pub enum Dataset {
    /// Images of 8 bits a channel.
    Images(Parts<Images>),
    /// Rows of numbers.
    Table(Parts<Table>),
    /// A distribution over the plane: unlimited samples.
    Toy(Toy),
    /// Synthetic speech: unlimited samples.
    Speech(Speech),
}

/// Before the path of a table: adds uniform noise to its columns, as wide as the smallest gap between their values.
const JITTER: &str = "jitter:";

/// How many training images are held out for validation, but at most a tenth of them.
const VALIDATION_IMAGES: usize = 5_000;

/// The name of the embedded images.
const MNIST: &str = "mnist";

/// Loads a data set by name or by path.
///
/// `mnist`, the toys' names and `speech` (or `speech:512`, for signals of 512 samples) take precedence over files; `./mnist`
/// is always a file. A path may be a folder with the four IDX files, a `.npy` (a table, or images of unsigned bytes), a
/// `.csv`, a `.csv.gz` or a `.tsv`. A folder has its own test images. Everything else is split in 80, 10 and 10 percent.
/// `jitter:` before the path of a table adds noise to its columns, so that discrete ones have a density.
pub fn load(name_or_path: &str) -> Result<Dataset> {
    if let Some(path) = name_or_path.strip_prefix(JITTER) {
        let Dataset::Table(mut parts) = load(path)? else {
            bail!("{path} is not a table, and only columns get noise: leave out {JITTER}");
        };
        columns::jitter(&mut parts);
        return Ok(Dataset::Table(parts));
    }
    if name_or_path.eq_ignore_ascii_case(MNIST) {
        let [train, test] = mnist::load()?;
        return with_test(train, test);
    }
    if let Some(toy) = Toy::of(name_or_path) {
        return Ok(Dataset::Toy(toy));
    }
    if let Some(speech) = Speech::of(name_or_path) {
        return speech.map(Dataset::Speech);
    }
    let path = Path::new(name_or_path);
    let lower = name_or_path.to_lowercase();
    let loaded = if path.is_dir() {
        let (train, test) = idx::read_folder(path)?;
        with_test(train, test)
    } else if lower.ends_with(".npy") {
        match npy::read(path)? {
            npy::Array::Table(table) => split_table(table),
            npy::Array::Images(all) => split(all.count, "images").map(|parts| Dataset::Images(all.split(&parts))),
        }
    } else if lower.ends_with(".csv") || lower.ends_with(".csv.gz") || lower.ends_with(".tsv") {
        split_table(csv::read(path)?)
    } else if path.exists() {
        bail!(
            "{name_or_path}: files of this kind are not supported; give a .npy, a .csv, a .csv.gz, a .tsv, or the folder that holds the IDX files"
        );
    } else {
        return Err(unknown(name_or_path));
    };
    loaded.with_context(|| name_or_path.to_owned())
}

/// Every name that [`load`] knows, without the toys' aliases.
pub fn names() -> Vec<&'static str> {
    let toys = Toy::ALL.into_iter().map(Toy::name);
    std::iter::once(MNIST).chain(toys).chain([Speech::NAME]).collect()
}

fn split_table(all: Table) -> Result<Dataset> {
    let (cols, parts) = (all.cols, split(all.rows, "rows")?);
    let table = |values: Vec<f64>| Table { rows: values.len() / cols, cols, values };
    Ok(Dataset::Table(parts.of(all.values, cols).map(table)))
}

/// Images that come with test images.
fn with_test(all: Images, test: Images) -> Result<Dataset> {
    if (all.channels, all.height, all.width) != (test.channels, test.height, test.width) {
        let [a, b] = [&all, &test].map(|i| format!("{}x{}x{}", i.channels, i.height, i.width));
        bail!("training images are {a} and test images {b}; put matching files into the folder");
    }
    split::require_enough(all.count, "training images")?;
    let held_out = VALIDATION_IMAGES.min(all.count / 10);
    let mut train = permutation(all.count, split::SEED);
    let validation = train.split_off(all.count - held_out);
    let parts = all.split(&Parts { train, validation, test: Vec::new() });
    Ok(Dataset::Images(Parts { test, ..parts }))
}

/// The error for an unknown name, with a similar name if there is one.
fn unknown(name: &str) -> anyhow::Error {
    let plain = name.trim().to_lowercase();
    let all = Toy::ALL.iter().flat_map(|toy| toy.names()).copied().chain([MNIST, Speech::NAME]);
    let nearest = all
        .map(|known| (strsim::jaro_winkler(&plain, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.8);
    let guess = nearest.map_or_else(|| "; choose".to_owned(), |(_, known)| format!("; did you mean {known:?}? Choose"));
    anyhow::anyhow!(
        "there is no data set called {:?}{guess} one of {}, or give the path of a folder of IDX files, a .npy or a .csv",
        shortened(name),
        names().join(", ")
    )
}

/// Text from a file or an option, shortened for a message.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
