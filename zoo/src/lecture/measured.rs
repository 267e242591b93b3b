//! What `zoo compare` measured of the lecture's models, in sentences and as a table.

use super::plan::Plan;
use super::record::Record;
use super::trained::{self, Wanted};
use crate::models;
use anyhow::{Context as _, Result};
use maud::{Markup, html};
use serde::Deserialize;
use std::path::PathBuf;

/// A trained model, and what was measured of it.
#[derive(Debug)]
pub(super) struct Measured {
    /// Its name in [`trained::RUNS`].
    pub(super) name: &'static str,
    found: Found,
}

/// What there is of it in the output of `zoo compare --json`.
#[derive(Debug, Deserialize)]
struct Found {
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
    /// Draws of z that the density is estimated from, where it is no exact one.
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

/// What stands where nothing was measured.
const NOTHING: &str = "—";

impl Measured {
    /// All that was measured for a plan, in the order of its models.
    pub(super) fn all(plan: &Plan, record: &Record) -> Result<Vec<Self>> {
        let comparing = plan.steps.iter().find(|step| step.words.first().is_some_and(|word| word == "compare"));
        let Some(done) = comparing.and_then(|step| record.find(step)) else { return Ok(Vec::new()) };
        let found: Vec<Found> =
            serde_json::from_str(&done.said.join("\n")).context("the measurements kept in lecture.json are damaged")?;
        let named = |found: Found| {
            let name = plan.runs.iter().find(|(_, folder)| **folder == found.run).map(|(name, _)| *name)?;
            Some(Self { name, found })
        };
        Ok(found.into_iter().filter_map(named).collect())
    }

    fn wanted(&self) -> Option<&'static Wanted> {
        trained::wanted(self.name)
    }

    /// The published figure, where there is one on these data.
    fn published(&self) -> Option<&'static str> {
        let wanted = self.wanted().filter(|wanted| wanted.data == "mnist")?;
        models::find(wanted.model()).ok().map(|model| model.about().published).filter(|figure| *figure != "-")
    }

    fn loss(&self) -> Option<String> {
        let decimals = 3;
        Some(format!("{:.decimals$} ± {:.decimals$}", self.found.loss?, self.found.loss_error?))
    }

    fn given_class(&self) -> bool {
        self.found.score.as_ref().is_some_and(|rows| rows.given_class)
    }

    /// Of an estimated density: what it is estimated from, and the bound in its unit.
    fn bound(&self) -> Option<String> {
        let rows = self.found.score.as_ref()?;
        let (draws, bits, nats) = (rows.draws?, rows.elbo_bits, rows.elbo_nats.map(|nats| -nats));
        Some(format!("(estimated from {draws} draws of z a row; the bound is {:.3})", bits.or(nats)?))
    }

    /// What a chapter says of its models.
    pub(super) fn sentences(all: &[&Self]) -> Markup {
        html! {
            ul.numbers { @for one in all { li { (one.sentence()) } } }
        }
    }

    fn sentence(&self) -> String {
        let found = &self.found;
        let mut parts = Vec::new();
        if let Some(loss) = self.loss() {
            let rows = found.score.as_ref().map_or(0, |rows| rows.n);
            let given = if self.given_class() { " given the class" } else { "" };
            let published = self.published().map(|figure| format!(" (published: {figure})")).unwrap_or_default();
            let bound = self.bound().map(|bound| format!(" {bound}")).unwrap_or_default();
            parts.push(format!("{loss} {}{given} on {rows} test rows{published}{bound}", found.unit));
        }
        if let Some(Divergence { nats, nats_error }) = found.divergence {
            parts.push(format!("{nats:.2} ± {nats_error:.2} nats from its teacher"));
        }
        if let Some(count) = found.parameters {
            parts.push(format!("{} parameters", grouped(count)));
        }
        if let Some(Training { seconds }) = found.training {
            parts.push(format!(
                "{} steps in {:.1} minutes",
                grouped(usize::try_from(found.steps).unwrap_or(0)),
                seconds / 60.0
            ));
        }
        if let (Some(sample), Some(density)) = (found.sample_ms, found.density_ms) {
            parts.push(format!("{} ms a sample, {} ms a density", short(sample), short(density)));
        }
        if let Some(RoundTrip { max_abs, .. }) = found.round_trip {
            parts.push(format!("there and back within {max_abs:.1e}"));
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

    /// What numbers that can stand beside each other have in common: data and unit.
    fn kind(&self) -> [&str; 2] {
        [&self.found.data, &self.found.unit]
    }

    fn table(data: &str, all: &[&Self]) -> Markup {
        let unit = all.first().map_or("", |one| one.found.unit.as_str());
        let or = |cell: Option<String>| cell.unwrap_or_else(|| NOTHING.to_owned());
        html! {
            div.wide {
                table {
                    caption { "Test rows of " (data) ", f32" }
                    thead {
                        tr {
                            th { "model" } th { (unit) } th { "published" } th { "parameters" } th { "training, min" }
                            th { "sample, ms" } th { "density, ms" } th { "|x′ − x|, greatest" } th { "rms" }
                        }
                    }
                    tbody {
                        @for one in all {
                            @let found = &one.found;
                            tr {
                                td { (one.name) }
                                td { (or(one.loss())) @if one.given_class() && one.found.loss.is_some() { " given the class" } }
                                td { (one.published().unwrap_or(NOTHING)) }
                                td { (or(found.parameters.map(grouped))) }
                                td { (or(found.training.as_ref().map(|training| format!("{:.1}", training.seconds / 60.0)))) }
                                td { (or(found.sample_ms.map(short))) }
                                td { (or(found.density_ms.map(short))) }
                                td { (or(found.round_trip.as_ref().map(|trip| format!("{:.1e}", trip.max_abs)))) }
                                td { (or(found.round_trip.as_ref().map(|trip| format!("{:.1e}", trip.rms)))) }
                            }
                        }
                    }
                }
            }
            ul.notes {
                @for one in all {
                    @for note in &one.found.notes { li { (one.name) ": " (note) "." } }
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

/// A whole number with a narrow space between thousands.
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
