//! Distillation of a `WaveNet` into a Parallel `WaveNet`: a KL with less noise, and the power loss.

use super::distill::ReverseKl;
use super::prelude::*;
use crate::models::WaveNet;
use flows::Logistic;
use flows::check::copy_params;
use flows::distillation::{PowerSpectrum, Teacher, freeze, logistic_terms};
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
        Ok((Self { kl, student, teacher: layer, power, source, batch, steps }, flow))
    }
}

impl Objective<Flow<f32>> for SignalKl {
    fn steps_per_epoch(&self) -> Result<u64> {
        self.source.steps_per_epoch(self.batch)?;
        self.kl.steps_per_epoch()
    }

    fn loss<'a>(&'a self, flow: &'a Flow<f32>, moment: Moment, order: &mut Order) -> Result<Loss<'a>> {
        let step = moment.step;
        let (z, condition) = self.kl.latents(flow, step + 1, self.batch * (1 + DRAWS));
        let mut real = self.source.batch(step, self.batch, order)?.x().clone();
        if let Some(layer) = flow.preprocessing() {
            real = layer.to_latent(&real.into(), Context::default()).value.into_value();
        }
        Ok(Box::new(move |tape, range| {
            let rows = |nth: usize| z.rows(nth * self.batch + range.start..nth * self.batch + range.end);
            let condition = condition.as_ref().map(|condition| tape.constant(condition.rows(range.clone())));
            let cx = Context { condition: condition.as_ref(), ..Context::default() };
            let draws: Vec<Var<f32>> = (1..=DRAWS).map(|nth| tape.constant(rows(nth))).collect();
            let teacher = Teacher { layer: &self.teacher, base: &Logistic };
            let terms = logistic_terms(&self.student, &teacher, &tape.constant(rows(0)), &draws, cx);
            let power = self.power.loss(&terms.value, &tape.constant(real.rows(range.clone())));
            terms.kl() + power.scale(POWER * self.steps as f64)
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
