//! How good a density is: mean log-likelihood of held-out rows, with its standard error.

use crate::data::Space;
use crate::data::rows::{Given, Rows};
use autograd::{Real, Var};
use flows::layers::Dequantize;
use flows::{Bijection, Context, Flow, Mapped, Noise, bits_per_dim};
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;

/// Rows evaluated at a time. Signals are long, and networks keep many numbers for each of their steps.
const BATCH: usize = 500;
const SIGNALS: usize = 20;

/// What a score is the mean of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// `log p(x)` of data: more is better.
    #[default]
    LogLikelihood,
    /// `log s(x) − log t(x)` of what a student s drew, under it and its teacher t: less is better.
    Divergence,
    /// A bound below `log p(x)` of data, by one draw of z for each row: more is better.
    Bound,
}

/// What is known of a model with latents that must be integrated out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The mean ELBO in nats, by one draw of z for each row.
    pub elbo_nats: f64,
    /// Its standard error.
    pub elbo_error: f64,
    /// The same in bits per dimension, where the data are levels of pixels.
    #[serde(default)]
    pub elbo_bits: Option<f64>,
    /// Its standard error.
    #[serde(default)]
    pub elbo_bits_error: Option<f64>,
    /// The mean of `log p(x|z)` in nats.
    pub reconstruction: f64,
    /// The mean of `KL(q(z|x) ‖ p(z))` in nats.
    pub kl: f64,
    /// Draws of z for each row that log p(x) is estimated from; 0 where it is not.
    #[serde(default)]
    pub draws: usize,
}

/// A mean log-likelihood, or a divergence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What it is the mean of.
    #[serde(default)]
    pub measure: Measure,
    /// Rows.
    pub n: usize,
    /// The mean in nats; the log-likelihood of images is that of x in [0, 1].
    pub nats: f64,
    /// Its standard error.
    pub nats_error: f64,
    /// The median, which a few rows that are unlike all others do not move.
    #[serde(default)]
    pub median: f64,
    /// Rows whose density is no finite number: beyond what `f32` can hold. Then the mean is not, either.
    #[serde(default)]
    pub not_finite: usize,
    /// Images only: bits per dimension of the pixels' levels.
    pub bits_per_dim: Option<f64>,
    /// Its standard error.
    pub bits_error: Option<f64>,
    /// Images behind a logit only: the mean of `log p(y)` of `y = logit(λ + (1 − 2λ)·x)` in nats, which some
    /// papers quote.
    #[serde(default)]
    pub logit_nats: Option<f64>,
    /// Its standard error.
    #[serde(default)]
    pub logit_error: Option<f64>,
    /// Signals only: minus the mean of `log p(x)` in nats, or a divergence, for each step in time.
    #[serde(default)]
    pub nats_per_step: Option<f64>,
    /// Its standard error.
    #[serde(default)]
    pub step_error: Option<f64>,
    /// Whether the density is that of each row given its class.
    #[serde(default)]
    pub given_class: bool,
    /// Models with latents that must be integrated out only: the bound, and how the likelihood was estimated.
    #[serde(flatten)]
    pub bound: Option<Bound>,
}

impl Score {
    pub(crate) fn of(measure: Measure, values: &[f64], given_class: bool) -> Self {
        let (nats, nats_error) = mean(values);
        Self {
            measure,
            n: values.len(),
            nats,
            nats_error,
            median: median(values),
            not_finite: values.iter().filter(|value| !value.is_finite()).count(),
            bits_per_dim: None,
            bits_error: None,
            logit_nats: None,
            logit_error: None,
            nats_per_step: None,
            step_error: None,
            given_class,
            bound: None,
        }
    }

    /// The same in the unit of the space, too: bits per dimension of pixels' levels, or nats a time step.
    pub(crate) fn of_space(mut self, space: &Space) -> Self {
        let dims = space.dims() as f64;
        match space {
            Space::Images { .. } => {
                let bits = |levels| bits_per_dim(self.nats, space.dims(), f64::from(levels));
                self.bits_per_dim = space.levels().map(bits);
                self.bits_error = Some(self.nats_error / (dims * LN_2));
            }
            Space::Signal { .. } => {
                self.nats_per_step = Some(-self.nats / dims);
                self.step_error = Some(self.nats_error / dims);
            }
            Space::Table { .. } => {}
        }
        self
    }

