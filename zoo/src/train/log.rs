//! The log of a training, JSON lines, and the curve drawn from it.

use crate::measure::score::Bound;
use crate::pictures::curve::{self, Labels, Series};
use crate::runs::files;
use crate::runs::folder::Run;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// One line. Losses are bits/dim for images, else nats.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    step: u64,
    epoch: f64,
    seconds: f64,
    /// The mean over the training batches since the last such line.
    #[serde(skip_serializing_if = "Option::is_none")]
    train: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lr: Option<f64>,
    /// On validation rows, with the averaged weights if an average is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<f64>,
    /// The parts of a lower bound, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    reconstruction: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kl: Option<f64>,
    /// The file of the weights that the training started from, if they were not random.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
}

impl Line {
    pub(super) fn train(step: u64, epoch: f64, seconds: f64, loss: f64, lr: f64) -> Self {
        Self { train: Some(loss), lr: Some(lr), ..Self::at(step, epoch, seconds) }
    }

    pub(super) fn validation(step: u64, epoch: f64, seconds: f64, loss: f64) -> Self {
        Self { validation: Some(loss), ..Self::at(step, epoch, seconds) }
    }

    /// The start from some weights.
    pub(super) fn start(from: &str) -> Self {
        Self { from: Some(from.to_owned()), ..Self::at(0, 0.0, 0.0) }
    }

    fn at(step: u64, epoch: f64, seconds: f64) -> Self {
        Self {
            step,
            epoch,
            seconds,
            train: None,
            lr: None,
            validation: None,
            reconstruction: None,
            kl: None,
            from: None,
        }
    }

    /// Adds the parts of the bound, if the loss is one.
    pub(super) fn by(self, bound: Option<Bound>) -> Self {
        let (reconstruction, kl) = bound.map(|bound| (bound.reconstruction, bound.kl)).unzip();
        Self { reconstruction, kl, ..self }
    }
}

/// The time of a training, from its log.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Elapsed {
    /// Seconds of training, all sessions together.
    pub seconds: f64,
    /// The step they lead to; for a fitted model, the layer.
    pub step: u64,
}

/// The time that a run's training took to reach `step`, or to the end of its log if that has no line of this step. None
/// without a log.
#[must_use]
pub fn elapsed(run: &Run, step: u64) -> Option<Elapsed> {
    let lines: Vec<Line> = lines(&run.log()).ok()?.collect();
    let line = lines.iter().rfind(|line| line.step == step).or(lines.last())?;
    Some(Elapsed { seconds: line.seconds, step: line.step })
}

/// A log that is being written.
pub(super) struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Opens the log of a training that is at `step`. Lines of later steps, left by a killed training, are dropped: they
    /// will be written again.
    pub(super) fn open(path: &Path, step: u64) -> Result<Self> {
        if path.exists() {
            let kept: String = lines(path)?.filter(|line| line.step <= step).map(|line| text(&line)).collect();
            files::write_atomically(path, |writer| writer.write_all(kept.as_bytes()))?;
        }
        let why = || format!("cannot write {}: free some space or choose another --out", path.display());
        let file = OpenOptions::new().create(true).append(true).open(path).with_context(why)?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<()> {
        let why = || format!("cannot write {}: free some space, then continue with --resume", self.path.display());
        self.file.write_all(text(line).as_bytes()).with_context(why)
    }
}

fn text(line: &Line) -> String {
    // Numbers and names always serialize.
    serde_json::to_string(line).map(|json| json + "\n").unwrap_or_default()
}

/// The lines of a log. A last line that is cut off is left out.
fn lines(path: &Path) -> Result<impl Iterator<Item = Line> + use<>> {
    let bytes = files::read(path)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let parsed: Vec<Line> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(parsed.into_iter())
}

/// Draws the curve of a run's log.
pub(super) fn draw(run: &Run, model: &str, [unit, evaluated]: [&str; 2]) -> Result<()> {
    let lines: Vec<Line> = lines(&run.log())?.collect();
    let points = |loss: fn(&Line) -> Option<f64>| -> Vec<(f64, f64)> {
        lines.iter().filter_map(|line| Some((line.step as f64, loss(line)?))).collect()
    };
    let series = [
        Series {
            name: if unit == evaluated { "training".to_owned() } else { format!("training ({unit})") },
            points: points(|line| line.train),
            dashed: false,
        },
        Series { name: "validation".to_owned(), points: points(|line| line.validation), dashed: false },
    ];
    if series.iter().all(|series| series.points.iter().all(|(_, y)| !y.is_finite())) {
        return Ok(());
    }
    let labels = Labels {
        title: format!("{model}: loss"),
        x: "step".to_owned(),
        y: format!("loss ({evaluated})"),
        log_x: true,
        ..Labels::default()
    };
    curve::draw(&series, &labels)?.save(&run.curve())
}
