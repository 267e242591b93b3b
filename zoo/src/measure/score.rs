//! How good a density is: the mean log-likelihood of held-out rows, with its standard error.

use crate::data::Space;
use crate::data::rows::{Given, Rows};
use crate::runs::interrupt;
use anyhow::Result;
use autograd::{Real, Var};
use flows::{Context, Flow, Mapped, Noise, bits_per_dim, rows_per_batch};
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;
use std::ops::Range;

/// Signals per batch, and their values in all: networks store many activations for each of their steps.
const SIGNALS: usize = 20;
const SIGNAL_VALUES: usize = 20 * 2048;

/// Rows per batch: as many as the memory of an evaluation does not grow with.
pub fn batch(space: &Space) -> usize {
    match space {
        Space::Signal { samples, .. } => (SIGNAL_VALUES / samples.max(&1)).clamp(1, SIGNALS),
        Space::Images { .. } | Space::Table { .. } => rows_per_batch(space.dims()),
    }
}

/// What a score is the mean of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// `log p(x)` of data: higher is better.
    #[default]
    LogLikelihood,
    /// `log s(x) − log t(x)` of samples of a student s with the teacher t: lower is better.
    Divergence,
    /// `log t(x) − log s(x)` of samples of the teacher: lower is better.
    ForwardDivergence,
    /// A lower bound on `log p(x)` of data, from one z per row: higher is better.
    Bound,
}

/// The bound of a model whose latents must be integrated out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The mean ELBO in nats, from one z per row.
    pub elbo_nats: f64,
    pub elbo_error: Option<f64>,
    /// The ELBO in bits per dimension, of pixel levels.
    pub elbo_bits: Option<f64>,
    pub elbo_bits_error: Option<f64>,
    /// The mean of `log p(x|z)` in nats.
    pub reconstruction: f64,
    /// The mean of `KL(q(z|x) ‖ p(z))` in nats.
    pub kl: f64,
    /// Samples of z per row for the estimate of log p(x); 0 without an estimate.
    pub draws: usize,
}

/// A mean log-likelihood, bound or divergence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub measure: Measure,
    /// Number of rows.
    pub n: usize,
    /// The mean in nats; of images, the log-likelihood of x in [0, 1].
    pub nats: f64,
    /// The standard error. None of a single row, which has none.
    pub nats_error: Option<f64>,
    /// The median, which is robust against outliers.
    pub median: f64,
    /// The lowest value of all rows.
    #[serde(default)]
    pub lowest: f64,
    /// Number of rows whose density is not a finite `f32`. If there are any, the mean is not finite either.
    pub not_finite: usize,
    /// Images only: bits per dimension of the pixel levels.
    pub bits_per_dim: Option<f64>,
    pub bits_error: Option<f64>,
    /// Images with a logit only: the mean of `log p(y)` of `y = logit(λ + (1 − 2λ)·x)` in nats, as in some papers.
    pub logit_nats: Option<f64>,
    pub logit_error: Option<f64>,
    /// Signals only: minus the mean of `log p(x)`, or the divergence, in nats per time step.
    pub nats_per_step: Option<f64>,
    pub step_error: Option<f64>,
    /// Whether the density is conditional on each row's class or, of signals, on its track.
    pub given_class: bool,
    /// The bound, of models whose latents must be integrated out.
    #[serde(flatten)]
    pub bound: Option<Bound>,
}

impl Score {
    /// The mean of these values, in nats.
    pub(crate) fn of(measure: Measure, values: &[f64], given_class: bool) -> Self {
        let (nats, nats_error) = mean(values);
        let not_finite = values.iter().filter(|value| !value.is_finite()).count();
        let [lowest, median] = lowest_and_median(values);
        Self { measure, n: values.len(), nats, nats_error, median, lowest, not_finite, given_class, ..Self::default() }
    }