    /// The Kullback-Leibler divergence of a student from its teacher, from `log s(x) − log t(x)` of samples.
    #[must_use]
    pub fn divergence(log_ratios: &[f64], space: &Space, given_class: bool) -> Self {
        let mut score = Self::of(Measure::Divergence, log_ratios, given_class);
        if let Space::Signal { samples, .. } = space {
            score.nats_per_step = Some(score.nats / *samples as f64);
            score.step_error = Some(score.nats_error / *samples as f64);
        }
        score
    }

    /// What training minimizes and pictures show: bits/dim for images, nats a time step for signals, else nats
    /// (negative mean); a divergence itself.
    #[must_use]
    pub fn loss(&self) -> f64 {
        match self.measure {
            Measure::LogLikelihood | Measure::Bound => self.bits_per_dim.or(self.nats_per_step).unwrap_or(-self.nats),
            Measure::Divergence => self.nats_per_step.unwrap_or(self.nats),
        }
    }

    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        if self.measure == Measure::Divergence {
            let each = match (self.nats_per_step, self.step_error) {
                (Some(nats), Some(error)) => format!(" ({nats:.4} ± {error:.4} nats a time step)"),
                _ => String::new(),
            };
            return format!("KL = {:.2} ± {:.2} nats{each}, N = {}", self.nats, self.nats_error, self.n);
        }
        let (given, p) = if self.given_class { (" given the class", "p(x | class)") } else { ("", "p(x)") };
        if self.not_finite > 0 {
            let (n, lost) = (self.n, self.not_finite);
            let median = match self.median {
                f64::MIN => "so is the median".to_owned(),
                median => format!("median {median:.2} nats"),
            };
            return format!("log {p} of {lost} of {n} rows is below what f32 can hold; {median}");
        }
        let logit = match (self.logit_nats, self.logit_error) {
            (Some(nats), Some(error)) => format!(" ({nats:.2} ± {error:.2} in logit space)"),
            _ => String::new(),
        };
        let what = if self.measure == Measure::Bound { "ELBO".to_owned() } else { format!("log {p}") };
        let nats = format!("{what} = {:.2} ± {:.2} nats{logit}, N = {}", self.nats, self.nats_error, self.n);
        let each = match (self.bits_per_dim, self.bits_error, self.nats_per_step, self.step_error) {
            (Some(bits), Some(error), ..) => format!("{bits:.4} ± {error:.4} bits/dim{given}, "),
            (_, _, Some(loss), Some(error)) => format!("{loss:.4} ± {error:.4} nats a time step{given}, "),
            _ => String::new(),
        };
        let bound = match self.bound {
            None => String::new(),
            Some(bound) if self.measure == Measure::Bound => format!(" ({})", bound.parts()),
            Some(bound) => format!(", {} draws of z a row; {}", bound.draws, bound.describe()),
        };
        each + &nats + &bound
    }
}

impl Bound {
    fn parts(&self) -> String {
        format!("reconstruction {:.2}, KL {:.2}", self.reconstruction, self.kl)
    }

    /// In words.
    fn describe(&self) -> String {
        let bits = match (self.elbo_bits, self.elbo_bits_error) {
            (Some(bits), Some(error)) => format!("{bits:.4} ± {error:.4} bits/dim, "),
            _ => String::new(),
        };
        format!("by the bound {bits}ELBO = {:.2} ± {:.2} nats ({})", self.elbo_nats, self.elbo_error, self.parts())
    }
}

/// The unit of [`Score::loss`].
#[must_use]
pub const fn unit(space: &Space) -> &'static str {
    match space {
        Space::Images { .. } => "bits/dim",
        Space::Table { .. } => "nats",
        Space::Signal { .. } => "nats a time step",
    }
}

