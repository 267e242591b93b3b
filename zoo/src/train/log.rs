//! The log of a training, JSON lines, and the curve drawn from it.

use super::prelude::*;
use crate::pictures::curve::{self, Labels, Series};
use crate::runs::files;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;

/// What a training writes for people to look at. Where it cannot, it says so once and goes on.
#[derive(Debug, Default)]
pub(super) struct Luxuries {
    /// What was warned of.
    missed: Vec<&'static str>,
}

impl Luxuries {
    /// Warns of the first failure of each kind.
    pub(super) fn attempt(&mut self, what: &'static str, result: Result<()>) {
        if let Err(error) = result
            && !self.missed.contains(&what)
        {
            self.missed.push(what);
            stderr::print_line(format_args!("warning: {error:#}; going on without {what}"));
        }
    }
}

/// One line. Losses are bits/dim for images, else nats.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    path: PathBuf,
    /// Lines up to this step are kept when the file is opened.
    step: u64,
    /// Whether this step will be evaluated again.
    again: bool,
    /// The file and its length, once it could be opened.
    open: Option<(File, u64)>,
}

impl Log {
    /// The log of a training that is at `step`, and will perhaps evaluate it again. Lines of what comes later, left by a
    /// killed training, are dropped: they will be written again.
    pub(super) fn of(run: &Run, step: u64, again: bool) -> Self {
        Self { path: run.log(), step, again, open: None }
    }

    fn keeps(&self, line: &Line) -> bool {
        line.step < self.step || (line.step == self.step && !(self.again && line.validation.is_some()))
    }

    /// Drops the lines of later steps now, even if no line is written.
    pub(super) fn start(&mut self) -> Result<()> {
        self.opened().map(drop)
    }

    fn opened(&mut self) -> Result<&mut (File, u64)> {
        let opened = match self.open.take() {
            Some(open) => open,
            None => {
                let path = &self.path;
                let kept = if is_there(path) { lines(path)? } else { Vec::new() };
                let kept: String = kept.iter().filter(|line| self.keeps(line)).map(text).collect();
                files::replace_atomically(path, |writer| writer.write_all(kept.as_bytes()))?;
                let file = OpenOptions::new().append(true).open(path);
                (file.map_err(|why| files::failure("write", path, &why))?, kept.len() as u64)
            }
        };
        Ok(self.open.insert(opened))
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<()> {
        let line = text(line);
        let (file, length) = self.opened()?;
        match file.write_all(line.as_bytes()) {
            Ok(()) => *length += line.len() as u64,
            Err(why) => {
                // No part of a line stays.
                let _ = file.set_len(*length);
                return Err(files::failure("write", &self.path, &why));
            }
        }
        Ok(())
    }
}

/// Refuses a run in a folder that has a log which this program did not write.
pub fn check_log(run: &Run) -> Result<()> {
    const START: &str = "{\"step\":";
    let target = std::fs::metadata(run.log());
    // What a link points to is not written to. A missing target, or a pipe, has no lines to lose.
    if !is_there(&run.log()) || target.is_ok_and(|found| !found.is_file()) || std::fs::read_link(run.log()).is_ok() {
        return Ok(());
    }
    let bytes = files::read(&run.log())?;
    // A line may be cut off, or filled with zeros by a power failure.
    let ours = |line: &str| {
        let line = line.trim_matches('\0');
        parsed(line).is_some() || START.starts_with(line) || (!line.ends_with('}') && line.starts_with(START))
    };
    if !String::from_utf8_lossy(&bytes).lines().all(ours) {
        let log = run.log();
        bail!("{} is not a log of this program: move it away, or choose another --out", log.display());
    }
    Ok(())
}

fn text(line: &Line) -> String {
    // Numbers and names always serialize.
    serde_json::to_string(line).map(|json| json + "\n").unwrap_or_default()
}

/// The lines of a log. A last line that is cut off is left out.
pub(super) fn lines(path: &Path) -> Result<Vec<Line>> {
    let bytes = files::read(path)?;
    Ok(String::from_utf8_lossy(&bytes).lines().filter_map(parsed).collect())
}

fn parsed(line: &str) -> Option<Line> {
    serde_json::from_str(line).ok()
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
    files::replace_link(&run.curve())?;
    curve::draw(&series, &labels)?.save(&run.curve())
}
