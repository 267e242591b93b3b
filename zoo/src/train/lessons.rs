//! Distillation by several losses, one after the other.

use super::distill::ReverseKl;
use super::prelude::*;
use crate::measure::score::{batch, preprocessed};
use crate::models::Lessons;
use flows::Mode;
use flows::distillation::{forward_log_ratio, guided, initialize, softened};
use std::sync::OnceLock;

/// The teacher's samples in an evaluation.
const EVALUATED: usize = 2_000;
/// The teacher's samples that a student's widths are estimated from.
const FIRST: usize = 500;
/// Batches of the teacher's samples that statistics for evaluation are collected from.
const CALIBRATION_BATCHES: u64 = 25;
/// The teacher's samples have streams of random numbers of their own: those of the steps, which count from 1, then those
/// for evaluation, then those for statistics.
const TEACHER: u64 = 1 << 63;
const JUDGED: u64 = 1 << 62;
const CALIBRATING: u64 = 1 << 61;

/// A student of a teacher that it can be compared with in both directions.
pub(super) struct Taught {
    /// What only looks at the student's own samples.
    reverse: ReverseKl,
    lessons: Lessons,
    /// The data, if a lesson reads them.
    data: Option<Source>,
    /// Whether the student has batch normalization.
    batch_statistics: bool,
    /// The teacher's samples that the student is evaluated on.
    judged_on: OnceLock<Drawn>,
}

/// Rows x with `log t(x)`, usually samples of the teacher, and their classes.
struct Drawn {
    x: Tensor<f32>,
    log_prob: Tensor<f32>,
    condition: Option<Tensor<f32>>,
}

impl Drawn {
    /// These rows, then the others.
    fn and(self, others: Self) -> Self {
        let joined = |a: Tensor<f32>, b: Tensor<f32>| Var::concat(0, &[&a.into(), &b.into()]).into_value();
        Self {
            x: joined(self.x, others.x),
            log_prob: joined(self.log_prob, others.log_prob),
            condition: self.condition.zip(others.condition).map(|(a, b)| joined(a, b)),
        }
    }
}

impl Taught {
    /// Learning from this teacher, with `batch` samples a step. Without lessons it is the reverse KL.
    pub(super) fn new(
        teacher: &Loaded<Flow<f32>>,
        lessons: Lessons,
        data: Option<Source>,
        batch_statistics: bool,
        batch: usize,
        seed: u64,
    ) -> Self {
        let reverse = ReverseKl::new(teacher, batch, seed);
        Self { reverse, lessons, data, batch_statistics, judged_on: OnceLock::new() }
    }

    /// The lesson at this part of the training.
    fn lesson(&self, progress: f64) -> Lesson {
        let all: f64 = self.lessons.iter().map(|(_, share)| share).sum();
        let mut end = 0.0;
        let at = self.lessons.iter().find(|(_, share)| {
            end += share / all;
            progress < end
        });
        at.or(self.lessons.last()).map_or(Lesson::Reverse, |(lesson, _)| *lesson)
    }

    /// Whether the teacher's samples are never looked at.
    fn only_reverse(&self) -> bool {
        self.lessons.iter().all(|(lesson, _)| *lesson == Lesson::Reverse)
    }

    /// Whether batches are normalized by their own statistics. Only from data to latents can they be: if a lesson maps
    /// latents to data, the statistics stay those of the first batch.
    fn normalizes_batches(&self) -> bool {
        let to_latents = |lesson| matches!(lesson, Lesson::Forward | Lesson::WithData);
        self.batch_statistics && self.lessons.iter().all(|(lesson, _)| to_latents(*lesson))
    }

    /// The teacher's samples of a stream, for these classes.
    fn draw(&self, stream: u64, count: usize, condition: Option<Tensor<f32>>) -> Drawn {
        let mut rng = ChaCha8Rng::seed_from_u64(self.reverse.seed());
        rng.set_stream(TEACHER | stream);
        let given = condition.clone().map(Var::from);
        let cx = Context { condition: given.as_ref(), ..Context::default() };
        let (x, log_prob) = self.reverse.teacher().sample_with_log_prob(count, cx, &mut rng);
        Drawn { x, log_prob, condition }
    }

    /// A batch for a step of this lesson: samples of the teacher, and rows of the data if the lesson reads them. With
    /// latents for as many samples of the student.
    fn batch(&self, lesson: Lesson, flow: &Flow<f32>, stream: u64, order: &mut Order) -> Result<(Tensor<f32>, Drawn)> {
        let rows = self.reverse.batch();
        let real = if lesson == Lesson::WithData { rows / 2 } else { 0 };
        let (z, condition) = self.reverse.latents(flow, stream, rows - real);
        let drawn = self.draw(stream, rows - real, condition);
        match &self.data {
            Some(source) if real > 0 => Ok((z, drawn.and(self.real(source, flow, stream, real, order)?))),
            _ => Ok((z, drawn)),
        }
    }

    /// Rows of the data after the preprocessing, with their density under the teacher.
    fn real(&self, source: &Source, flow: &Flow<f32>, step: u64, count: usize, order: &mut Order) -> Result<Drawn> {
        let rows = source.batch(step, count, order)?;
        let noise = Context::training(Noise::for_step(self.reverse.seed(), step));
        let x = preprocessed(flow, self.reverse.space(), &rows.x().clone().into(), noise).value;
        let given = rows.condition().cloned().map(Var::from);
        let log_prob = self.reverse.teacher().log_prob(&x, Context { condition: given.as_ref(), ..Context::default() });
        Ok(Drawn { x: x.into_value(), log_prob: log_prob.into_value(), condition: rows.condition().cloned() })
    }