/// Converts a loss in nats a row into the unit of [`Score::loss`]; images' nats are of levels.
#[must_use]
pub fn in_unit(space: &Space, nats: f64) -> f64 {
    match space {
        Space::Images { .. } => nats / (space.dims() as f64 * LN_2),
        Space::Table { .. } => nats,
        Space::Signal { samples, .. } => nats / *samples as f64,
    }
}

/// Rows as a flow takes them: pixels' levels as numbers in [0, 1], filled up by the context's noise; anything
/// else as it is.
#[must_use]
pub fn continuous<T: Real>(space: &Space, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    match space.levels() {
        None => x.clone(),
        Some(levels) => Dequantize::new(levels).to_latent(x, cx).value,
    }
}

/// Shows a flow a first batch, for parameters that start from data.
pub fn initialize(flow: &Flow<f32>, space: &Space, rows: &Given<f32>, cx: Context<'_, f32>) {
    let cx = rows.context(cx);
    flow.initialize(&continuous(space, &rows.x, cx), cx);
}

/// Takes a batch into the statistics that evaluation uses, after `seen` others.
pub fn calibrate(flow: &Flow<f32>, space: &Space, rows: &Given<f32>, cx: Context<'_, f32>, seen: u64) {
    let cx = rows.context(cx);
    flow.bijection().calibrate(&continuous(space, &rows.x, cx), cx, seen);
}

/// `−log p` averaged over a batch, in nats: of pixel levels for images, which noise dequantizes.
#[must_use]
pub fn loss(flow: &Flow<f32>, space: &Space, rows: &Given<f32>, cx: Context<'_, f32>) -> Var<f32> {
    let cx = rows.context(cx);
    match space.levels() {
        None => flow.loss(&rows.x, cx),
        Some(levels) => {
            let continuous = Dequantize::new(levels).to_latent(&rows.x, cx);
            -(flow.log_prob(&continuous.value, cx) + continuous.log_det).mean_all()
        }
    }
}

/// Evaluates a flow on rows as a [`crate::data::source::Source`] gives them, given their classes if it gives
/// those. Pixels are dequantized with fresh noise of this seed.
#[must_use]
pub fn score(flow: &Flow<f32>, space: &Space, rows: &Rows<f32>, seed: u64) -> Score {
    let count = rows.count();
    let core = flow.core();
    let (mut log_probs, mut behind) = (Vec::with_capacity(count), Vec::new());
    let batch = if matches!(space, Space::Signal { .. }) { SIGNALS } else { BATCH };
    for start in (0..count).step_by(batch) {
        let part = rows.range(start..(start + batch).min(count)).values();
        let x = continuous(space, &part.x, Context::evaluation(Noise::new(seed).from_row(start)));
        let cx = part.context(Context::default());
        let (y, log_det) = match flow.preprocessing() {
            None => (x, None),
            Some(layer) => {
                let Mapped { value, log_det } = layer.to_latent(&x, cx);
                (value, Some(log_det))
            }
        };
        let log_prob = core.log_prob(&y, cx);
        let whole = match log_det {
            None => log_prob,
            Some(log_det) => {
                behind.extend(log_prob.value().as_slice().iter().map(|&l| f64::from(l)));
                log_prob + log_det
            }
        };
        log_probs.extend(whole.value().as_slice().iter().map(|&l| f64::from(l)));
    }
    let mut score = Score::of(Measure::LogLikelihood, &log_probs, rows.classes().is_some()).of_space(space);
    if matches!(space, Space::Images { .. }) && !behind.is_empty() {
        (score.logit_nats, score.logit_error) = Some(mean(&behind)).unzip();
    }
    score
}

/// The mean and its standard error.
pub(crate) fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

