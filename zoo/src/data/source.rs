//! Data as training sees it: batches by step number, and held-out rows.

use crate::data::Space;
use crate::data::columns;
use crate::data::rows::{Rows, one_hot};
use crate::data::{self, Dataset, Images, Parts, Speech, Standardization, Table, permutation};
use crate::stderr;
use anyhow::{Context as _, Result, bail};
use autograd::{Real, Tensor};
use flows::{Module, Noise};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// The sizes of generated data, which never ends.
#[derive(Clone, Copy, Debug)]
struct Endless {
    /// Steps that count as an epoch.
    epoch: u64,
    /// The most rows in a batch.
    batch: usize,
    /// Validation and test rows.
    held_out: [usize; 2],
}

/// Points in the plane.
const TOY: Endless = Endless { epoch: 500, batch: 1 << 16, held_out: [10_000; 2] };

/// Signals are a thousand times as long as points.
const SIGNALS: Endless = Endless { epoch: 200, batch: 1 << 12, held_out: [500, 1_000] };

/// The fewest held-out signals.
const FEWEST: usize = 10;

impl Endless {
    /// With fewer held-out signals if they are longer than usual, so that an evaluation takes no longer.
    fn of_length(self, samples: usize) -> Self {
        let usual = Speech::default().samples;
        let held_out = self.held_out.map(|rows| rows.min((rows * usual / samples.max(1)).max(FEWEST)));
        Self { held_out, ..self }
    }
}

/// A part of the held-out rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// For choosing weights: never trained on, never reported.
    Validation,
    /// For reporting.
    Test,
}

impl Part {
    fn of<T>(self, parts: &Parts<T>) -> &T {
        match self {
            Self::Validation => &parts.validation,
            Self::Test => &parts.test,
        }
    }
}

/// A data set of any kind, as models take it: images are pixel levels 0 … 255, and the columns of a table are
/// standardized. Clones share the data.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    data: Arc<Dataset>,
    space: Space,
    standardization: Option<Standardization>,
    seed: u64,
    classes: usize,
    tracked: bool,
}

impl Source {
    /// Loads data by name or path.
    pub fn open(name: &str, seed: u64) -> Result<Self> {
        let data = data::load(name)?;
        let mut standardization = None;
        let space = match &data {
            Dataset::Images(Parts { train, .. }) => {
                Space::Images { channels: train.channels, height: train.height, width: train.width }
            }
            Dataset::Table(Parts { train, .. }) => {
                standardization = Some(Standardization::fit(train).with_context(|| name.to_owned())?);
                Space::Table { columns: train.cols, standardized: true }
            }
            Dataset::Toy(_) => Space::Table { columns: 2, standardized: false },
            Dataset::Speech(speech) => Space::Signal { samples: speech.samples, rate: speech.rate },
        };
        Ok(Self {
            name: name.to_owned(),
            data: Arc::new(data),
            space,
            standardization,
            seed,
            classes: 0,
            tracked: false,
        })
    }

    /// The same data, standardized by a model's statistics; not at all for a model that has none.
    pub fn in_units_of<T: Real>(&self, model: &(impl Module<T> + ?Sized)) -> Self {
        Self { standardization: Standardization::of(model), ..self.clone() }
    }

    /// The same data, with each row's class. Labels count from 0, and the largest label of the training rows gives the
    /// number of classes.
    pub fn with_classes(self) -> Result<Self> {
        let largest = self.all_labels()?[0].1.iter().max().map_or(0, |&label| usize::from(label));
        self.with_classes_of(largest + 1)
    }

