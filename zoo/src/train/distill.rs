//! Distillation: a student learns a teacher's density from the student's own samples, without data.

use super::prelude::*;
use crate::data::rows::one_hot;
use crate::measure::score::batch;
use flows::distillation::{freeze, log_ratio, softened};
use rand::RngExt;
use rand_distr::StandardNormal;

/// Steps between two evaluations.
const EPOCH: u64 = 500;
/// Log-ratios above this, in nats a dimension and in all, count by their logarithm: see [`softened`].
const NATS_PER_DIMENSION: f64 = 2.0;
const LEAST_NATS: f64 = 20.0;
/// The most samples in a step.
const LARGEST: usize = 1 << 16;
/// The student's samples in an evaluation. Signals are long.
const EVALUATED: usize = 2_000;
const EVALUATED_SIGNALS: usize = 100;
/// The student is initialized with independent values of the teacher's widths times this factor: at full width the
/// teacher would find them very unlikely.
const NARROWER: f64 = 0.1;
/// The teacher's samples that those widths are estimated from.
const FIRST: usize = 500;

/// `KL(student‖teacher) = E[log s(x) − log t(x)]` over the student's samples x, after the preprocessing that the two
/// share.
pub(super) struct ReverseKl {
    /// Its parameters are frozen.
    teacher: Flow<f32>,
    space: Space,
    batch: usize,
    seed: u64,
}

/// Latents, and random classes for them if the models are conditional.
pub(super) type Latents = (Tensor<f32>, Option<Tensor<f32>>);

impl ReverseKl {
    /// Learning from this teacher, with `batch` samples a step.
    pub(super) fn new(teacher: &Loaded<Flow<f32>>, batch: usize, seed: u64) -> Self {
        freeze(&teacher.model);
        Self { teacher: teacher.model.core(), space: teacher.header.blueprint.space, batch, seed }
    }

    /// The teacher, after the preprocessing.
    pub(super) const fn teacher(&self) -> &Flow<f32> {
        &self.teacher
    }

    pub(super) const fn space(&self) -> &Space {
        &self.space
    }

    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    /// Samples in a step.
    pub(super) const fn batch(&self) -> usize {
        self.batch
    }

    /// Log-ratios above this count by their logarithm.
    pub(super) fn soft_beyond(&self) -> f64 {
        (NATS_PER_DIMENSION * self.space.dims() as f64).max(LEAST_NATS)
    }

    /// Latents alone, and what else is random in `stream`.
    pub(super) fn noise(&self, flow: &Flow<f32>, stream: u64, count: usize) -> (Tensor<f32>, ChaCha8Rng) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        let shape = [&[count], &**flow.event()].concat().into_iter().collect();
        (flow.base().sample(shape, 1.0, &mut rng), rng)
    }

    /// The latents of `stream`, the same for the same number.
    pub(super) fn latents(&self, flow: &Flow<f32>, stream: u64, count: usize) -> Latents {
        let (z, mut rng) = self.noise(flow, stream, count);
        if flow.track() > 0 {
            return (z, sampling::condition(flow, None, 0..count, self.seed ^ stream));
        }
        let classes = flow.condition();
        let condition = (classes > 0).then(|| {
            let drawn: Vec<usize> = (0..count).map(|_| rng.random_range(0..classes)).collect();
            one_hot(&drawn, classes)
        });
        (z, condition)
    }
}

/// Rows of independent values around each dimension's median, [`NARROWER`] than the middle two thirds of the samples.
/// (A few samples in a thousand can be extreme, so means and variances would not do.)
fn narrowed(samples: &Tensor<f32>, rng: &mut ChaCha8Rng) -> Tensor<f32> {
    let (count, dims) = (samples.shape()[0], samples.shape().elements() / samples.shape()[0]);
    let values = samples.as_slice();
    let middles: Vec<(f64, f64)> = (0..dims)
        .map(|dim| {
            let mut column: Vec<f64> = (0..count).map(|row| f64::from(values[row * dims + dim])).collect();
            column.sort_by(f64::total_cmp);
            let quantile = |q: f64| column[(q * (count - 1) as f64) as usize];
            (quantile(0.5), 0.5 * (quantile(0.84) - quantile(0.16)))
        })
        .collect();
    Tensor::from_fn(samples.shape(), |i| {
        let (middle, width) = middles[i % dims];
        (middle + NARROWER * width * rng.sample::<f64, _>(StandardNormal)) as f32
    })
}

impl Objective<Flow<f32>> for ReverseKl {
    fn steps_per_epoch(&self) -> Result<u64> {
        if !(1..=LARGEST).contains(&self.batch) {
            bail!("a batch of {} samples is not possible: choose --batch between 1 and {LARGEST}", self.batch);
        }
        Ok(EPOCH)
    }

    fn initialize(&self, flow: &Flow<f32>) -> Result<()> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let (_, condition) = self.latents(flow, 0, FIRST);
        let condition = condition.map(Var::from);
        let cx = Context { condition: condition.as_ref(), ..Context::default() };
        let samples = self.teacher.sample(FIRST, cx, 1.0, &mut rng);
        flow.core().initialize(&narrowed(&samples, &mut rng).into(), cx);
        Ok(())
    }

    fn loss<'a>(&'a self, flow: &'a Flow<f32>, moment: Moment, _order: &mut Order) -> Result<Loss<'a>> {
        // Stream 0 is for evaluation.
        let (z, condition) = self.latents(flow, moment.step + 1, self.batch);
        let student = flow.core();
        Ok(Box::new(move |tape, range| {
            let condition = condition.as_ref().map(|condition| tape.constant(condition.rows(range.clone())));
            let cx = Context { condition: condition.as_ref(), ..Context::default() };
            let ratio = log_ratio(&student, &self.teacher, &tape.constant(z.rows(range)), cx);
            softened(&ratio, self.soft_beyond())
        }))
    }

    fn evaluate(&self, flow: &Flow<f32>) -> Result<Score> {
        let count = if matches!(self.space, Space::Signal { .. }) { EVALUATED_SIGNALS } else { EVALUATED };
        let (z, condition) = self.latents(flow, 0, count);
        let student = flow.core();
        let mut ratios = Vec::with_capacity(count);
        for range in sampling::batches(count, batch(&self.space)) {
            interrupt::check()?;
            let condition = condition.as_ref().map(|condition| Var::from(condition.rows(range.clone())));
            let cx = Context { condition: condition.as_ref(), ..Context::default() };
            let ratio = log_ratio(&student, &self.teacher, &Var::from(z.rows(range)), cx);
            ratios.extend(ratio.value().as_slice().iter().map(|&r| f64::from(r)));
        }
        Ok(Score::divergence(&ratios, &self.space, condition.is_some()))
    }

    fn trial(&self, flow: &Flow<f32>, rows: usize) -> Result<()> {
        let (z, condition) = self.latents(flow, 0, rows);
        let condition = condition.map(Var::from);
        let cx = Context { condition: condition.as_ref(), ..Context::default() };
        log_ratio(&flow.core(), &self.teacher, &Var::from(z), cx);
        Ok(())
    }

    fn units(&self) -> [&'static str; 2] {
        [if matches!(self.space, Space::Signal { .. }) { "nats per time step" } else { "nats of KL" }; 2]
    }

    fn in_unit(&self, nats: f64) -> f64 {
        if let Space::Signal { samples, .. } = self.space { nats / samples as f64 } else { nats }
    }
}
