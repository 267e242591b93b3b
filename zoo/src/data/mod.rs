//! Everything a model can learn from, behind one door: [`load`].
//!
//! A data set is images, a table, or what never runs out: a toy distribution, or signals. Files come from
//! anywhere, so each reader here treats its input as a claim: sizes are checked against what is
//! really there before memory is taken, and a bad file ends in a [`DataError`] of one line.

pub mod csv;
mod error;
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
mod table;
mod toys;
pub mod wav;

use std::path::Path;

pub use error::DataError;
pub use images::Images;
pub use space::Space;
pub use speech::Speech;
pub use split::{Split, permutation};
pub use table::{Standardization, Table};
pub use toys::Toy;

/// Something to learn from, split into what is learned, what is watched and what is reported.
#[derive(Debug, Clone, PartialEq)]
pub enum Dataset {
    /// Images of 8 bits a channel.
    Images {
        /// Fitted to.
        train: Images,
        /// Held out of the training images; decides which weights are kept.
        validation: Images,
        /// Only reported on.
        test: Images,
    },
    /// Rows of numbers, standardized already.
    Table {
        /// Fitted to.
        train: Table,
        /// Decides which weights are kept.
        validation: Table,
        /// Only reported on.
        test: Table,
        /// What was done to the columns, measured on `train` alone.
        standardization: Standardization,
    },
    /// A distribution over the plane, drawn from as often as one likes.
    Toy(Toy),
    /// Signals, made as often as one likes.
    Speech(Speech),
}

/// How a data set is split and prepared. The defaults are meant to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// Decides the split. Two runs that should be compared must share it.
    pub seed: u64,
    /// How many training images are held out, though never more than a tenth of them.
    pub validation_images: usize,
    /// Whether tables are standardized.
    pub standardize: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { seed: 0, validation_images: 5_000, standardize: true }
    }
}

/// The name of the embedded images.
const MNIST: &str = "mnist";

/// Loads a data set by name or by path.
///
/// `mnist`, the toys' names and `speech` (or `speech:512`, in signals of 512 samples) come first, whatever files of that name lie around; `./mnist` is
/// always the file. A path may be a folder of the four IDX files, a `.npy` (tables, or images of
/// unsigned bytes), a `.csv` or a `.csv.gz`. A folder has test images of its own; everything else
/// is split in 80, 10 and 10 percent.
pub fn load(name_or_path: &str, options: &LoadOptions) -> Result<Dataset, DataError> {
    if name_or_path.eq_ignore_ascii_case(MNIST) {
        return images_with_test(Path::new(MNIST), &mnist::train()?, mnist::test()?, options);
    }
    if let Ok(toy) = name_or_path.parse() {
        return Ok(Dataset::Toy(toy));
    }
    if let Some(speech) = Speech::of(name_or_path) {
        return speech.map(Dataset::Speech);
    }
    let path = Path::new(name_or_path);
    if path.is_dir() {
        let (train, test) = idx::read_folder(path)?;
        return images_with_test(path, &train, test, options);
    }
    let lower = name_or_path.to_lowercase();
    if lower.ends_with(".npy") {
        return match npy::read(path)? {
            npy::Array::Table(table) => split_table(&table, options),
            npy::Array::Images(images) => split_images(&images, options),
        };
    }
    if lower.ends_with(".csv") || lower.ends_with(".csv.gz") || lower.ends_with(".tsv") {
        return split_table(&csv::read(path)?, options);
    }
    if path.exists() {
        let problem = "files of this kind are not supported";
        let remedy = "give a .npy, a .csv, a .csv.gz, or the folder that holds the IDX files";
        return Err(DataError::malformed(path, problem, remedy));
    }
    Err(unknown(name_or_path))
}

/// Every name that [`load`] knows, without the toys' second names.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let toys = Toy::ALL.into_iter().map(Toy::name);
    std::iter::once(MNIST).chain(toys).chain([Speech::NAME]).collect()
}

fn images_with_test(path: &Path, all: &Images, test: Images, options: &LoadOptions) -> Result<Dataset, DataError> {
    if (all.channels, all.height, all.width) != (test.channels, test.height, test.width) {
        let [a, b] = [all, &test].map(|i| format!("{}x{}x{}", i.channels, i.height, i.width));
        return Err(DataError::Malformed {
            path: path.to_owned(),
            problem: format!("training images are {a} and test images {b}"),
            remedy: "put files that belong together into the folder",
        });
    }
    if all.count < split::FEWEST {
        return Err(DataError::TooFew { what: "training images", found: all.count, needed: split::FEWEST });
    }
    // At least one, so that there is always something to watch.
    let held_out = options.validation_images.clamp(1, all.count / 10);
    let (train, validation) = all.hold_out(held_out, options.seed);
    Ok(Dataset::Images { train, validation, test })
}

fn split_images(all: &Images, options: &LoadOptions) -> Result<Dataset, DataError> {
    let split = Split::new(all.count, "images", options.seed)?;
    Ok(Dataset::Images {
        train: all.select(&split.train),
        validation: all.select(&split.validation),
        test: all.select(&split.test),
    })
}

fn split_table(all: &Table, options: &LoadOptions) -> Result<Dataset, DataError> {
    let [mut train, mut validation, mut test] = all.split(options.seed)?;
    let standardization =
        if options.standardize { Standardization::fit(&train)? } else { Standardization::identity(train.cols) };
    for part in [&mut train, &mut validation, &mut test] {
        standardization.apply(part);
    }
    Ok(Dataset::Table { train, validation, test, standardization })
}

/// The error for a name nobody knows, with the nearest one if it is near.
fn unknown(name: &str) -> DataError {
    let plain = name.trim().to_lowercase();
    let all = Toy::ALL.iter().flat_map(|toy| toy.names()).copied();
    let nearest = all
        .chain([MNIST, Speech::NAME])
        .map(|known| (strsim::jaro_winkler(&plain, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    DataError::Unknown {
        name: shortened(name),
        suggestion: nearest.filter(|(likeness, _)| *likeness > 0.8).map(|(_, known)| known.to_owned()),
        known: names().join(", "),
    }
}

/// Text from outside, cut so that a message stays a line.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
