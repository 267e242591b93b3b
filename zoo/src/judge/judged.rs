//! A model's samples before the judge.

use super::report::{Reference, Report, chance, report};
use super::{Judge, SIDE};
use crate::data::Space;
use crate::data::source::Source;
use crate::measure::bound::{self, Draw};
use crate::measure::sampling;
use crate::models::Model;
use anyhow::{Result, bail};
use autograd::Tensor;
use flows::Flow;
use serde::Serialize;

/// What the judge says about a model's samples, and about as many real images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    pub samples: Report,
    /// Training images, judged by the same test images.
    pub real: Report,
    /// The class distance that sets of this size have by [`chance`].
    pub chance: f64,
}

/// Refuses a space whose images the judge does not read.
pub fn require(space: &Space) -> Result<()> {
    if !Judge::reads(space) {
        bail!("the judge reads images of 1×{SIDE}×{SIDE}, not {}: leave out --samples", space.describe());
    }
    Ok(())
}

/// Judges this many samples of a model, as `zoo sample` draws them: a conditional flow's of each class in turn, and of a
/// VAE the mean of the decoder.
pub fn judge(model: &Model<f32>, source: &Source, count: usize, seed: u64) -> Result<Judged> {
    let reference = Reference::of(source)?;
    let found = match model {
        Model::Flow(flow) => of_flow(flow, &reference, count, seed)?,
        Model::Vae(vae) => finite(&bound::samples(vae, count, 1.0, seed, Draw::Mean)?, None, &reference)?,
    };
    let Some(samples) = found else {
        bail!("some of {count} samples are not finite, and cannot be judged: train with a smaller --lr");
    };
    Ok(Judged { samples, real: reference.real(source, count)?, chance: chance(&reference.classes, count, reference.n) })
}

/// What the judge says about this many samples of a flow, of each class in turn if it is conditional. None if some are not
/// finite. Fails only if it is interrupted.
pub fn of_flow(flow: &Flow<f32>, reference: &Reference, count: usize, seed: u64) -> Result<Option<Report>> {
    let classes = flow.condition();
    let asked: Option<Vec<usize>> = (classes > 0).then(|| (0..count).map(|row| row % classes).collect());
    finite(&sampling::samples(flow, None, count, 1.0, seed)?, asked.as_deref(), reference)
}

/// The report on samples, if all are finite.
fn finite(samples: &Tensor<f32>, asked: Option<&[usize]>, reference: &Reference) -> Result<Option<Report>> {
    samples.all_finite().then(|| report(samples, asked, reference)).transpose()
}

impl Judged {
    /// A table: a line for each figure, of samples and of real images.
    pub fn lines(&self) -> Vec<String> {
        let Self { samples, real, chance } = self;
        let (drawn, beside) = (format!("{} samples", samples.n), format!("{} real images", real.n));
        let mut lines = vec![format!("{:<40}{drawn:>16}{beside:>20}", "The judge of digits on")];
        let mut line = |what: &str, decimals: usize, of: &dyn Fn(&Report) -> Option<f64>| {
            let [drawn, beside] =
                [samples, real].map(|report| of(report).map_or_else(String::new, |x| format!("{x:.decimals$}")));
            lines.push(format!("{what:<40}{drawn:>16}{beside:>20}").trim_end().to_owned());
        };
        line("sure of their class (p ≥ 0.9), %", 1, &|report| Some(100.0 * report.sure));
        line("bursts of noise in 1,000", 1, &|report| Some(report.bursts));
        line("Fréchet distance to test images", 3, &|report| Some(report.frechet));
        line(&format!("class distance ({chance:.3} by chance)"), 3, &|report| Some(report.class_distance));
        if samples.as_asked.is_some() {
            line("of the class asked for, %", 1, &|report| report.as_asked.map(|share| 100.0 * share));
        }
        for class in 0..samples.classes.len() {
            line(&format!("read as {class}, %"), 1, &|report| Some(100.0 * report.classes[class]));
        }
        lines
    }
}