    /// Adds the unit of the space: bits per dimension of pixel levels, or nats per time step.
    pub(crate) fn of_space(mut self, space: &Space) -> Self {
        let dims = space.dims() as f64;
        let divergence = self.is_divergence();
        match space {
            Space::Images { .. } if !divergence => {
                let bits = |levels| bits_per_dim(self.nats, space.dims(), f64::from(levels));
                self.bits_per_dim = space.levels().map(bits);
                self.bits_error = self.nats_error.map(|error| error / (dims * LN_2));
            }
            Space::Signal { .. } => {
                self.nats_per_step = Some(if divergence { self.nats } else { -self.nats } / dims);
                self.step_error = self.nats_error.map(|error| error / dims);
            }
            Space::Images { .. } | Space::Table { .. } => {}
        }
        self
    }

    /// The Kullback–Leibler divergence of a student from its teacher, from `log s(x) − log t(x)` of samples.
    pub fn divergence(log_ratios: &[f64], space: &Space, given_class: bool) -> Self {
        Self::of(Measure::Divergence, log_ratios, given_class).of_space(space)
    }

    /// The divergence in the other direction, from `log t(x) − log s(x)` of samples of the teacher.
    pub fn forward_divergence(log_ratios: &[f64], space: &Space, given_class: bool) -> Self {
        Self::of(Measure::ForwardDivergence, log_ratios, given_class).of_space(space)
    }

    const fn is_divergence(&self) -> bool {
        matches!(self.measure, Measure::Divergence | Measure::ForwardDivergence)
    }

    /// What training minimizes and plots show: bits/dim for images, nats per time step for signals, else the negative
    /// mean in nats; or the divergence itself.
    pub fn loss(&self) -> f64 {
        let nats = if self.is_divergence() { self.nats } else { -self.nats };
        self.bits_per_dim.or(self.nats_per_step).unwrap_or(nats)
    }

    /// The standard error of [`Score::loss`].
    pub fn loss_error(&self) -> Option<f64> {
        self.bits_error.or(self.step_error).or(self.nats_error)
    }

    /// What the density is conditional on, in words; empty if on nothing.
    pub fn given(&self) -> &'static str {
        match (self.given_class, self.nats_per_step) {
            (false, _) => "",
            (true, None) => " given the class",
            (true, Some(_)) => " given the track",
        }
    }

    /// The score in words.
    pub fn describe(&self) -> String {
        let (n, nats) = (self.n, with_error(self.nats, self.nats_error, 2));
        let one = if n == 1 { ", too few for a standard error" } else { "" };
        let step = |nats| format!("{} nats a time step", with_error(nats, self.step_error, 4));
        if self.is_divergence() {
            let each = or_empty(self.nats_per_step, |nats| format!(" ({})", step(nats)));
            let forward = self.measure == Measure::ForwardDivergence;
            let of = if forward { "teacher ‖ student" } else { "student ‖ teacher" };
            return format!("KL({of}) = {nats} nats{each}, N = {n}{one}");
        }
        let given = self.given();
        let p = match given.rsplit(' ').next() {
            Some("") | None => "p(x)".to_owned(),
            Some(what) => format!("p(x | {what})"),
        };
        if self.not_finite > 0 {
            let median = match self.median {
                f64::MIN => "so is the median".to_owned(),
                median => format!("median {median:.2} nats"),
            };
            return format!("log {p} of {} of {n} rows is below what f32 can hold; {median}", self.not_finite);
        }
        let logit = |nats| format!(" ({} in logit space)", with_error(nats, self.logit_error, 2));
        let logit = or_empty(self.logit_nats, logit);
        let bits = |bits| format!("{} bits/dim{given}, ", with_error(bits, self.bits_error, 4));
        let bits = or_empty(self.bits_per_dim, bits);
        let step = or_empty(self.nats_per_step, |nats| format!("{}{given}, ", step(nats)));
        let what = if self.measure == Measure::Bound { "ELBO".to_owned() } else { format!("log {p}") };
        let bound = or_empty(self.bound, |bound| match self.measure {
            Measure::Bound => format!(" ({})", bound.terms()),
            _ => format!(", {} draws of z a row; {}", bound.draws, bound.describe()),
        });
        format!("{bits}{step}{what} = {nats} nats{logit}, N = {n}{one}{bound}")
    }
}

