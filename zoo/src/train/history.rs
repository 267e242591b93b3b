//! How weights were trained: what a run's files say, and what weights carry on when another training starts from them.

use super::prelude::*;
use crate::measure::figures::Figures;
use crate::runs::place::Place;
use serde::{Deserialize, Serialize};

/// What was spent on some weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Rows seen, each as often as it was seen; of a fitted model, the rows it was fitted to.
    pub images: u64,
    /// Seconds of training.
    pub seconds: f64,
}

/// How weights were trained, the trainings included that they started from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The score by which they were chosen.
    pub validation: Option<Score>,
    /// What was spent on them.
    pub weights: Spent,
    /// What was spent on the whole run, which may have gone on after them.
    pub run: Spent,
    /// Rows seen in a second, in the last training.
    pub images_per_second: f64,
    /// The threads it computed on.
    pub threads: Option<usize>,
    /// The machine that it ran on.
    #[serde(default)]
    pub machine: Option<String>,
    /// The validation loss after about a tenth and a third of the run, where the log has it.
    pub curve: [Option<Point>; 2],
}

/// A validation loss on the way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub images: u64,
    pub loss: f64,
}

/// The parts of a run that a [`History`] looks back at.
const SHARES: [f64; 2] = [0.1, 1.0 / 3.0];

/// How the weights of a run were trained, by its state and its log. None without a state.
pub fn history(run: &Run, header: &Header) -> Option<History> {
    let (_, extra) = checkpoint::beginning(run.training()).ok()?;
    let saved = Saved::read(&extra, &run.training()).ok()?;
    let lines = log::lines(&run.log()).unwrap_or_default();
    let (before, batch) = (saved.before.unwrap_or_default(), saved.recipe.batch as u64);
    let rows = |step: u64| if header.blueprint.is_fitted() { batch } else { step * batch };
    let seen = |step: u64| before.images + rows(step);
    let spent = |step: u64, seconds: f64| Spent { images: seen(step), seconds: before.seconds + seconds };
    let seconds = lines.iter().rfind(|line| line.step == header.step).map_or(saved.seconds, |line| line.seconds);
    let point = |share: f64| {
        let done = |step: u64| (before.images + step * batch) as f64;
        let due = share * done(saved.step);
        // The log of what the weights started from is elsewhere.
        let late = |line: &&Line| line.validation.is_some() && done(line.step) >= due;
        let line = lines.iter().find(late).filter(|_| done(0) <= due)?;
        Some(Point { images: seen(line.step), loss: line.validation? })
    };
    Some(History {
        validation: saved.best,
        weights: spent(header.step, seconds),
        run: spent(saved.step, saved.seconds),
        images_per_second: rows(saved.step) as f64 / saved.seconds.max(f64::MIN_POSITIVE),
        threads: saved.threads,
        machine: saved.machine,
        curve: SHARES.map(point),
    })
}

/// What was spent on weights that a training starts from, if their files say.
pub(super) fn spent_on(place: &Place, contents: &Contents) -> Option<Spent> {
    let shipped = Figures::of(&contents.extra).and_then(|figures| figures.history);
    let of_run = || history(&Run::at(place.path().parent()?), &contents.header);
    shipped.or_else(of_run).map(|history| history.weights)
}
