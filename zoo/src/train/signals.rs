//! Distillation of a `WaveNet` into a Parallel `WaveNet`, on windows of signals.

use super::distill::ReverseKl;
use super::prelude::*;
use crate::measure::score::preprocessed;
use crate::models::WaveNet;
use flows::distillation::{PowerSpectrum, forward_on_windows};
use flows::models::{ParallelWaveNet, ParallelWaveNetConfig};
use rand::Rng;
use std::sync::Arc;

/// The most time steps of a window.
const STEPS: usize = 384;
/// The window of the power spectrum and its hop, in time steps: at most this, and at most a quarter and a sixteenth of
/// the signal.
const WINDOW: usize = 256;
const HOP: usize = 64;
/// Signals in an evaluation.
const EVALUATED: usize = 100;
/// The weight of the distance of spectra, in nats per time step.
const PAIRED: f64 = 0.1;

/// What a student minimizes on windows of real signals and their tracks: its cross-entropy, and the distance of its own
/// signals' spectra from those of the signals of the same tracks. The divergence from the teacher is
/// measured at the end: it rises again long before the student has learned all it can.
///
/// The first term gives the student its harmonics: the track tells the phase of the voice, and a signal that is out of
/// phase has no density. The KL from the student's own signals made it draw noise, since there the teacher only scores
/// sounds that no voice ever made.
pub(super) struct SignalLoss {
    kl: ReverseKl,
    student: Arc<ParallelWaveNet<f32>>,
    power: PowerSpectrum<f32>,
    source: Source,
    batch: usize,
    steps: usize,
}

impl SignalLoss {
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
        if !teacher.header.blueprint.is::<WaveNet>() {
            bail!("{} cannot teach signals: distill a wavenet", teacher.header.blueprint.name());
        }
        let length = blueprint.space.dims();
        let steps = STEPS.min(length);
        let student = Arc::new(ParallelWaveNet::new(config, rng));
        let flow = blueprint.standardized(student.flow(length, blueprint.classes));
        let kl = ReverseKl::new(teacher, batch, seed);
        let power = PowerSpectrum::new(WINDOW.min(steps.div_ceil(4)).max(2), HOP.min(steps.div_ceil(16)));
        Ok((Self { kl, student, power, source, batch, steps }, flow))
    }
}

impl Objective<Flow<f32>> for SignalLoss {
    fn steps_per_epoch(&self) -> Result<u64> {
        self.source.steps_per_epoch(self.batch)?;
        self.kl.steps_per_epoch()
    }

    fn loss<'a>(&'a self, flow: &'a Flow<f32>, moment: Moment, order: &mut Order) -> Result<Loss<'a>> {
        let rows = self.source.batch(moment.step, self.batch, order)?;
        let real = preprocessed(flow, self.kl.space(), &rows.x().clone().into(), Context::default()).value;
        let first = |rows: Var<f32>, width: usize| rows.slice(1, 0..width).into_value();
        let real = first(real, self.steps);
        // A model is given a class or a track.
        let own = flow.condition() - flow.track() * flow.dims();
        let given = rows.condition().map(|given| first(given.clone().into(), own + flow.track() * self.steps));
        let z = first(self.kl.noise(flow, moment.step + 1, self.batch).0.into(), self.steps);
        Ok(Box::new(move |tape, range| {
            let part = |rows: &Tensor<f32>| tape.constant(rows.rows(range.clone()));
            let (real, z, given) = (part(&real), part(&z), given.as_ref().map(part));
            let cx = Context { condition: given.as_ref(), ..Context::default() };
            let forward = forward_on_windows(&self.student, &real, self.steps, cx);
            let made = self.student.generate(&z, cx).value;
            let apart = self.power.paired_loss(&made, &real).scale(PAIRED * self.steps as f64);
            // Per signal, as all other losses: the window stands for the whole.
            let windows = flow.dims() as f64 / self.steps as f64;
            (forward + apart).scale(windows)
        }))
    }

    fn evaluate(&self, flow: &Flow<f32>) -> Result<Score> {
        score(flow, self.kl.space(), &self.source.held_out(Part::Validation, Some(EVALUATED)), 0)
    }

    /// A whole signal takes more than a window of it.
    fn trial(&self, flow: &Flow<f32>, rows: usize) -> Result<()> {
        self.kl.trial(flow, rows)
    }

    fn units(&self) -> [&'static str; 2] {
        ["nats per time step, distance of spectra included", "nats per time step"]
    }

    fn in_unit(&self, nats: f64) -> f64 {
        self.kl.in_unit(nats)
    }
}
