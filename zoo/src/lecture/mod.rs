//! The lecture as one page: what each chapter says and shows, and how the page is made.
//!
//! A chapter is a text file ([`chapters`]): paragraphs, formulas, pictures, and the commands that draw the pictures.
//! [`agenda`] lists the commands to run, in order. `zoo lecture` runs them and keeps a [`record`] of their output.
//! [`page`] writes everything into one HTML file.

pub mod agenda;
#[cfg(test)]
mod browser;
pub mod chapters;
mod measured;
pub mod page;
pub mod record;
mod sources;
#[cfg(test)]
mod tests;
pub mod trained;

pub use chapters::CHAPTERS;

/// A part of the lecture.
///
/// In commands and in the names of files, `{figures}` is the folder of the pictures, `{NAME}` the run of that name in
/// [`trained::RUNS`], and `{measured}` all runs that are compared.
#[derive(Debug)]
pub struct Chapter {
    /// Its name in links and in `--only`.
    pub id: String,
    pub title: &'static str,
    /// The lectures of Stanford's CS236 that it follows.
    pub lecture: String,
    /// The papers, with their years.
    pub papers: Vec<String>,
    /// Its contents, in order.
    pub blocks: Vec<Block>,
    /// The source files that implement it, as paths from the repository's root.
    pub sources: Vec<String>,
}

/// A piece of a chapter.
#[derive(Debug)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A formula, as a `<div>` of MathML.
    Formula(&'static str),
    /// A picture.
    Picture {
        file: String,
        /// The command that draws it, without `zoo`; empty for the curve of a training run.
        command: String,
        /// What it shows, for readers who cannot see it.
        alt: String,
        /// What to look for.
        caption: String,
    },
    /// A sound.
    Sound {
        file: String,
        /// The command that makes it.
        command: String,
        /// What it is.
        caption: String,
    },
    /// The measurements of these runs.
    Measured(Vec<String>),
    /// The table of all measured runs.
    Table,
}

impl Block {
    /// The file that it shows, and the command that makes the file.
    pub fn file(&self) -> Option<[&str; 2]> {
        match self {
            Self::Picture { file, command, .. } | Self::Sound { file, command, .. } => Some([file, command]),
            _ => None,
        }
    }
}