impl Bound {
    fn terms(&self) -> String {
        format!("reconstruction {:.2}, KL {:.2}", self.reconstruction, self.kl)
    }

    fn describe(&self) -> String {
        let bits = |bits| format!("{} bits/dim, ", with_error(bits, self.elbo_bits_error, 4));
        let bits = or_empty(self.elbo_bits, bits);
        let elbo = with_error(self.elbo_nats, self.elbo_error, 2);
        format!("by the bound {bits}ELBO = {elbo} nats ({})", self.terms())
    }
}

/// A mean, and its standard error if it has one.
pub(crate) fn with_error(mean: f64, error: Option<f64>, decimals: usize) -> String {
    match error {
        Some(error) => format!("{mean:.decimals$} ± {error:.decimals$}"),
        None => format!("{mean:.decimals$}"),
    }
}

/// The text for a value, or nothing.
fn or_empty<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(String::new, text)
}

/// The unit of [`Score::loss`].
pub const fn unit(space: &Space) -> &'static str {
    match space {
        Space::Images { .. } => "bits/dim",
        Space::Table { .. } => "nats",
        Space::Signal { .. } => "nats a time step",
    }
}

/// Converts a loss in nats per row into the unit of [`Score::loss`]. Of images, it is the loss of pixel levels.
pub fn in_unit(space: &Space, nats: f64) -> f64 {
    match space {
        Space::Images { .. } => nats / (space.dims() as f64 * LN_2),
        Space::Table { .. } => nats,
        Space::Signal { samples, .. } => nats / *samples as f64,
    }
}

/// Rows as a flow takes them: pixel levels are dequantized to [0, 1] with the context's noise, uniform or learned. Other
/// rows stay as they are.
pub fn continuous<T: Real>(flow: &Flow<T>, space: &Space, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    dequantized(flow, space, x, cx).value
}

/// The same with `−log q` of the noise, which is 0 if the noise is uniform, or if there is none.
fn dequantized<T: Real>(flow: &Flow<T>, space: &Space, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
    match space.levels() {
        None => Mapped::volume_preserving(x.clone()),
        Some(levels) => flow.dequantize(levels, x, cx),
    }
}

/// Rows as the part of a flow behind its preprocessing takes them, with the preprocessing's log-determinant.
pub fn preprocessed(flow: &Flow<f32>, space: &Space, x: &Var<f32>, cx: Context<'_, f32>) -> Mapped<f32> {
    let x = continuous(flow, space, x, cx);
    match flow.preprocessing() {
        None => Mapped::volume_preserving(x),
        Some(layer) => layer.to_latent(&x, Context::default()),
    }
}

/// Initializes the parameters that depend on data, from a first batch.
pub fn initialize(flow: &Flow<f32>, space: &Space, rows: &Given<f32>, cx: Context<'_, f32>) {
    let cx = rows.context(cx);
    flow.initialize(&continuous(flow, space, &rows.x, cx), cx);
}

/// Adds a batch to the statistics that evaluation uses, after `seen` other batches.
pub fn calibrate(flow: &Flow<f32>, space: &Space, rows: &Given<f32>, cx: Context<'_, f32>, seen: u64) {
    let cx = rows.context(cx);
    flow.bijection().calibrate(&continuous(flow, space, &rows.x, cx), cx, seen);
}

/// The mean of `−log p` over a batch, in nats. Of images, it is that of the pixel levels, dequantized with noise: with
/// learned noise, the mean of `−log p + log q`.
pub fn loss(flow: &Flow<f32>, space: &Space, rows: &Given<f32>, cx: Context<'_, f32>) -> Var<f32> {
    let cx = rows.context(cx);
    match space.levels() {
        None => flow.loss(&rows.x, cx),
        Some(levels) => {
            let Mapped { value, log_det } = flow.dequantize(levels, &rows.x, cx);
            let of_levels = space.dims() as f64 * f64::from(levels).ln();
            (-(flow.log_prob(&value, cx) + log_det).mean_all()).shift(of_levels)
        }
    }
}

