//! How a training shows its progress: a bar on a terminal, plain lines elsewhere.

use crate::stderr;
use crate::text::one_line;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// The bar's length. Progress is a fraction of the budget.
const LENGTH: u64 = 10_000;
/// Between plain lines.
const PAUSE: Duration = Duration::from_secs(10);

pub(super) struct Progress {
    bar: Option<ProgressBar>,
    /// Of training losses, and of validation losses.
    units: [&'static str; 2],
    batch: usize,
    began: Instant,
    first: Option<(u64, f64)>,
    last_line: Instant,
    done: f64,
    rate: f64,
    smooth: Option<f64>,
}

impl Progress {
    pub(super) fn new(units: [&'static str; 2], batch: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(LENGTH), ProgressDrawTarget::stderr_with_hz(5));
            if let Ok(style) = ProgressStyle::with_template("{bar:28} {percent:>3}%  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        let (began, last_line) = (now, now);
        Self { bar, units, batch, began, first: None, last_line, done: 0.0, rate: 0.0, smooth: None }
    }

    /// After each step: the fraction of the budget used, the step, and its loss.
    pub(super) fn step(&mut self, done: f64, step: u64, loss: f64, best: Option<f64>) {
        let (first_step, first_done) = *self.first.get_or_insert((step - 1, self.done.min(done)));
        let seconds = self.began.elapsed().as_secs_f64();
        self.rate = (step - first_step) as f64 * self.batch as f64 / seconds.max(1e-9);
        self.done = done;
        let smooth = self.smooth.map_or(loss, |smooth| 0.98 * smooth + 0.02 * loss);
        self.smooth = Some(smooth);
        if let Some(bar) = &self.bar {
            let left = seconds * (1.0 - done).max(0.0) / (done - first_done).max(1e-9);
            let best = best.map_or_else(String::new, |best| format!(", validation {best:.3}"));
            bar.set_position((done.min(1.0) * LENGTH as f64) as u64);
            let (unit, rate, left) = (self.units[0], self.rate, clock(left));
            let state = format_args!("step {step}, {smooth:.3} {unit}{best}, {rate:.0} samples/s, {left} left");
            bar.set_message(one_line(state));
        }
    }

    /// Without a bar: a line now and then.
    pub(super) fn line(&mut self, step: u64, loss: f64) {
        if self.bar.is_none() && (self.last_line.elapsed() > PAUSE || step <= 50) {
            self.last_line = Instant::now();
            let (percent, unit, rate) = (100.0 * self.done.min(1.0), self.units[0], self.rate);
            stderr::print_line(format_args!("step {step:>6}  {percent:>3.0}%  {loss:.4} {unit}  {rate:.0} samples/s"));
        }
    }

    /// After each epoch.
    pub(super) fn epoch(&mut self, epoch: u64, validation: f64) {
        let line = one_line(format_args!("epoch {epoch:>4}  validation {validation:.4} {}", self.units[1]));
        match &self.bar {
            Some(bar) => bar.println(line),
            None => stderr::print_line(format_args!("{line}")),
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Seconds as minutes and seconds, or as hours and minutes.
fn clock(seconds: f64) -> String {
    let whole = seconds.min(359_999.0) as u64;
    match whole {
        0..3600 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}
