//! A student beside its teacher: the density of test rows, both divergences, and the time per sample.

use crate::data::Space;
use crate::data::source::{Part, Source};
use crate::judge::{self, Judge, Report, judged};
use crate::measure::sampling;
use crate::measure::score::{Score, batch, score, with_error};
use crate::measure::speech::{self, Measures};
use crate::measure::timing::{describe, median_seconds};
use crate::runs::checkpoint::Loaded;
use crate::runs::interrupt;
use anyhow::Result;
use autograd::{Tensor, Var};
use flows::distillation::{forward_log_ratio, log_ratio};
use flows::layers::{Reference, with_reference};
use flows::{Context, Flow};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Samples for a divergence.
const DRAWN: usize = 2_000;
const DRAWN_SIGNALS: usize = 100;
/// Test rows, at most, and signals, which are long.
const TEST_ROWS: usize = 10_000;
const TEST_SIGNALS: usize = 20;
/// Samples that are timed together.
const TIMED: usize = 100;
/// Pixels or entries to sample with D passes, which is slow. Of a signal, one pass is timed.
const NAIVE: usize = 80_000;

/// Samples of each for the judge: with fewer, two sets from one model would have classes too different.
const JUDGED: usize = 10_000;

/// What is measured of each of the two.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// The model's name.
    pub model: &'static str,
    /// The density of test rows, if the data are there.
    pub test: Option<Score>,
    /// What its signals are like, of signals of the same tracks as the test rows.
    pub speech: Option<Measures>,
    /// Seconds per sample.
    pub sample_seconds: f64,
    /// The same by D whole passes of the network, for the teacher.
    pub sample_seconds_by_passes: Option<f64>,
    /// What the judge says about 10,000 samples, if it reads such images and the data are there.
    pub judged: Option<Report>,
}

/// A student beside its teacher.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    pub teacher: Side,
    pub student: Side,
    /// KL(teacher ‖ student), on the teacher's samples.
    pub forward: Score,
    /// KL(student ‖ teacher), on the student's samples.
    pub reverse: Score,
    /// The distance between the classes of the two models' samples, and what it would be by chance.
    pub class_distance: Option<f64>,
    pub class_distance_by_chance: Option<f64>,
    /// The dimensions of a row.
    pub dims: usize,
    /// The rows of a batch that is timed, and of one that is sampled by D passes.
    pub timed: usize,
    pub timed_by_passes: usize,
    /// The voiced frames of real signals, if the rows are signals.
    pub voiced: Option<f64>,
    /// Signals of the same tracks: real ones, the teacher's, and the student's.
    #[serde(skip)]
    pub signals: Option<[Tensor<f32>; 3]>,
}

/// Compares a student with its teacher, on at most 10,000 rows of `test` if there are data. Fails only if it is
/// interrupted.
pub fn compare(
    teacher: &Loaded<Flow<f32>>,
    student: &Loaded<Flow<f32>>,
    test: Option<&Source>,
    seed: u64,
) -> Result<Comparison> {
    let space = teacher.header.blueprint.space;
    let (signals, dims) = (matches!(space, Space::Signal { .. }), space.dims());
    let timed_by_passes = if signals { 1 } else { (NAIVE / dims).clamp(1, TIMED) };
    let rows = test.map(|source| source.held_out(Part::Test, Some(if signals { TEST_SIGNALS } else { TEST_ROWS })));
    let reference = test.filter(|_| Judge::reads(&space)).map(judge::Reference::of).transpose()?;
    let side = |loaded: &Loaded<Flow<f32>>| {
        let test = rows.as_ref().map(|rows| score(&loaded.model, &space, rows, seed)).transpose()?;
        let (model, sample_seconds) = (loaded.header.blueprint.name(), seconds_per_sample(&loaded.model, TIMED));
        let judged = reference
            .as_ref()
            .map(|reference| judged::of_flow(&loaded.model, reference, JUDGED, seed))
            .transpose()?
            .flatten();
        anyhow::Ok(Side { model, test, speech: None, sample_seconds, sample_seconds_by_passes: None, judged })
    };
    let by_passes = if signals {
        // All of a signal's passes would take minutes, and each is like the first.
        dims as f64 * seconds_per_pass(&teacher.model)
    } else {
        with_reference(&teacher.model, Reference::WholePasses, || seconds_per_sample(&teacher.model, timed_by_passes))
    };
    let mut sides = [Side { sample_seconds_by_passes: Some(by_passes), ..side(teacher)? }, side(student)?];
    let mut made = None;
    if let (Space::Signal { rate, .. }, Some(rows)) = (space, &rows) {
        let found = [speech::signals(&teacher.model, rows, seed)?, speech::signals(&student.model, rows, seed ^ 1)?];
        for (side, signals) in sides.iter_mut().zip(&found) {
            side.speech = Some(Measures::of(signals, rows, rate));
        }
        let [teacher, student] = found;
        made = Some([rows.x().clone(), teacher, student]);
    }
    let rate = if let Space::Signal { rate, .. } = space { rate } else { 0 };
    let voiced = made.as_ref().map(|[real, ..]| speech::share(&speech::frames(real, rate)));
    let [of_teacher, of_student] = sides;
    let both = of_teacher.judged.as_ref().zip(of_student.judged.as_ref());
    Ok(Comparison {
        class_distance: both.map(|(one, other)| judge::class_distance(&one.classes, &other.classes)),
        class_distance_by_chance: both.map(|(one, other)| judge::chance(&one.classes, one.n, other.n)),
        teacher: of_teacher,
        student: of_student,
        voiced,
        signals: made,
        forward: forward_divergence(&student.model, &teacher.model, &space, seed)?,
        reverse: divergence(&student.model, &teacher.model, &space, seed)?,
        dims,
        timed: TIMED,
        timed_by_passes,
    })
}

