//! The lecture as one page: what each chapter says, shows and needs, and how the page is written.
//!
//! A chapter is data ([`chapters`]): words, formulas, pictures, and the commands of this program that make the
//! pictures. [`plan`] finds out which commands are to be run, in which order; `zoo lecture` runs them and keeps a
//! [`record`] of what each said; [`page`] puts it all into one HTML file that needs no other.

#[cfg(test)]
mod browser;
pub mod chapters;
mod measured;
pub mod page;
pub mod plan;
pub mod record;
mod sources;
#[cfg(test)]
mod tests;
pub mod trained;

pub use chapters::CHAPTERS;

/// A part of the lecture.
#[derive(Debug)]
pub struct Chapter {
    /// Its name in links and in `--only`.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// The part of Stanford's CS236 that it stands beside.
    pub lecture: &'static str,
    /// The papers, with their years.
    pub papers: &'static [&'static str],
    /// What it says and shows, in this order.
    pub blocks: &'static [Block],
    /// The commands that make its pictures.
    pub commands: &'static [Making],
    /// The files that implement it, as paths from the repository's root.
    pub sources: &'static [&'static str],
}

/// Something on the page.
#[derive(Debug)]
pub enum Block {
    /// A paragraph.
    Text(&'static str),
    /// A formula, as a whole `<div>` of MathML.
    Formula(&'static str),
    /// A picture, with what it shows for those who cannot see it, and a caption.
    Picture {
        /// The file: see [`Making::command`] for `{…}`.
        file: &'static str,
        /// What there is to see.
        alt: &'static str,
        /// What to look for.
        caption: &'static str,
    },
    /// Something to listen to.
    Sound {
        /// The file, a WAV.
        file: &'static str,
        /// What it is.
        caption: &'static str,
    },
    /// What was measured of these trained models.
    Numbers(&'static [&'static str]),
    /// The table of all models that were measured, and its picture.
    Table,
}

/// A command that makes pictures.
#[derive(Debug)]
pub struct Making {
    /// The command without `zoo`, its words separated by spaces. `{figures}` stands for the folder that pictures go
    /// to, `{name}` for the run of that name in [`trained::RUNS`], and `{measured}` for all runs that are compared.
    pub command: &'static str,
    /// The files that it makes, in the same notation.
    pub makes: &'static [&'static str],
    /// A folder that it must find empty.
    pub fresh: Option<&'static str>,
    /// About how many minutes it takes.
    pub minutes: f64,
}
