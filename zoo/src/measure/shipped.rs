//! The shipped weights with their figures, measured again, and as tables.

use super::figures::{FIRST, Figures, on_test_rows};
use super::score::{unit, with_error};
use crate::data::source::Source;
use crate::models::{About, Blueprint, MODELS, Model};
use crate::runs::checkpoint::{self, Header, Loaded};
use crate::runs::files::{self, write_atomically};
use crate::runs::place::Place;
use crate::runs::shipped;
use crate::text;
use crate::train::History;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// Figures, and what they are of. Of weights that are not shipped, it is all that is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// What commands call the weights, if they are shipped.
    pub name: String,
    pub header: Header,
    pub figures: Figures,
}

/// Shipped weights, as far as the beginning of their file tells.
#[derive(Debug)]
pub struct Entry {
    record: Record,
    place: Place,
}

impl Deref for Entry {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

/// All shipped weights in the order of the models, or why a file cannot be used.
pub fn all() -> Vec<Result<Entry>> {
    let mut all: Vec<Result<Entry>> = shipped::all().into_iter().map(|(name, place)| entry(name, place)).collect();
    let of = |entry: &Entry| MODELS.iter().position(|model| *model == entry.header.blueprint.kind);
    all.sort_by_key(|entry| entry.as_ref().ok().and_then(of));
    all
}

fn entry(name: String, place: Place) -> Result<Entry> {
    let (header, extra) = checkpoint::beginning(&place)?;
    let shown = place.path().display();
    let figures = Figures::of(&extra).with_context(|| format!("{shown} has no figures: write it with `zoo ship`"))?;
    Ok(Entry { record: Record { name, header, figures }, place })
}

impl Entry {
    /// The model and its test rows.
    fn open(&self) -> Result<(Model<f32>, Source)> {
        let Loaded { header, model } = checkpoint::load(&self.place)?;
        let source = Source::open(&header.data, header.seed)?.in_units_of(&model);
        let source = source.with_classes_of(header.blueprint.classes)?.with_track_of(header.blueprint.track())?;
        Ok((model, source))
    }

    /// The loss in the file, and the same loss measured again: on all test rows, or on the first [`FIRST`] of them.
    /// Fails if the weights are damaged, or it is interrupted.
    pub fn again(&self, only_first: bool) -> Result<[f64; 2]> {
        let (model, source) = self.open()?;
        let (stored, limit) = if only_first { (&self.figures.first, Some(FIRST)) } else { (&self.figures.test, None) };
        Ok([stored.loss(), on_test_rows(&model, &self.header.blueprint.space, &source, limit)?.loss()])
    }
}

/// The records in a folder, by name. There are none without a folder.
/// Fails if a file cannot be read.
pub fn records(folder: &Path) -> Result<Vec<Record>> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|ending| ending == "json")).collect();
    files.sort();
    let read = |file: &PathBuf| {
        let why = || format!("{} is not what `zoo ship --record` writes: record the run again", file.display());
        serde_json::from_slice(&files::read(file)?).with_context(why)
    };
    files.iter().map(read).collect()
}

impl Record {
    /// Writes it into a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = text::json(self)? + "\n";
        write_atomically(path, |file| file.write_all(text.as_bytes()))
    }

    /// The loss on the test rows, with its error and its unit.
    pub fn loss(&self) -> String {
        let (score, decimals) = (&self.figures.test, 4);
        let given = score.given();
        format!("{} {}{given}", with_error(score.loss(), score.loss_error(), decimals), self.unit())
    }

    /// The unit of the loss.
    pub fn unit(&self) -> &'static str {
        unit(&self.header.blueprint.space)
    }

    /// The published result for these data.
    fn published(&self) -> Option<f64> {
        let About { data, published, .. } = self.header.blueprint.kind.about();
        published.parse().ok().filter(|_| data == self.header.data && self.header.blueprint.classes == 0)
    }
}

/// The markers around the tables in a page.
pub const MARKERS: [&str; 2] = ["<!-- zoo results: begin -->", "<!-- zoo results: end -->"];

