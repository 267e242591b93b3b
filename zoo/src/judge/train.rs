//! Trains the judge.

use super::network::Network;
use super::{CLASSES, FORMAT, Judge, examples, pixels};
use crate::data::rows::Rows;
use crate::data::source::{Order, Part, Source};
use crate::runs::{checkpoint, encode, files, interrupt};
use crate::stderr;
use anyhow::Result;
use autograd::{Tensor, sharded};
use flows::nn::{Adam, AdamConfig, Schedule};
use flows::{Module as _, Noise};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::Path;

/// Digits in a step.
const BATCH: usize = 100;
/// A batch is split in two whatever the threads, so that they do not change the weights.
const SHARDS: usize = 2;
const RATE: f64 = 3e-3;
const WARMUP: u64 = 100;
/// Steps between two lines about the training.
const SHOW_EVERY: u64 = 250;

/// A trained judge, and how well it reads.
#[derive(Debug)]
pub struct Trained {
    pub judge: Judge,
    seed: u64,
    steps: u64,
    /// The share of validation and of test images that it reads right.
    pub accuracy: [Accuracy; 2],
}

/// A share of images that are read right.
#[derive(Clone, Copy, Debug)]
pub struct Accuracy {
    /// The share.
    pub share: f64,
    /// The number of images.
    pub n: usize,
}

impl Accuracy {
    /// The standard error of the share.
    pub fn error(&self) -> f64 {
        (self.share * (1.0 - self.share) / self.n as f64).sqrt()
    }
}

/// Trains a judge on the training images of MNIST, by Adam under a cosine of the learning rate. What it learns from is in
/// `examples.rs`. Fails if it is interrupted.
pub fn train(seed: u64, steps: u64) -> Result<Trained> {
    let source = Source::open("mnist", seed)?.with_classes()?;
    let network = Network::new(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut adam = Adam::new(network.params(), AdamConfig::default());
    let (mut order, mut total) = (Order::default(), 0.0);
    for step in 0..steps {
        interrupt::check()?;
        let (images, targets) = batch(&source.batch(step, BATCH, &mut order)?, Noise::for_step(seed, step));
        let evaluated = sharded(BATCH, SHARDS, |tape, range| {
            let logits = network.apply(&tape.constant(images.rows(range.clone()))).logits;
            // The cross-entropy, in nats.
            -(logits.log_softmax(&[1]) * tape.constant(targets.rows(range))).sum_per_sample().mean_all()
        });
        let factor = Schedule::Cosine { floor: 0.0 }.factor(step as f64 / steps as f64);
        adam.step(&evaluated.gradients, RATE * factor * Schedule::warmup(step, WARMUP));
        total += evaluated.loss;
        if (step + 1).is_multiple_of(SHOW_EVERY) {
            let mean = total / SHOW_EVERY as f64;
            stderr::print_line(format_args!("step {} of {steps}: cross-entropy {mean:.4} nats", step + 1));
            total = 0.0;
        }
    }
    let judge = Judge { network };
    let accuracy = [accuracy(&judge, &source, Part::Validation)?, accuracy(&judge, &source, Part::Test)?];
    Ok(Trained { judge, seed, steps, accuracy })
}

/// Pixels and the probabilities of the classes to learn from these rows.
fn batch(rows: &Rows<f32>, noise: Noise) -> (Tensor<f32>, Tensor<f32>) {
    let levels = rows.x();
    let mut images = Tensor::from_fn(levels.shape(), |i| levels.as_slice()[i] / 255.0);
    let mut targets = rows.condition().cloned().unwrap_or_else(|| Tensor::zeros([rows.count(), CLASSES]));
    examples::vary(images.as_mut_slice(), targets.as_mut_slice(), noise);
    (images, targets)
}

/// How many of a part's images the judge reads right.
pub fn accuracy(judge: &Judge, source: &Source, part: Part) -> Result<Accuracy> {
    let read = judge.read(&pixels(source.held_out(part, None).x()))?;
    let labels = source.labels(part).unwrap_or_default();
    let right = read.classes.iter().zip(labels).filter(|(read, label)| **read == usize::from(**label)).count();
    Ok(Accuracy { share: right as f64 / labels.len() as f64, n: labels.len() })
}

impl Trained {
    /// Writes the weights, with their seed, steps and accuracy.
    pub fn write(&self, path: &Path) -> Result<()> {
        let [validation, test] = self.accuracy.map(|accuracy| format!("{} of {} images", accuracy.share, accuracy.n));
        let entries = [
            ("format", FORMAT.to_owned()),
            ("data", "mnist".to_owned()),
            ("seed", self.seed.to_string()),
            ("step", self.steps.to_string()),
            ("validation accuracy", validation),
            ("test accuracy", test),
        ];
        let metadata: BTreeMap<String, String> = entries.map(|(key, value)| (key.to_owned(), value)).into();
        let weights = checkpoint::weights(&self.judge.network);
        let weights: Vec<_> = weights.iter().map(|(name, tensor)| (name, tensor.into())).collect();
        files::replace_atomically(path, |writer| encode::write(writer, &metadata, &weights))
    }
}