impl Comparison {
    /// The rows of a table: what is measured, the teacher's value, and the student's.
    pub fn rows(&self) -> Vec<[String; 3]> {
        let Self { teacher, student, forward, reverse, dims, .. } = self;
        let sides = [teacher, student];
        let mut rows =
            vec![["".to_owned(), format!("teacher, {}", teacher.model), format!("student, {}", student.model)]];
        let mut row = |what: &str, of: &dyn Fn(&Side) -> Option<String>| {
            let [teacher, student] = sides.map(|side| of(side).unwrap_or_default());
            if !(teacher.is_empty() && student.is_empty()) {
                rows.push([what.to_owned(), teacher, student]);
            }
        };
        if let Some(test) = &teacher.test {
            let given = test.given();
            let unit = if test.bits_per_dim.is_some() {
                "bits/dim"
            } else if test.nats_per_step.is_some() {
                "nats a time step"
            } else {
                "nats"
            };
            row(&format!("−log p of {} test rows{given}, {unit}", test.n), &|side| {
                let test = side.test.filter(|test| test.not_finite == 0)?;
                Some(with_error(test.loss(), test.loss_error(), 4))
            });
            row("test rows whose density f32 cannot hold", &|side| Some(side.test?.not_finite.to_string()));
            row("−log p, the median row in nats", &|side| {
                side.test.map(|test| -test.median).filter(|nats| *nats < f64::MAX).map(|nats| format!("{nats:.2}"))
            });
        }
        let divergence = |score: &Score| Some(with_error(score.loss(), score.loss_error(), 4));
        let is_student = |side: &Side| std::ptr::eq(side, student);
        let unit = if forward.nats_per_step.is_some() { "nats a time step" } else { "nats" };
        row(&format!("KL(teacher ‖ student), {unit}"), &|side| is_student(side).then(|| divergence(forward))?);
        row(&format!("KL(student ‖ teacher), {unit}"), &|side| is_student(side).then(|| divergence(reverse))?);
        let judged = |decimals: usize, of: fn(&Report) -> Option<f64>| {
            move |side: &Side| Some(format!("{:.decimals$}", of(side.judged.as_ref()?)?))
        };
        row("samples the judge is sure of (p ≥ 0.9), %", &judged(1, |report| Some(100.0 * report.sure)));
        row("samples of the class asked for, %", &judged(1, |report| report.as_asked.map(|share| 100.0 * share)));
        row("bursts of noise in 1,000 samples", &judged(1, |report| Some(report.bursts)));
        row("Fréchet distance to test images", &judged(2, |report| Some(report.frechet)));
        row("class distance from test images", &judged(3, |report| Some(report.class_distance)));
        let chance = self.class_distance_by_chance.unwrap_or_default();
        row(&format!("class distance from the teacher ({chance:.3} by chance)"), &|side| {
            self.class_distance.filter(|_| is_student(side)).map(|distance| format!("{distance:.3}"))
        });
        if let Some(voiced) = self.voiced {
            row(&format!("voiced frames, of {voiced:.3} in the test rows"), &|side| {
                side.speech.map(|speech| format!("{:.3}", speech.voiced))
            });
            row("frames voiced otherwise than in the row of their track", &|side| {
                side.speech?.misvoiced.map(|share| format!("{share:.3}"))
            });
            row("log-spectral distance from the row of their track, dB", &|side| {
                side.speech?.distance.map(|distance| format!("{distance:.2}"))
            });
        }
        row(&format!("time per sample, batch of {}", self.timed), &|side| Some(describe(side.sample_seconds)));
        let passes = if self.voiced.is_some() { "passes, each as long as one" } else { "passes" };
        row(&format!("time per sample by D = {dims} {passes}, batch of {}", self.timed_by_passes), &|side| {
            side.sample_seconds_by_passes.map(describe)
        });
        rows
    }