/// The tables of all shipped weights and of the records, in Markdown, a table for each kind of data.
/// Fails if a model is of other sizes than any.
pub fn tables(entries: &[Entry], records: &[Record]) -> Result<String> {
    let shipped: Vec<&Record> = entries.iter().map(|entry| &entry.record).collect();
    let mut text = String::new();
    if shipped.is_empty() {
        text += "No weights are shipped yet.\n\n";
    }
    let changed = |one: &&Record| (one.figures.test.loss() - one.figures.unrounded).abs();
    let changed = shipped.iter().map(changed).fold(0.0, f64::max);
    by_data(
        &mut text,
        &shipped,
        &format!("from weights rounded to 16 bits, which changed no figure by more than {changed:.5}"),
    )?;
    by_data(&mut text, &records.iter().collect::<Vec<_>>(), "from weights that are too large to ship")?;
    Ok(text)
}

fn by_data(text: &mut String, all: &[&Record], from: &str) -> Result<()> {
    let mut rest = all.to_vec();
    while let Some(first) = rest.first() {
        let data = first.header.data.clone();
        let (these, others): (Vec<&Record>, Vec<&Record>) = rest.into_iter().partition(|one| one.header.data == data);
        table(text, &data, &these, from)?;
        rest = others;
    }
    Ok(())
}

fn table(text: &mut String, data: &str, records: &[&Record], from: &str) -> Result<()> {
    let (n, unit) = (records[0].figures.test.n, records[0].unit());
    writeln!(
        text,
        "{data}: {n} test rows, {from}.\n\n\
         | model | {unit} | published | reached | parameters | rows seen | minutes | rows a second | after a tenth | \
         after a third | the judge is sure, % | trained on |\n\
         | --- | ---: | ---: | :---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
    )?;
    for record in records {
        let Record { name, figures, header } = record;
        let score = &figures.test;
        let (loss, published) = (with_error(score.loss(), score.loss_error(), 4), record.published());
        let reached = published.map(|published| if score.loss() < published + 0.005 { "✓" } else { "✗" });
        let history = figures.history.as_ref();
        let cell = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        let after = |i: usize| history.and_then(|history| history.curve[i]).map(|point| format!("{:.3}", point.loss));
        let given = score.given();
        let cells = [
            format!("`{name}`"),
            format!("{loss}{given}"),
            cell(published.map(|published| published.to_string())),
            reached.unwrap_or("–").to_owned(),
            parameters(&header.blueprint)?.to_string(),
            cell(history.map(|history| history.weights.images.to_string())),
            cell(history.map(|history| format!("{:.1}", history.weights.seconds / 60.0))),
            cell(history.map(|history| format!("{:.0}", history.images_per_second))),
            cell(after(0)),
            cell(after(1)),
            cell(figures.sure.map(|share| format!("{:.1}", 100.0 * share))),
            cell(history.and_then(machine)),
        ];
        writeln!(text, "| {} |", cells.join(" | "))?;
    }
    Ok(writeln!(text)?)
}

/// The machine of a training, and its threads.
fn machine(history: &History) -> Option<String> {
    let threads = history.threads.map_or_else(String::new, |n| format!(", {}", text::counted(n, "thread")));
    Some(history.machine.clone()? + &threads)
}

fn parameters(blueprint: &Blueprint) -> Result<usize> {
    let params = blueprint.outline(u64::MAX)?;
    Ok(params.iter().filter(|(_, param)| param.is_trainable()).map(|(_, param)| param.shape().elements()).sum())
}

/// A page with new tables between its markers.
/// Fails if it has no markers.
pub fn replaced(page: &str, tables: &str, path: &Path) -> Result<String> {
    let [begin, end] = MARKERS;
    let parts = page.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let (before, after) = parts.with_context(|| {
        format!("{} has no place for the tables: add the lines {begin} and {end} to it", path.display())
    })?;
    Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", tables.trim_end()))
}
