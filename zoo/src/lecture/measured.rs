//! The measurements of `zoo compare`, in sentences and as a table.

use super::agenda::Agenda;
use super::record::Record;
use super::trained;
use crate::measure::score::with_error;
use crate::models;
use anyhow::{Context as _, Result};
use maud::{Markup, html};
use serde_json::Value;
use std::path::Path;

/// The measurements of one run.
#[derive(Debug)]
pub(super) struct Measurements {
    /// Its name in [`trained::RUNS`].
    pub(super) name: &'static str,
    /// Its object in the output of `zoo compare --json`.
    values: Value,
}

/// Shown if there is no measurement.
const NOTHING: &str = "—";

impl Measurements {
    /// All measurements in a record, in the order of `zoo compare`.
    pub(super) fn all(agenda: &Agenda, record: &Record) -> Result<Vec<Self>> {
        let compare = agenda.tasks.iter().find(|task| task.words.first().is_some_and(|word| word == "compare"));
        let Some(done) = compare.and_then(|task| record.find(task)) else { return Ok(Vec::new()) };
        let all: Vec<Value> =
            serde_json::from_str(&done.output.join("\n")).context("the measurements in lecture.json are damaged")?;
        let named = |values: Value| {
            let run = values["run"].as_str().map(Path::new)?;
            let name = agenda.runs.iter().find(|(_, folder)| **folder == *run).map(|(name, _)| *name)?;
            Some(Self { name, values })
        };
        Ok(all.into_iter().filter_map(named).collect())
    }

    /// The number at a JSON pointer, if it was measured.
    fn number(&self, pointer: &str) -> Option<f64> {
        self.values.pointer(pointer)?.as_f64()
    }

    fn text(&self, key: &str) -> &str {
        self.values[key].as_str().unwrap_or_default()
    }

