//! What can be wrong with data: one line each, saying what, where, and what to do about it.

use std::path::{Path, PathBuf};

use crate::runs::files::FileError;

/// Why data could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file could not be read or written at all.
    #[error(transparent)]
    File(#[from] FileError),
    /// The name is no data set of ours and no path either.
    #[error("there is no data set called {name:?}{}; choose one of {known}, or give the path of a folder of IDX files, a .npy or a .csv", guess(suggestion.as_deref()))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The name that comes nearest to it, if any comes near.
        suggestion: Option<String>,
        /// All the names there are.
        known: String,
    },
    /// The file's bytes are not what its format demands.
    #[error("{}: {problem}; {remedy}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// One value in a file is not a finite number.
    #[error("{}: {place}: {problem}; {remedy}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// Where it is: of text the line and the column, counted from 1; of an array the row and the column, counted
        /// from 0, and that they are.
        place: String,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Too little data to learn from and to test on.
    #[error("{found} {what} are too few to split into training, validation and test; bring at least {needed}")]
    TooFew {
        /// Rows or images.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// A column that never changes has no density.
    #[error("column {column} is {value} in every training row, so no density over it is finite; leave that column out")]
    Constant {
        /// The column, counted from 1.
        column: usize,
        /// Its only value.
        value: f32,
    },
    /// No length for a signal.
    #[error("speech cannot come in signals of {length:?} samples; choose speech:{least} to speech:{most}")]
    Length {
        /// What was asked for.
        length: String,
        /// The shortest there is.
        least: usize,
        /// The longest.
        most: usize,
    },
    /// The dimensions do not multiply to the number of values.
    #[error("{values} values cannot be arranged as {shape}; pass as many values as the shape holds")]
    Shape {
        /// How many values there are.
        values: usize,
        /// The shape they were meant to have.
        shape: String,
    },
}

fn guess(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(", did you mean {name:?}?"))
}

impl DataError {
    pub(crate) fn malformed(path: &Path, problem: impl Into<String>, remedy: &'static str) -> Self {
        Self::Malformed { path: path.to_owned(), problem: problem.into(), remedy }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A message must be one line, long enough to help, and contain every one of `parts`.
    pub(crate) fn assert_message(error: &DataError, parts: &[&str]) {
        let message = error.to_string();
        assert!(!message.contains('\n'), "more than one line: {message}");
        for part in parts {
            assert!(message.contains(part), "no {part:?} in: {message}");
        }
    }

    #[test]
    fn a_guess_is_worded_as_a_question() {
        let mut error = DataError::Unknown {
            name: "mnits".into(),
            suggestion: Some("mnist".into()),
            known: "mnist, banana".into(),
        };
        assert_message(&error, &["\"mnits\", did you mean \"mnist\"?; choose one of"]);
        if let DataError::Unknown { suggestion, .. } = &mut error {
            *suggestion = None;
        }
        assert_message(&error, &["\"mnits\"; choose one of mnist, banana"]);
    }
}
