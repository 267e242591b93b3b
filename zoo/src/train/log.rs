//! The log of a training, JSON lines, and the curve drawn from it.

use super::prelude::*;
use crate::pictures::curve::{self, Labels, Series};
use crate::runs::files;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;

/// One line. Losses are bits/dim for images, else nats.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) step: u64,
    pub(super) epoch: f64,
    pub(super) seconds: f64,
    /// The mean over the training batches since the last such line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) train: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lr: Option<f64>,
    /// On validation rows, with the averaged weights if an average is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) validation: Option<f64>,
    /// The parts of a lower bound, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reconstruction: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kl: Option<f64>,
    /// The file of the weights that the training started from, if they were not random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
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
pub fn elapsed(run: &Run, step: u64) -> Option<Elapsed> {
    let lines = lines(&run.log()).ok()?;
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
            let kept: String = lines(path)?.iter().filter(|line| line.step <= step).map(text).collect();
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
fn lines(path: &Path) -> Result<Vec<Line>> {
    let bytes = files::read(path)?;
    Ok(String::from_utf8_lossy(&bytes).lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// Draws the curve of a run's log.
pub(super) fn draw(run: &Run, model: &str, [unit, evaluated]: [&str; 2]) -> Result<()> {
    let lines = lines(&run.log())?;
    let points = |loss: fn(&Line) -> Option<f64>| -> Vec<(f64, f64)> {
        lines.iter().filter_map(|line| Some((line.step as f64, loss(line)?))).collect()
    };
    let training = if unit == evaluated { "training".to_owned() } else { format!("training ({unit})") };
    let series = [
        Series { name: training, points: points(|line| line.train), dashed: false },
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