/// The median; of values that are not finite it counts those as the least.
fn median(values: &[f64]) -> f64 {
    let low = |value: &f64| if value.is_finite() { *value } else { f64::NEG_INFINITY };
    let mut sorted: Vec<f64> = values.iter().map(low).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    // JSON has no infinities.
    middle.max(f64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::rows::one_hot;
    use crate::models::{Blueprint, Nice};
    use autograd::{Tensor, sharded};
    use flows::models::NiceConfig;
    use rand::SeedableRng;

    #[test]
    fn rows_whose_density_is_not_finite_are_counted_and_said() {
        let score = Score::of(Measure::LogLikelihood, &[-2.0, f64::NAN, -1.0, -4.0, -3.0], false);
        assert_eq!((score.not_finite, score.median), (1, -3.0));
        assert!(score.describe().starts_with("log p(x) of 1 of 5 rows is below"), "{}", score.describe());
        assert_eq!(Score::of(Measure::LogLikelihood, &[f64::NEG_INFINITY], false).median, f64::MIN);
        let score = Score::of(Measure::LogLikelihood, &[-2.0, -1.0, -9.0], false);
        assert_eq!((score.not_finite, score.median, score.nats), (0, -2.0, -4.0));
    }

    #[test]
    fn shards_of_a_batch_take_their_own_classes() {
        let space = Space::Images { channels: 1, height: 2, width: 3 };
        let config = NiceConfig { dims: 6, couplings: 3, hidden: 8, depth: 1, condition: 3 };
        let blueprint = Blueprint::new::<Nice>(&config, space, 3).unwrap();
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let flow = blueprint.flow::<f32>(&mut rng).unwrap();
        flows::check::randomize(&flow, 0.5, &mut rng);
        let levels = Tensor::from_fn([11, 6], |i| (i * 37 % 256) as f32);
        let classes = one_hot(&[2, 0, 1, 1, 2, 0, 0, 2, 1, 0, 2], 3);
        let rows = Rows::new(levels, Some(classes));
        let noise = Noise::new(5);
        let with = |shards: usize| {
            let evaluated = sharded(11, shards, |tape, range| {
                let cx = Context::training(noise.from_row(range.start));
                loss(&flow, &space, &rows.range(range).on(tape), cx)
            });
            in_unit(&space, evaluated.loss)
        };
        let whole = with(1);
        for shards in [2, 3, 11] {
            assert!((with(shards) - whole).abs() < 1e-4, "{shards} shards: {} and {whole}", with(shards));
        }
        // The same number by the other way to it, and another one under other classes.
        let scored = score(&flow, &space, &rows, 5);
        assert!((scored.loss() - whole).abs() < 1e-4, "{scored:?} and {whole}");
        let turned = Rows::new(rows.x().clone(), Some(one_hot(&[0; 11], 3)));
        assert!((score(&flow, &space, &turned, 5).loss() - whole).abs() > 1e-3);
    }

    #[test]
    fn signals_are_scored_by_the_step() {
        let space = Space::Signal { samples: 6, rate: 8000 };
        let config = NiceConfig { dims: 6, couplings: 3, hidden: 8, depth: 1, condition: 0 };
        let blueprint = Blueprint::new::<Nice>(&config, space, 0).unwrap();
        let flow = blueprint.flow::<f32>(&mut rand_chacha::ChaCha8Rng::seed_from_u64(1)).unwrap();
        let rows = Rows::plain(Tensor::from_fn([5, 6], |i| (i * 37 % 23) as f32 / 23.0));
        let scored = score(&flow, &space, &rows, 0);
        assert!((scored.loss() * 6.0 + scored.nats).abs() < 1e-9);
        let trained = in_unit(&space, loss(&flow, &space, &rows.values(), Context::default()).item().into());
        assert!((scored.loss() - trained).abs() < 1e-4, "{scored:?} and {trained}");
        let said = scored.describe();
        assert!(said.contains("nats a time step, log p(x) = ") && said.contains(" nats, N = 5"), "{said}");
        let mut damaged = blueprint;
        damaged.space = Space::Signal { samples: 6, rate: 0 };
        assert!(damaged.flow::<f32>(&mut rand_chacha::ChaCha8Rng::seed_from_u64(1)).is_err());
    }
}
