//! What the judge says about samples, beside what it says about real images.

use super::frechet::Gaussian;
use super::{CLASSES, DIMS, Judge, Reading, SIDE, pixels};
use crate::data::source::{Order, Part, Source};
use anyhow::Result;
use autograd::Tensor;
use serde::Serialize;
use std::f64::consts::PI;

/// The judge is sure of an image if it gives a class at least this probability.
pub const SURE: f64 = 0.9;
/// The share of test images that have more ink than the limit; and as many have more variation.
const BEYOND: f64 = 0.001;

/// The images that samples are compared with.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The share of each class, as the judge reads them.
    pub classes: [f64; CLASSES],
    /// The number of images.
    pub n: usize,
    features: Gaussian,
    /// The ink and the variation that one in a thousand of them exceeds.
    limits: [f64; 2],
}

/// What the judge says about some images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The number of images.
    pub n: usize,
    /// The share that it is sure of: it gives a class the probability [`SURE`] or more.
    pub sure: f64,
    /// The share of each class.
    pub classes: [f64; CLASSES],
    /// The [`class_distance`] from the test images.
    pub class_distance: f64,
    /// The squared Fréchet distance of the features to those of the test images. It depends on `n`: fewer images are
    /// farther away.
    pub frechet: f64,
    /// How many of 1,000 are bursts of noise: the judge is not sure of the image, and it has more ink (the sum of its
    /// pixels) or more variation (the sum of the differences between neighboring pixels) than 999 in 1,000 test images.
    pub bursts: f64,
    /// The share that is read as the class that was asked for, if one was.
    pub as_asked: Option<f64>,
}

impl Reference {
    /// The test images of data that the judge [reads](Judge::reads). Fails only if it is interrupted.
    pub fn of(source: &Source) -> Result<Self> {
        let images = pixels(source.held_out(Part::Test, None).x());
        let read = Judge::shipped().read(&images)?;
        let measured: Vec<[f64; 2]> = images.as_slice().chunks(DIMS).map(measures).collect();
        let limits = [0, 1].map(|which| {
            let mut sorted: Vec<f64> = measured.iter().map(|found| found[which]).collect();
            sorted.sort_by(f64::total_cmp);
            let beyond = (BEYOND * sorted.len() as f64) as usize;
            sorted.iter().rev().nth(beyond).copied().unwrap_or(f64::INFINITY)
        });
        Ok(Self { classes: shares(&read), n: read.classes.len(), features: Gaussian::fit(&read.features), limits })
    }

    /// Whether an image is a burst of noise; see [`Report::bursts`].
    fn is_burst(&self, image: &[f32], probability: f64) -> bool {
        probability < SURE && measures(image).iter().zip(&self.limits).any(|(found, limit)| found > limit)
    }

    /// As many training images, to read the figures of samples by. There may be fewer.
    pub fn real(&self, source: &Source, count: usize) -> Result<Report> {
        let count = source.rows().map_or(count, |rows| rows.min(count));
        report(&pixels(source.batch(0, count, &mut Order::default())?.x()), None, self)
    }
}

/// What the judge says about images `[n, 784]` with pixels from 0 to 1. `asked` has the class of each, if a model was asked
/// for one. Fails only if it is interrupted.
///
/// # Panics
/// If there are no images.
pub fn report(images: &Tensor<f32>, asked: Option<&[usize]>, reference: &Reference) -> Result<Report> {
    let read = Judge::shipped().read(images)?;
    let n = read.classes.len();
    let share = |count: usize| count as f64 / n as f64;
    let each = images.as_slice().chunks(DIMS).zip(&read.probabilities);
    let classes = shares(&read);
    Ok(Report {
        n,
        sure: share(read.probabilities.iter().filter(|&&p| p >= SURE).count()),
        classes,
        class_distance: class_distance(&classes, &reference.classes),
        frechet: Gaussian::fit(&read.features).distance(&reference.features),
        bursts: 1000.0 * share(each.filter(|(image, p)| reference.is_burst(image, **p)).count()),
        as_asked: asked
            .map(|asked| share(asked.iter().zip(&read.classes).filter(|(asked, read)| asked == read).count())),
    })
}

/// The total variation distance of two histograms of classes, ½·Σ|pᵢ − qᵢ|: the share that would have to change its class.
pub fn class_distance(p: &[f64; CLASSES], q: &[f64; CLASSES]) -> f64 {
    0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>()
}

/// The [`class_distance`] that two independent sets of `n` and `m` images from one distribution p have by chance, on
/// average: Σ √(pᵢ·(1 − pᵢ)·(1/n + 1/m)/(2π)). For ten equal classes it is 0.053 for two sets of 1,000, and 0.017 for
/// two of 10,000.
pub fn chance(p: &[f64; CLASSES], n: usize, m: usize) -> f64 {
    let variance = (1.0 / n as f64 + 1.0 / m as f64) / (2.0 * PI);
    p.iter().map(|p| (p * (1.0 - p) * variance).sqrt()).sum()
}

/// The share of each class.
fn shares(read: &Reading) -> [f64; CLASSES] {
    let mut counts = [0.0; CLASSES];
    read.classes.iter().for_each(|&class| counts[class] += 1.0);
    counts.map(|count| count / read.classes.len() as f64)
}

/// The ink and the variation of an image.
fn measures(image: &[f32]) -> [f64; 2] {
    let step = |a: f32, b: f32| f64::from((a - b).abs());
    let across = image.chunks(SIDE).flat_map(|row| row.windows(2)).map(|pair| step(pair[0], pair[1]));
    let down = image.iter().zip(&image[SIDE..]).map(|(above, below)| step(*above, *below));
    [image.iter().copied().map(f64::from).sum(), across.chain(down).sum()]
}