    /// The samples for evaluation, in batches.
    fn judged_on(&self, flow: &Flow<f32>) -> Result<&Drawn> {
        if let Some(drawn) = self.judged_on.get() {
            return Ok(drawn);
        }
        let (_, condition) = self.reverse.latents(flow, 0, EVALUATED);
        let mut parts = Vec::new();
        for (stream, range) in sampling::batches(EVALUATED, batch(self.reverse.space())).enumerate() {
            interrupt::check()?;
            let condition = condition.as_ref().map(|condition| condition.rows(range.clone()));
            parts.push(self.draw(JUDGED | stream as u64, range.len(), condition));
        }
        let all = |part: fn(&Drawn) -> &Tensor<f32>, shape: &[usize]| {
            let values: Vec<f32> = parts.iter().flat_map(|drawn| part(drawn).as_slice()).copied().collect();
            Tensor::from_slice([&[EVALUATED], shape].concat().into_iter().collect::<autograd::Shape>(), &values)
        };
        let (x, log_prob) = (all(|drawn| &drawn.x, flow.event()), all(|drawn| &drawn.log_prob, &[]));
        Ok(self.judged_on.get_or_init(|| Drawn { x, log_prob, condition }))
    }
}

impl Objective<Flow<f32>> for Taught {
    fn steps_per_epoch(&self) -> Result<u64> {
        self.reverse.steps_per_epoch()
    }

    fn initialize(&self, flow: &Flow<f32>) -> Result<()> {
        if self.only_reverse() {
            return self.reverse.initialize(flow);
        }
        let (_, condition) = self.reverse.latents(flow, 0, FIRST);
        let Drawn { x, condition, .. } = self.draw(0, FIRST, condition);
        let condition = condition.map(Var::from);
        let cx = Context { condition: condition.as_ref(), ..Context::default() };
        initialize(&flow.core(), self.reverse.teacher(), &x.into(), cx);
        Ok(())
    }

    fn calibrate(&self, flow: &Flow<f32>) -> Result<()> {
        let batches = if self.normalizes_batches() { CALIBRATION_BATCHES } else { 0 };
        let mut order = Order::default();
        for seen in 0..batches {
            interrupt::check()?;
            let (_, Drawn { x, condition, .. }) = self.batch(self.lesson(1.0), flow, CALIBRATING | seen, &mut order)?;
            let condition = condition.map(Var::from);
            let cx = Context { condition: condition.as_ref(), ..Context::default() };
            flow.core().bijection().calibrate(&x.into(), cx, seen);
        }
        Ok(())
    }

    fn loss<'a>(&'a self, flow: &'a Flow<f32>, moment: Moment, order: &mut Order) -> Result<Loss<'a>> {
        let lesson = self.lesson(moment.progress);
        if lesson == Lesson::Reverse {
            return self.reverse.loss(flow, moment, order);
        }
        let (student, teacher) = (flow.core(), self.reverse.teacher());
        let (z, Drawn { x, log_prob, condition }) = self.batch(lesson, flow, moment.step + 1, order)?;
        let backward = if lesson == Lesson::Jeffreys { Some(self.reverse.loss(flow, moment, order)?) } else { None };
        Ok(Box::new(move |tape, range| {
            let condition = condition.as_ref().map(|condition| tape.constant(condition.rows(range.clone())));
            let cx = Context { condition: condition.as_ref(), ..Context::default() };
            let on_tape = |values: &Tensor<f32>| tape.constant(values.rows(range.clone()));
            if lesson == Lesson::Guided {
                return guided(&student, teacher, &on_tape(&x), &on_tape(&z), cx);
            }
            let cx = Context { mode: if self.normalizes_batches() { Mode::Train } else { Mode::Evaluate }, ..cx };
            let ratio = forward_log_ratio(&student, &on_tape(&x), &on_tape(&log_prob), cx);
            let forward = softened(&ratio, self.reverse.soft_beyond());
            backward.as_ref().map_or_else(|| forward.clone(), |backward| &forward + backward(tape, range.clone()))
        }))
    }

    fn evaluate(&self, flow: &Flow<f32>) -> Result<Score> {
        if self.only_reverse() {
            return self.reverse.evaluate(flow);
        }
        let Drawn { x, log_prob, condition } = self.judged_on(flow)?;
        let student = flow.core();
        let mut ratios = Vec::with_capacity(EVALUATED);
        for range in sampling::batches(EVALUATED, batch(self.reverse.space())) {
            interrupt::check()?;
            let part = |values: &Tensor<f32>| Var::from(values.rows(range.clone()));
            let condition = condition.as_ref().map(part);
            let cx = Context { condition: condition.as_ref(), ..Context::default() };
            let ratio = forward_log_ratio(&student, &part(x), &part(log_prob), cx);
            ratios.extend(ratio.value().as_slice().iter().map(|&r| f64::from(r)));
        }
        Ok(Score::forward_divergence(&ratios, self.reverse.space(), condition.is_some()))
    }

    fn trial(&self, flow: &Flow<f32>, rows: usize) -> Result<()> {
        if !self.only_reverse() {
            let (_, condition) = self.reverse.latents(flow, 0, rows);
            self.draw(0, rows, condition);
        }
        self.reverse.trial(flow, rows)
    }

    fn units(&self) -> [&'static str; 2] {
        match (self.only_reverse(), self.lesson(0.0)) {
            (false, Lesson::Guided) => ["squared distance, then nats", "nats of KL"],
            _ => self.reverse.units(),
        }
    }

    fn in_unit(&self, nats: f64) -> f64 {
        self.reverse.in_unit(nats)
    }
}
