//! Distillation of a `WaveNet` into a Parallel `WaveNet`: a KL with less noise, and the power loss.

use super::distill::ReverseKl;
use super::prelude::*;
use crate::models::WaveNet;
use flows::Logistic;
use flows::check::copy_params;
use flows::distillation::{PowerSpectrum, Teacher, forward_on_windows, freeze, logistic_terms, regularized_kl};
use flows::models::{ParallelWaveNet, ParallelWaveNetConfig, WaveNetFlow, WaveNetLayer};
use rand::Rng;
use std::sync::Arc;

/// Samples of each time step that the cross-entropy is estimated from.
const DRAWS: usize = 4;
/// The window of the power spectrum and its hop, in time steps: at most this, and at most a quarter and a sixteenth of
/// the signal.
const WINDOW: usize = 256;
const HOP: usize = 64;
/// The weight of the power loss, in nats per time step.
const POWER: f64 = 0.3;

/// `KL(student‖teacher)` as its two terms, the entropy in closed form and the cross-entropy from several samples a
/// step, plus the power loss between the student's signals and real ones.
pub(super) struct SignalKl {
    kl: ReverseKl,
    student: Arc<ParallelWaveNet<f32>>,
    teacher: WaveNetLayer<f32>,
    power: PowerSpectrum<f32>,
    source: Source,
    batch: usize,
    seed: u64,
    steps: usize,
}

impl SignalKl {
    /// A student with fresh parameters, and its objective.
    pub(super) fn new(
        teacher: &Loaded<Flow<f32>>,
        (blueprint, config): (&Blueprint, &ParallelWaveNetConfig),
        source: Source,
        batch: usize,
        seed: u64,
        rng: &mut dyn Rng,
    ) -> Result<(Self, Flow<f32>)> {
        blueprint.check()?;
        blueprint.check_memory()?;
        let Some(taught) = teacher.header.blueprint.config::<WaveNet>() else {
            bail!("{} cannot teach signals: distill a wavenet", teacher.header.blueprint.name());
        };
        let steps = blueprint.space.dims();
        let student = Arc::new(ParallelWaveNet::new(config, rng));
        let flow = blueprint.standardized(student.flow(steps, blueprint.classes));
        // The loss needs the teacher's conditionals one by one, which a flow does not give.
        let layer = WaveNetFlow::layer(&taught, rng);
        copy_params(&teacher.model.core(), &layer)?;
        freeze(&layer);
        let kl = ReverseKl::new(teacher, batch, seed);
        let power = PowerSpectrum::new(WINDOW.min(steps.div_ceil(4)).max(2), HOP.min(steps.div_ceil(16)));
        Ok((Self { kl, student, teacher: layer, power, source, batch, seed, steps }, flow))
    }
}

fn knob(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

impl Objective<Flow<f32>> for SignalKl {
    fn steps_per_epoch(&self) -> Result<u64> {
        self.source.steps_per_epoch(self.batch)?;
        self.kl.steps_per_epoch()
    }

    fn loss<'a>(&'a self, flow: &'a Flow<f32>, step: u64, order: &mut Order) -> Result<Loss<'a>> {
        let steps = (knob("STEPS", 512.0) as usize).min(self.steps);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(step + 1);
        let z = flow.base().sample([self.batch * (1 + DRAWS), steps].into(), 1.0, &mut rng);
        let rows = self.source.batch(step, self.batch, order)?;
        let mut real = rows.x().clone();
        if let Some(layer) = flow.preprocessing() {
            real = layer.to_latent(&real.into(), Context::default()).value.into_value();
        }
        let real = Var::from(real).slice(1, 0..steps).into_value();
        let track = flow.track() * steps;
        let condition = rows.classes().map(|c| Var::from(c.clone()).slice(1, 0..track).into_value());
        let [forward, reverse, closed, power, paired] =
            [("FORWARD", 1.0), ("REVERSE", 0.0), ("CLOSED", 0.0), ("POWER", 0.0), ("PAIRED", 0.0)].map(|(n, d)| knob(n, d));
        Ok(Box::new(move |tape, range| {
            let rows = |nth: usize| z.rows(nth * self.batch + range.start..nth * self.batch + range.end);
            let condition = condition.as_ref().map(|condition| tape.constant(condition.rows(range.clone())));
            let cx = Context { condition: condition.as_ref(), ..Context::default() };
            let real = tape.constant(real.rows(range.clone()));
            let mut loss = real.sum_all().scale(0.0);
            let mut made = None;
            if forward > 0.0 {
                loss = loss + forward_on_windows(&self.student, &real, steps, cx).scale(forward);
            }
            if reverse > 0.0 {
                let draws: Vec<Var<f32>> = (1..=DRAWS).map(|nth| tape.constant(rows(nth))).collect();
                let teacher = Teacher { layer: &self.teacher, base: &Logistic };
                let terms = logistic_terms(&self.student, &teacher, &tape.constant(rows(0)), &draws, cx);
                loss = loss + terms.kl().scale(reverse);
                made = Some(terms.value);
            }
            if closed > 0.0 {
                let (x, kl) = regularized_kl(&self.student, &self.teacher, &tape.constant(rows(0)), cx);
                loss = loss + kl.scale(closed);
                made = Some(x);
            }
            if power + paired > 0.0 {
                let made = made.unwrap_or_else(|| self.student.generate(&tape.constant(rows(0)), cx).value);
                loss = loss + self.power.loss(&made, &real).scale(power * steps as f64);
                loss = loss + self.power.paired_loss(&made, &real).scale(paired * steps as f64);
            }
            loss.scale(self.steps as f64 / steps as f64)
        }))
    }

    fn evaluate(&self, flow: &Flow<f32>) -> Result<Score> {
        self.kl.evaluate(flow)
    }

    /// The teacher scores several draws for each sample of the student.
    fn trial(&self, flow: &Flow<f32>, rows: usize) -> Result<()> {
        self.kl.trial(flow, rows * (1 + DRAWS))
    }

    fn units(&self) -> [&'static str; 2] {
        ["nats per time step, power loss included", "nats per time step"]
    }

    fn in_unit(&self, nats: f64) -> f64 {
        self.kl.in_unit(nats)
    }
}
