//! The shipped weights with their figures, measured again, and as tables.

use super::figures::{FIRST, Figures, on_test_rows};
use super::score::{unit, with_error};
use crate::data::source::Source;
use crate::models::{About, Blueprint, MODELS, Model};
use crate::runs::checkpoint::{self, Header, Loaded};
use crate::runs::place::Place;
use crate::runs::shipped;
use anyhow::{Context as _, Result};
use std::fmt::Write as _;
use std::path::Path;

/// Shipped weights, as far as the beginning of their file tells.
#[derive(Debug)]
pub struct Entry {
    /// What commands call them.
    pub name: String,
    pub header: Header,
    pub figures: Figures,
    place: Place,
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
    Ok(Entry { name, header, figures, place })
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

/// The tables of all shipped weights, in Markdown, a table for each kind of data.
/// Fails if a file cannot be used.
pub fn tables(entries: &[Entry]) -> Result<String> {
    if entries.is_empty() {
        return Ok("No weights are shipped yet.\n".to_owned());
    }
    let mut text = String::new();
    let mut kinds: Vec<&str> = Vec::new();
    for entry in entries {
        if !kinds.contains(&&*entry.header.data) {
            kinds.push(&entry.header.data);
        }
    }
    for data in kinds {
        let of: Vec<&Entry> = entries.iter().filter(|entry| entry.header.data == data).collect();
        table(&mut text, data, &of)?;
    }
    Ok(text)
}

fn table(text: &mut String, data: &str, entries: &[&Entry]) -> Result<()> {
    let (n, unit) = (entries[0].figures.test.n, entries[0].unit());
    let changed = entries.iter().map(|one| (one.figures.test.loss() - one.figures.unrounded).abs()).fold(0.0, f64::max);
    writeln!(
        text,
        "{data}: {n} test rows, {unit}; rounding to 16 bits changed no figure by more than {changed:.5}.\n\n\
         | model | {unit} | published | reached | parameters | rows seen | minutes | rows a second | after a tenth | \
         after a third | the judge is sure, % |\n\
         | --- | ---: | ---: | :---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    )?;
    for entry in entries {
        let Entry { name, figures, header, .. } = entry;
        let score = &figures.test;
        let (loss, published) = (with_error(score.loss(), score.loss_error(), 4), entry.published());
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
        ];
        writeln!(text, "| {} |", cells.join(" | "))?;
    }
    Ok(writeln!(text)?)
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