/// Evaluates a flow on rows of a [`crate::data::source::Source`], given their classes if they have any. The seed decides
/// the noise that dequantizes pixels. Fails only if it is interrupted.
pub fn score(flow: &Flow<f32>, space: &Space, rows: &Rows<f32>, seed: u64) -> Result<Score> {
    Ok(log_probs(flow, space, rows, Noise::new(seed))?.score(space, rows))
}

/// The log-densities of all rows, with this noise. Fails only if it is interrupted.
pub(super) fn log_probs(flow: &Flow<f32>, space: &Space, rows: &Rows<f32>, noise: Noise) -> Result<LogProbs> {
    let count = rows.count();
    let mut found = LogProbs::default();
    for start in (0..count).step_by(batch(space)) {
        interrupt::check()?;
        found.add(flow, space, rows, start..(start + batch(space)).min(count), noise);
    }
    Ok(found)
}

/// The same for the first rows alone, as many as are evaluated at once: for what cannot wait and is not interrupted.
pub fn score_of_first(flow: &Flow<f32>, space: &Space, rows: &Rows<f32>, seed: u64) -> Score {
    let mut found = LogProbs::default();
    found.add(flow, space, rows, 0..batch(space).min(rows.count()), Noise::new(seed));
    found.score(space, rows)
}

/// Log-densities in nats: of the data and, behind a preprocessing, of what it gives. With a logit the two differ. From
/// both, `log q` of learned noise is subtracted.
#[derive(Default)]
pub(super) struct LogProbs {
    pub(super) outer: Vec<f64>,
    inner: Vec<f64>,
}

impl LogProbs {
    fn add(&mut self, flow: &Flow<f32>, space: &Space, rows: &Rows<f32>, range: Range<usize>, noise: Noise) {
        let nats = |log_prob: &Var<f32>| log_prob.value().as_slice().iter().map(|&l| f64::from(l)).collect::<Vec<_>>();
        let (core, noise) = (flow.core(), noise.from_row(range.start));
        let part = rows.range(range).values();
        let Mapped { value: x, log_det } = dequantized(flow, space, &part.x, Context::evaluation(noise));
        let above_q =
            |log_probs: Vec<f64>| log_probs.into_iter().zip(nats(&log_det)).map(|(log_p, log_det)| log_p + log_det);
        let cx = part.context(Context::default());
        match flow.preprocessing() {
            None => self.outer.extend(above_q(nats(&core.log_prob(&x, cx)))),
            Some(layer) => {
                let Mapped { value, log_det } = layer.to_latent(&x, cx);
                // Added in f64: the log-determinant of many tiny columns is large.
                let log_prob: Vec<f64> = above_q(nats(&core.log_prob(&value, cx))).collect();
                self.outer.extend(log_prob.iter().zip(nats(&log_det)).map(|(log_prob, log_det)| log_prob + log_det));
                self.inner.extend(log_prob);
            }
        }
    }

    fn score(&self, space: &Space, rows: &Rows<f32>) -> Score {
        let given_class = rows.condition().is_some();
        let mut score = Score::of(Measure::LogLikelihood, &self.outer, given_class).of_space(space);
        if matches!(space, Space::Images { .. }) && !self.inner.is_empty() {
            let (nats, error) = mean(&self.inner);
            (score.logit_nats, score.logit_error) = (Some(nats), error);
        }
        score
    }
}

/// The mean and its standard error, which a single value does not have.
pub(crate) fn mean(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|l| (l - mean).powi(2)).sum::<f64>();
    (mean, (n > 1.0).then(|| (squares / (n - 1.0) / n).sqrt()))
}

/// The lowest value and the median. Values that are not finite count as the lowest.
fn lowest_and_median(values: &[f64]) -> [f64; 2] {
    let low = |value: &f64| if value.is_finite() { *value } else { f64::NEG_INFINITY };
    let mut sorted: Vec<f64> = values.iter().map(low).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    // JSON has no infinities.
    [at(0), at(sorted.len() / 2)].map(|value| value.max(f64::MIN))
}

#[cfg(test)]
mod tests;