    /// The published result, if there is one for these data.
    fn published(&self) -> Option<&'static str> {
        let run = trained::find(self.name).filter(|run| run.data == "mnist")?;
        models::find(run.model).ok().map(|model| model.about().published).filter(|figure| *figure != "-")
    }

    fn loss(&self) -> Option<String> {
        Some(with_error(self.number("/loss")?, self.number("/loss_error"), 3))
    }

    fn parameters(&self) -> Option<String> {
        self.number("/parameters").map(grouped)
    }

    fn minutes(&self) -> Option<String> {
        self.number("/training/seconds").map(|seconds| format!("{:.1}", seconds / 60.0))
    }

    /// Milliseconds per row to three digits.
    fn milliseconds(&self, pointer: &str) -> Option<String> {
        let ms = self.number(pointer)?;
        let decimals = (2.0 - ms.log10().floor()).clamp(0.0, 6.0) as usize;
        Some(format!("{ms:.decimals$}"))
    }

    fn round_trip(&self, measure: &str) -> Option<String> {
        Some(format!("{:.1e}", self.number(&format!("/round_trip/{measure}"))?))
    }

    fn given(&self) -> &'static str {
        let is_given = self.values.pointer("/score/given_class").and_then(Value::as_bool) == Some(true);
        match self.number("/score/nats_per_step") {
            _ if !is_given => "",
            None => " given the class",
            Some(_) => " given the track",
        }
    }

    /// For an estimated density: the number of samples, and the ELBO in its unit.
    fn bound(&self) -> Option<String> {
        let draws = self.number("/score/draws").filter(|&draws| draws > 0.0)?;
        let elbo = self.number("/score/elbo_bits").or(self.number("/score/elbo_nats").map(|nats| -nats))?;
        Some(format!(" (estimated from {draws} samples of z per row; the ELBO gives {elbo:.3})"))
    }

    /// The measurements of a chapter's runs.
    pub(super) fn sentences(all: &[&Self]) -> Markup {
        html! {
            ul.numbers { @for one in all { li { (one.sentence()) } } }
        }
    }

    fn sentence(&self) -> String {
        let mut parts = Vec::new();
        if let Some(loss) = self.loss() {
            let (unit, rows) = (self.text("unit"), self.number("/score/n").unwrap_or(0.0));
            let published = self.published().map(|figure| format!(" (published: {figure})")).unwrap_or_default();
            let (given, bound) = (self.given(), self.bound().unwrap_or_default());
            parts.push(format!("{loss} {unit}{given} on {rows} test rows{published}{bound}"));
        }
        if let Some(nats) = self.number("/divergence/nats") {
            let divergence = with_error(nats, self.number("/divergence/nats_error"), 2);
            parts.push(format!("{divergence} nats from its teacher"));
        }
        parts.extend(self.parameters().map(|count| format!("{count} parameters")));
        if let (Some(minutes), Some(steps)) = (self.minutes(), self.number("/steps")) {
            parts.push(format!("{} steps in {minutes} minutes", grouped(steps)));
        }
        if let (Some(sample), Some(density)) = (self.milliseconds("/sample_ms"), self.milliseconds("/density_ms")) {
            parts.push(format!("{sample} ms per sample, {density} ms per density"));
        }
        parts.extend(self.round_trip("max_abs").map(|error| format!("round trip within {error}")));
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
            @for kind in kinds { (Self::table(kind, &of(kind))) }
        }
    }

    /// Runs are comparable if these are the same: data and unit.
    fn kind(&self) -> [&str; 2] {
        [self.text("data"), self.text("unit")]
    }

    fn table([data, unit]: [&str; 2], all: &[&Self]) -> Markup {
        let heads = ["model", unit, "published", "parameters", "training, min", "sample, ms", "density, ms"];
        let judged = all.iter().find_map(|one| one.number("/judged/samples/n"));
        html! {
            div.wide {
                table {
                    caption { "Test rows of " (data) ", f32" }
                    thead {
                        tr {
                            @for head in heads.into_iter().chain(["|x′ − x|, max", "rms"]) { th { (head) } }
                            @if judged.is_some() { @for head in JUDGED { th { (head) } } }
                        }
                    }
                    tbody {
                        @for one in all {
                            tr {
                                td { (one.name) }
                                @for cell in one.cells() { td { (cell.as_deref().unwrap_or(NOTHING)) } }
                                @if judged.is_some() {
                                    @for cell in one.judged("samples") { td { (cell.as_deref().unwrap_or(NOTHING)) } }
                                }
                            }
                        }
                    }
                }
            }
            @if let (Some(samples), Some(one)) = (judged, all.iter().find(|one| one.number("/judged/chance").is_some())) {
                p { (one.judgment(samples)) }
            }
            ul.notes {
                @for one in all {
                    @for note in one.values["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                        li { (one.name) ": " (note) "." }
                    }
                }
            }
        }
    }

    /// The cells of the table but for the name.
    fn cells(&self) -> [Option<String>; 8] {
        [
            self.loss().map(|loss| loss + self.given()),
            self.published().map(str::to_owned),
            self.parameters(),
            self.minutes(),
            self.milliseconds("/sample_ms"),
            self.milliseconds("/density_ms"),
            self.round_trip("max_abs"),
            self.round_trip("rms"),
        ]
    }
}

/// The heads of what the judge says.
const JUDGED: [&str; 3] = ["sure, %", "class distance", "Fréchet"];

impl Measurements {
    /// What the judge says about samples or about real images.
    fn judged(&self, which: &str) -> [Option<String>; 3] {
        let number = |key: &str| self.number(&format!("/judged/{which}/{key}"));
        [
            number("sure").map(|share| format!("{:.1}", 100.0 * share)),
            number("class_distance").map(|distance| format!("{distance:.3}")),
            number("frechet").map(|distance| format!("{distance:.2}")),
        ]
    }

    /// How to read what the judge says about this many samples.
    fn judgment(&self, samples: f64) -> String {
        let [sure, distance, frechet] = self.judged("real").map(|cell| cell.unwrap_or_else(|| NOTHING.to_owned()));
        format!(
            "A small classifier of digits judged {samples} samples of each model: how many it is sure of (p ≥ 0.9), the \
             total variation distance of their classes from those of the test images ({:.3} by chance), and the squared \
             Fréchet distance of its features. As many training images have {sure}%, {distance} and {frechet}.",
            self.number("/judged/chance").unwrap_or(0.0)
        )
    }
}

/// An integer with narrow spaces between groups of three digits.
fn grouped(number: f64) -> String {
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