    /// The same data, with each row's class, for a model with this many classes; without classes for 0.
    pub fn with_classes_of(self, classes: usize) -> Result<Self> {
        if classes > 0 {
            for (part, labels) in self.all_labels()? {
                if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= classes) {
                    bail!(
                        "{}: a {part} image has the label {label}, but there are only the classes 0 to {}: use labels like those that are trained on",
                        self.name,
                        classes - 1
                    );
                }
            }
        }
        Ok(Self { classes, ..self })
    }

    /// The same data, each row with its track, for a model given one of this many features; without tracks for 0.
    pub fn with_track_of(self, features: usize) -> Result<Self> {
        if features > 0 && !(features == Speech::TRACK && matches!(*self.data, Dataset::Speech(_))) {
            bail!("{} has no tracks of {features} features, which this model is given: choose speech", self.name);
        }
        Ok(Self { tracked: features > 0, ..self })
    }

    /// The number of classes; 0 if rows come without their class.
    pub const fn classes(&self) -> usize {
        self.classes
    }

    /// The labels of held-out rows, if they have any.
    pub fn labels(&self, part: Part) -> Option<&[u8]> {
        let Dataset::Images(images) = &*self.data else { return None };
        part.of(images).labels.as_deref()
    }

    /// The labels of the training, validation and test rows.
    fn all_labels(&self) -> Result<[(&'static str, &[u8]); 3]> {
        let advice = "choose mnist or a folder of IDX images with their label files, or do without --conditional";
        let Dataset::Images(Parts { train, validation, test }) = &*self.data else {
            bail!("{} has no labels to condition on: {advice}", self.name);
        };
        let all = [("training", train), ("validation", validation), ("test", test)];
        if let Some((part, _)) = all.iter().find(|(_, images)| images.labels.is_none()) {
            bail!("the {part} images of {} have no labels to condition on: {advice}", self.name);
        }
        Ok(all.map(|(part, images)| (part, images.labels.as_deref().unwrap_or_default())))
    }

    /// The classes of rows with these labels, if rows come with their class.
    fn condition(&self, labels: impl Iterator<Item = Option<u8>>) -> Option<Tensor<f32>> {
        // `with_classes_of` has checked every label.
        let classes: Vec<usize> = labels.flatten().map(usize::from).collect();
        (self.classes > 0).then(|| one_hot(&classes, self.classes))
    }

    /// The space that the rows lie in.
    pub const fn space(&self) -> Space {
        self.space
    }

    /// The statistics that the rows are standardized by: those of the training rows of a table, or a model's.
    pub const fn standardization(&self) -> Option<&Standardization> {
        self.standardization.as_ref()
    }

    /// Prints a line on each kind of column that a density does not suit.
    pub fn warn(&self) {
        if let (Dataset::Table(Parts { train, .. }), Some(units)) = (&*self.data, &self.standardization) {
            for line in columns::warnings(&self.name, train, units) {
                stderr::print_line(format_args!("{line}"));
            }
        }
    }

    /// The number of training rows; None for generated data.
    pub fn rows(&self) -> Option<usize> {
        match &*self.data {
            Dataset::Images(Parts { train, .. }) => Some(train.count),
            Dataset::Table(Parts { train, .. }) => Some(train.rows),
            Dataset::Toy(_) | Dataset::Speech(_) => None,
        }
    }

    /// The sizes of generated data.
    fn endless(&self) -> Option<Endless> {
        match *self.data {
            Dataset::Images(_) | Dataset::Table(_) => None,
            Dataset::Toy(_) => Some(TOY),
            Dataset::Speech(speech) => Some(SIGNALS.of_length(speech.samples)),
        }
    }

    /// Steps per epoch, without an incomplete last batch.
    pub fn steps_per_epoch(&self, batch: usize) -> Result<u64> {
        let endless = self.endless();
        let rows = endless.map_or(self.rows().unwrap_or(0), |endless| endless.batch);
        if !(1..=rows).contains(&batch) {
            let why = if endless.is_some() { String::new() } else { format!(": there are {rows} training rows") };
            bail!("a batch of {batch} does not fit{why}; choose --batch between 1 and {rows}");
        }
        Ok(endless.map_or((rows / batch) as u64, |endless| endless.epoch))
    }

    /// The batch of one step. The order of an epoch depends only on the seed, so any step can be repeated by itself.
    pub fn batch(&self, step: u64, batch: usize, order: &mut Order) -> Result<Rows<f32>> {
        let per_epoch = self.steps_per_epoch(batch)?;
        if self.endless().is_some() {
            return Ok(self.generated(batch, Noise::for_step(self.seed, step).seed));
        }
        let epoch = step / per_epoch;
        if order.epoch != Some(epoch) {
            let rows = self.rows().unwrap_or(0);
            *order = Order { epoch: Some(epoch), rows: permutation(rows, Noise::for_step(!self.seed, epoch).seed) };
        }
        let start = (step % per_epoch) as usize * batch;
        let chosen = &order.rows[start..start + batch];
        Ok(match &*self.data {
            Dataset::Images(Parts { train, .. }) => self.images(train, chosen),
            Dataset::Table(Parts { train, .. }) => self.table(train, chosen),
            Dataset::Toy(_) | Dataset::Speech(_) => self.generated(0, 0),
        })
    }

    /// The first held-out rows of a part, at most `limit` of them.
    pub fn held_out(&self, part: Part, limit: Option<usize>) -> Rows<f32> {
        let limit = limit.unwrap_or(usize::MAX);
        let first = |count: usize| (0..count.min(limit)).collect::<Vec<_>>();
        match &*self.data {
            Dataset::Images(images) => self.images(part.of(images), &first(part.of(images).count)),
            Dataset::Table(rows) => self.table(part.of(rows), &first(part.of(rows).rows)),
            Dataset::Toy(_) | Dataset::Speech(_) => {
                let count = self.endless().map_or(0, |sizes| sizes.held_out[usize::from(part == Part::Test)]);
                // No training step uses these seeds.
                let seed = if part == Part::Validation { u64::MAX } else { u64::MAX - 1 };
                self.generated(count.min(limit), seed)
            }
        }
    }

    /// The images at these indices, with their classes.
    fn images(&self, images: &Images, indices: &[usize]) -> Rows<f32> {
        let values = images.levels(indices);
        let labels = indices.iter().map(|&i| Some(images.labels.as_ref()?[i]));
        Rows::new(Tensor::from_slice([indices.len(), images.dims()], &values), self.condition(labels))
    }

    /// The table's rows at these indices.
    fn table(&self, table: &Table, indices: &[usize]) -> Rows<f32> {
        let chosen = table.select(indices).values;
        let values = match &self.standardization {
            Some(units) => units.to_model(&chosen),
            None => chosen.iter().map(|&x| x as f32).collect(),
        };
        Rows::plain(Tensor::from_slice([indices.len(), table.cols], &values))
    }

    /// Generated rows.
    fn generated(&self, rows: usize, seed: u64) -> Rows<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut track = None;
        let mut values = match &*self.data {
            Dataset::Images(_) | Dataset::Table(_) => Vec::new(),
            Dataset::Toy(toy) => toy.sample(rows, &mut rng).values,
            Dataset::Speech(speech) => {
                let (signals, tracks) = speech.sample_with_tracks(rows, &mut rng);
                track = self.tracked.then(|| Tensor::from_slice([rows, tracks.cols], &tracks.values));
                signals.values
            }
        };
        if let Some(units) = &self.standardization {
            values = units.to_model(&values.iter().copied().map(f64::from).collect::<Vec<_>>());
        }
        Rows::new(Tensor::from_slice([rows, self.space.dims()], &values), track)
    }
}

/// The order of one epoch's rows, kept from step to step.
#[derive(Debug, Default)]
pub struct Order {
    epoch: Option<u64>,
    rows: Vec<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_of_the_longest_signals_are_held_out() {
        let held_out = |samples| SIGNALS.of_length(samples).held_out;
        assert_eq!(
            [64, 2048, 8192, 65_536, 1 << 20].map(held_out),
            [[500, 1000], [500, 1000], [125, 250], [15, 31], [10, 10]]
        );
    }
}
