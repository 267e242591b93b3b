//! The measurements of `zoo compare`, in sentences and as a table.

use super::agenda::Agenda;
use super::record::Record;
use super::trained::{self, LectureRun};
use crate::recipes;
use anyhow::{Context as _, Result};
use maud::{Markup, html};
use serde::Deserialize;
use std::path::PathBuf;

/// The measurements of one run.
#[derive(Debug)]
pub(super) struct Measurements {
    /// Its name in [`trained::RUNS`].
    pub(super) name: &'static str,
    values: Values,
}

/// A run in the output of `zoo compare --json`.
#[derive(Debug, Deserialize)]
struct Values {
    run: PathBuf,
    data: String,
    unit: String,
    steps: u64,
    training: Option<Training>,
    loss: Option<f64>,
    loss_error: Option<f64>,
    score: Option<Rows>,
    divergence: Option<Divergence>,
    parameters: Option<usize>,
    sample_ms: Option<f64>,
    density_ms: Option<f64>,
    round_trip: Option<RoundTrip>,
    notes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Training {
    seconds: f64,
}

#[derive(Debug, Deserialize)]
struct Rows {
    n: usize,
    given_class: bool,
    /// Samples of z in the estimate of the density, if it is not exact.
    #[serde(default)]
    draws: Option<usize>,
    #[serde(default)]
    elbo_bits: Option<f64>,
    #[serde(default)]
    elbo_nats: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Divergence {
    nats: f64,
    nats_error: f64,
}

#[derive(Debug, Deserialize)]
struct RoundTrip {
    max_abs: f64,
    rms: f64,
}

/// Shown if there is no measurement.
const NOTHING: &str = "—";

impl Measurements {
    /// All measurements in a record, in the order of `zoo compare`.
    pub(super) fn all(agenda: &Agenda, record: &Record) -> Result<Vec<Self>> {
        let compare = agenda.tasks.iter().find(|task| task.words.first().is_some_and(|word| word == "compare"));
        let Some(done) = compare.and_then(|task| record.find(task)) else { return Ok(Vec::new()) };
        let all: Vec<Values> =
            serde_json::from_str(&done.output.join("\n")).context("the measurements in lecture.json are damaged")?;
        let named = |values: Values| {
            let name = agenda.runs.iter().find(|(_, folder)| **folder == values.run).map(|(name, _)| *name)?;
            Some(Self { name, values })
        };
        Ok(all.into_iter().filter_map(named).collect())
    }

    /// The published result, if there is one for these data.
    fn published(&self) -> Option<&'static str> {
        let run: &LectureRun = trained::find(self.name).filter(|run| run.data == "mnist")?;
        recipes::find(run.model()).ok().map(|entry| entry.published).filter(|figure| *figure != "-")
    }

    fn loss(&self) -> Option<String> {
        let decimals = 3;
        Some(format!("{:.decimals$} ± {:.decimals$}", self.values.loss?, self.values.loss_error?))
    }

    fn given_class(&self) -> bool {
        self.values.score.as_ref().is_some_and(|rows| rows.given_class)
    }

    /// For an estimated density: the number of samples, and the ELBO in its unit.
    fn bound(&self) -> Option<String> {
        let rows = self.values.score.as_ref()?;
        let (draws, bits, nats) = (rows.draws?, rows.elbo_bits, rows.elbo_nats.map(|nats| -nats));
        Some(format!("(estimated from {draws} samples of z per row; the ELBO gives {:.3})", bits.or(nats)?))
    }

    /// The measurements of a chapter's runs.
    pub(super) fn sentences(all: &[&Self]) -> Markup {
        html! {
            ul.numbers { @for one in all { li { (one.sentence()) } } }
        }
    }

    fn sentence(&self) -> String {
        let values = &self.values;
        let mut parts = Vec::new();
        if let Some(loss) = self.loss() {
            let rows = values.score.as_ref().map_or(0, |rows| rows.n);
            let given = if self.given_class() { " given the class" } else { "" };
            let published = self.published().map(|figure| format!(" (published: {figure})")).unwrap_or_default();
            let bound = self.bound().map(|bound| format!(" {bound}")).unwrap_or_default();
            parts.push(format!("{loss} {}{given} on {rows} test rows{published}{bound}", values.unit));
        }
        if let Some(Divergence { nats, nats_error }) = values.divergence {
            parts.push(format!("{nats:.2} ± {nats_error:.2} nats from its teacher"));
        }
        if let Some(count) = values.parameters {
            parts.push(format!("{} parameters", grouped(count)));
        }
        if let Some(Training { seconds }) = values.training {
            parts.push(format!(
                "{} steps in {:.1} minutes",
                grouped(usize::try_from(values.steps).unwrap_or(0)),
                seconds / 60.0
            ));
        }
        if let (Some(sample), Some(density)) = (values.sample_ms, values.density_ms) {
            parts.push(format!("{} ms per sample, {} ms per density", short(sample), short(density)));
        }
        if let Some(RoundTrip { max_abs, .. }) = values.round_trip {
            parts.push(format!("round trip within {max_abs:.1e}"));
        }
        format!("{}: {}.", self.name, parts.join("; "))
    }

    /// A table for each kind of data.
    pub(super) fn tables(all: &[Self]) -> Markup {
        let mut kinds: Vec<[&str; 2]> = Vec::new();
        for kind in all.iter().map(Self::kind) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let of = |kind| all.iter().filter(|one| one.kind() == kind).collect::<Vec<_>>();
        html! {
            @for kind in kinds { (Self::table(kind[0], &of(kind))) }
        }
    }

    /// Runs are comparable if these are the same: data and unit.
    fn kind(&self) -> [&str; 2] {
        [&self.values.data, &self.values.unit]
    }

    fn table(data: &str, all: &[&Self]) -> Markup {
        let unit = all.first().map_or("", |one| one.values.unit.as_str());
        let or = |cell: Option<String>| cell.unwrap_or_else(|| NOTHING.to_owned());
        html! {
            div.wide {
                table {
                    caption { "Test rows of " (data) ", f32" }
                    thead {
                        tr {
                            th { "model" } th { (unit) } th { "published" } th { "parameters" } th { "training, min" }
                            th { "sample, ms" } th { "density, ms" } th { "|x′ − x|, max" } th { "rms" }
                        }
                    }
                    tbody {
                        @for one in all {
                            @let values = &one.values;
                            tr {
                                td { (one.name) }
                                td { (or(one.loss())) @if one.given_class() && one.values.loss.is_some() { " given the class" } }
                                td { (one.published().unwrap_or(NOTHING)) }
                                td { (or(values.parameters.map(grouped))) }
                                td { (or(values.training.as_ref().map(|training| format!("{:.1}", training.seconds / 60.0)))) }
                                td { (or(values.sample_ms.map(short))) }
                                td { (or(values.density_ms.map(short))) }
                                td { (or(values.round_trip.as_ref().map(|trip| format!("{:.1e}", trip.max_abs)))) }
                                td { (or(values.round_trip.as_ref().map(|trip| format!("{:.1e}", trip.rms)))) }
                            }
                        }
                    }
                }
            }
            ul.notes {
                @for one in all {
                    @for note in &one.values.notes { li { (one.name) ": " (note) "." } }
                }
            }
        }
    }
}

/// A time to three digits.
fn short(ms: f64) -> String {
    let decimals = (2.0 - ms.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{ms:.decimals$}")
}

/// An integer with narrow spaces between groups of three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
