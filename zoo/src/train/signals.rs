//! Distillation of a `WaveNet` into a Parallel `WaveNet`: the divergence with less noise, and the power loss.

use super::distill::Divergence;
use super::objective::{Loss, Objective};
use crate::blueprint::Blueprint;
use crate::data::source::{Order, Source};
use crate::measure::score::Score;
use crate::runs::checkpoint::Loaded;
use anyhow::Result;
use autograd::Var;
use flows::distillation::{PowerSpectrum, Teacher, freeze, logistic_terms};
use flows::models::{ParallelWaveNet, WaveNetFlow, WaveNetLayer};
use flows::{Context, Flow, Logistic, Module};
use rand::Rng;
use std::sync::Arc;

/// Draws of each step that the cross-entropy is estimated from.
const DRAWS: usize = 4;
/// The window of the power spectrum, and from one to the next, in steps: at most this, and a quarter of the signal.
const WINDOW: usize = 256;
const HOP: usize = 64;
/// The power loss counts as much as so many nats a step.
const POWER: f64 = 0.3;

/// `KL(student‖teacher)` by its two terms, the entropy in closed form and the cross-entropy from several draws a
/// step, and the power loss between the student's signals and real ones.
pub(super) struct SignalDivergence {
    divergence: Divergence,
    student: Arc<ParallelWaveNet<f32>>,
    teacher: WaveNetLayer<f32>,
    power: PowerSpectrum<f32>,
    source: Source,
    batch: usize,
    steps: usize,
}

impl SignalDivergence {
    /// A student with fresh parameters, and its objective.
    pub(super) fn new(
        teacher: &Loaded<Flow<f32>>,
        blueprint: &Blueprint,
        source: Source,
        batch: usize,
        seed: u64,
        rng: &mut dyn Rng,
    ) -> Result<(Self, Flow<f32>)> {
        let (config, steps) = blueprint.parallel_wave_net()?;
        let student = Arc::new(ParallelWaveNet::new(&config, rng));
        let flow = blueprint.preceded(student.flow(steps, blueprint.classes));
        // The loss asks the teacher's layer about one step at a time, which its density does not.
        let layer = WaveNetFlow::layer(&teacher.header.blueprint.wave_net()?, rng);
        let (ours, theirs) = (layer.params(), teacher.model.core().params());
        assert!(ours.iter().map(|(path, _)| path).eq(theirs.iter().map(|(path, _)| path)), "one layer, two paths");
        for ((_, to), (_, from)) in ours.into_iter().zip(theirs) {
            to.set(from.value());
        }
        freeze(&layer);
        let divergence = Divergence::new(teacher, batch, seed);
        let power = PowerSpectrum::new(WINDOW.min(steps.div_ceil(4)).max(2), HOP.min(steps.div_ceil(16)));
        Ok((Self { divergence, student, teacher: layer, power, source, batch, steps }, flow))
    }
}

impl Objective<Flow<f32>> for SignalDivergence {
    fn steps_per_epoch(&self) -> Result<u64> {
        self.source.steps_per_epoch(self.batch)?;
        self.divergence.steps_per_epoch()
    }

    fn loss<'a>(&'a self, flow: &'a Flow<f32>, step: u64, order: &mut Order) -> Result<Loss<'a>> {
        let (z, condition) = self.divergence.latents(flow, step + 1, self.batch * (1 + DRAWS));
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

    fn judge(&self, flow: &Flow<f32>) -> Score {
        self.divergence.judge(flow)
    }

    fn unit(&self) -> &'static str {
        "nats a time step, power loss included"
    }

    fn judged_unit(&self) -> &'static str {
        "nats a time step"
    }

    fn in_unit(&self, nats: f64) -> f64 {
        self.divergence.in_unit(nats)
    }
}