    /// The table, line by line.
    pub fn lines(&self) -> Vec<String> {
        let rows = self.rows();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [first, second, third] = [0, 1, 2].map(width);
        let line = |[what, teacher, student]: &[String; 3]| {
            format!("{what:<first$}  {teacher:>second$}  {student:>third$}").trim_end().to_owned()
        };
        rows.iter().map(line).collect()
    }
}

/// A student's divergence from its teacher: the mean of `log s(x) − log t(x)` over the student's samples, of each class in
/// turn if the models are conditional. Fails only if it is interrupted.
pub fn divergence(student: &Flow<f32>, teacher: &Flow<f32>, space: &Space, seed: u64) -> Result<Score> {
    // After the preprocessing that both share, because a logit of a sigmoid would lose digits.
    let (student, teacher) = (student.core(), teacher.core());
    let ratios = by_batches(&student, space, seed, |z, cx, _| log_ratio(&student, &teacher, z, cx))?;
    Ok(Score::divergence(&ratios, space, student.condition() > 0))
}

/// The divergence in the other direction: the mean of `log t(x) − log s(x)` over the teacher's samples.
fn forward_divergence(student: &Flow<f32>, teacher: &Flow<f32>, space: &Space, seed: u64) -> Result<Score> {
    let (student, teacher) = (student.core(), teacher.core());
    let ratios = by_batches(&teacher, space, seed, |z, cx, rng| {
        let (x, log_prob) = teacher.sample_with_log_prob(z.extent(0), cx, rng);
        forward_log_ratio(&student, &x.into(), &log_prob.into(), cx)
    })?;
    Ok(Score::forward_divergence(&ratios, space, student.condition() > 0))
}

/// Log-ratios at latents of a flow, which stand for its samples.
fn by_batches(
    flow: &Flow<f32>,
    space: &Space,
    seed: u64,
    ratio: impl Fn(&Var<f32>, Context<'_, f32>, &mut ChaCha8Rng) -> Var<f32>,
) -> Result<Vec<f64>> {
    let count = if matches!(space, Space::Signal { .. }) { DRAWN_SIGNALS } else { DRAWN };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut ratios = Vec::with_capacity(count);
    for range in sampling::batches(count, batch(space)) {
        interrupt::check()?;
        let shape = std::iter::once(range.len()).chain(flow.event().iter().copied()).collect();
        let z: Tensor<f32> = flow.base().sample(shape, 1.0, &mut rng);
        let condition = sampling::condition(flow, None, range, seed).map(Var::from);
        let cx = Context { condition: condition.as_ref(), ..Context::default() };
        ratios.extend(ratio(&z.into(), cx, &mut rng).value().as_slice().iter().map(|&ratio| f64::from(ratio)));
    }
    Ok(ratios)
}

/// Seconds per sample, in a batch of `rows` samples.
fn seconds_per_sample(flow: &Flow<f32>, rows: usize) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let condition = sampling::condition(flow, None, 0..rows, 0).map(Var::from);
    let cx = Context { condition: condition.as_ref(), ..Context::default() };
    median_seconds(1, || drop(flow.sample(rows, cx, 1.0, &mut rng))) / rows as f64
}

/// Seconds of one pass of a flow from data to latents, for one row.
fn seconds_per_pass(flow: &Flow<f32>) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let condition = sampling::condition(flow, None, 0..1, 0).map(Var::from);
    let cx = Context { condition: condition.as_ref(), ..Context::default() };
    let x = flow.sample(1, cx, 1.0, &mut rng).into();
    median_seconds(1, || drop(flow.log_prob(&x, cx)))
}
