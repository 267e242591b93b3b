//! Data as a training sees it: batches by step number, and held-out rows.

use crate::data::Space;
use crate::data::rows::{Rows, one_hot};
use crate::data::{self, DataError, Dataset, Images, LoadOptions, Standardization, Table, permutation};
use anyhow::{Context as _, Result, bail};
use autograd::Tensor;
use flows::Noise;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// How data that never ends is dealt out.
#[derive(Clone, Copy, Debug)]
struct Endless {
    /// Steps that count as an epoch.
    epoch: u64,
    /// The most rows in a batch.
    batch: usize,
    /// Rows that decide which weights are kept.
    validation: usize,
    /// Rows that are reported on.
    test: usize,
}

/// Points in the plane.
const TOY: Endless = Endless { epoch: 500, batch: 1 << 16, validation: 10_000, test: 10_000 };

/// Signals are a thousand times as long as points.
const SIGNALS: Endless = Endless { epoch: 200, batch: 1 << 12, validation: 500, test: 1_000 };

/// Which held-out rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// For choosing: never trained on, never reported.
    Validation,
    /// For reporting.
    Test,
}

/// A data set behind one way to ask for rows. Images are given as levels 0 … 255.
#[derive(Debug)]
pub struct Source {
    name: String,
    data: Dataset,
    space: Space,
    standardization: Option<Standardization>,
    seed: u64,
    classes: usize,
}

impl Source {
    /// Loads data by name or path.
    ///
    /// # Errors
    /// If there is no such data, or it is damaged.
    pub fn open(name: &str, seed: u64) -> Result<Self> {
        // The flow itself standardizes, so that its density is over the data's own units.
        let data = data::load(name, &LoadOptions { seed: 0, standardize: false, ..LoadOptions::default() });
        // Not all of what can be wrong with data knows where the data came from.
        let data = match data {
            Err(error @ (DataError::TooFew { .. } | DataError::Shape { .. })) => Err(error).context(name.to_owned()),
            other => other.map_err(Into::into),
        }?;
        let mut standardization = None;
        let space = match &data {
            Dataset::Images { train, .. } => {
                Space::Images { channels: train.channels, height: train.height, width: train.width }
            }
            Dataset::Table { train, .. } => {
                standardization = Some(Standardization::fit(train).with_context(|| name.to_owned())?);
                Space::Table { columns: train.cols, standardized: true }
            }
            Dataset::Toy(_) => Space::Table { columns: 2, standardized: false },
            Dataset::Speech(speech) => Space::Signal { samples: speech.samples, rate: speech.rate },
        };
        Ok(Self { name: name.to_owned(), data, space, standardization, seed, classes: 0 })
    }

    /// The same data, each row with its class. There are as many classes as the training rows' greatest
    /// label says, and one more: labels count from 0.
    ///
    /// # Errors
    /// If the data has no labels, or held-out rows have greater ones.
    pub fn with_classes(self) -> Result<Self> {
        let greatest = self.all_labels()?[0].1.iter().max().map_or(0, |&label| usize::from(label));
        self.with_classes_of(greatest + 1)
    }

    /// The same data, each row with its class, of so many that a model knows; without classes for 0.
    ///
    /// # Errors
    /// If the data has no labels, or some that the model does not know.
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

    /// How many classes rows come with one of; 0 where they come without.
    #[must_use]
    pub const fn classes(&self) -> usize {
        self.classes
    }

    /// The labels of held-out rows, where they have some, whether or not rows come with their class.
    #[must_use]
    pub fn labels(&self, part: Part) -> Option<&[u8]> {
        match (&self.data, part) {
            (Dataset::Images { validation, .. }, Part::Validation) => validation.labels.as_deref(),
            (Dataset::Images { test, .. }, Part::Test) => test.labels.as_deref(),
            _ => None,
        }
    }

    /// The labels of all three parts, the training rows' first.
    fn all_labels(&self) -> Result<[(&'static str, &[u8]); 3]> {
        let advice = "choose mnist or a folder of IDX images with their label files, or do without --conditional";
        let Dataset::Images { train, validation, test } = &self.data else {
            bail!("{} has no labels to be conditioned on: {advice}", self.name);
        };
        let all = [("training", train), ("validation", validation), ("test", test)];
        if let Some((part, _)) = all.iter().find(|(_, images)| images.labels.is_none()) {
            bail!("the {part} images of {} have no labels to be conditioned on: {advice}", self.name);
        }
        Ok(all.map(|(part, images)| (part, images.labels.as_deref().unwrap_or_default())))
    }

    /// The condition of rows with these labels, where rows come with their class.
    fn condition(&self, labels: impl Iterator<Item = Option<u8>>) -> Option<Tensor<f32>> {
        // With classes, every row was found to have a label below their number.
        let classes: Vec<usize> = labels.flatten().map(usize::from).collect();
        (self.classes > 0).then(|| one_hot(&classes, self.classes))
    }

    /// The space the data lies in.
    #[must_use]
    pub const fn space(&self) -> Space {
        self.space
    }

    /// The column statistics of the training rows, where the model standardizes.
    #[must_use]
    pub const fn standardization(&self) -> Option<&Standardization> {
        self.standardization.as_ref()
    }

    /// How many training rows there are, where they end.
    #[must_use]
    pub fn rows(&self) -> Option<usize> {
        match &self.data {
            Dataset::Images { train, .. } => Some(train.count),
            Dataset::Table { train, .. } => Some(train.rows),
            Dataset::Toy(_) | Dataset::Speech(_) => None,
        }
    }

    /// How the data is dealt out, where it never ends.
    const fn endless(&self) -> Option<Endless> {
        match self.data {
            Dataset::Images { .. } | Dataset::Table { .. } => None,
            Dataset::Toy(_) => Some(TOY),
            Dataset::Speech(_) => Some(SIGNALS),
        }
    }

    /// Steps in one pass over the training rows; a last incomplete batch is left out.
    ///
    /// # Errors
    /// If there are fewer rows than a batch has.
    pub fn steps_per_epoch(&self, batch: usize) -> Result<u64> {
        let endless = self.endless();
        let rows = endless.map_or(self.rows().unwrap_or(0), |endless| endless.batch);
        if !(1..=rows).contains(&batch) {
            let why = if endless.is_some() { String::new() } else { format!(": there are {rows} training rows") };
            bail!("a batch of {batch} does not fit{why}; choose --batch between 1 and {rows}");
        }
        Ok(endless.map_or((rows / batch) as u64, |endless| endless.epoch))
    }

    /// The batch of one step. The order is drawn anew each epoch, from the seed alone, so that any
    /// step can be repeated without what came before it.
    ///
    /// # Errors
    /// As [`Source::steps_per_epoch`].
    pub fn batch(&self, step: u64, batch: usize, order: &mut Order) -> Result<Rows<f32>> {
        let per_epoch = self.steps_per_epoch(batch)?;
        if self.endless().is_some() {
            return Ok(self.made(batch, Noise::for_step(self.seed, step).seed));
        }
        let epoch = step / per_epoch;
        if order.epoch != Some(epoch) {
            let rows = self.rows().unwrap_or(0);
            *order = Order { epoch: Some(epoch), rows: permutation(rows, Noise::for_step(!self.seed, epoch).seed) };
        }
        let start = (step % per_epoch) as usize * batch;
        let mut values = Vec::new();
        let chosen = &order.rows[start..start + batch];
        let mut condition = None;
        match &self.data {
            Dataset::Images { train, .. } => {
                train.gather(chosen, &mut values);
                condition = self.condition(chosen.iter().map(|&i| Some(train.labels.as_ref()?[i])));
            }
            Dataset::Table { train, .. } => train.gather(chosen, &mut values),
            Dataset::Toy(_) | Dataset::Speech(_) => {}
        }
        Ok(Rows::new(Tensor::from_slice([batch, self.space.dims()], &values), condition))
    }

    /// Held-out rows, at most `limit` of them: the first of the split, in its order.
    #[must_use]
    pub fn held_out(&self, part: Part, limit: Option<usize>) -> Rows<f32> {
        let limit = limit.unwrap_or(usize::MAX);
        let images = |images: &Images| {
            let count = images.count.min(limit);
            let mut values = Vec::new();
            images.gather(&(0..count).collect::<Vec<_>>(), &mut values);
            let labels = images.labels.iter().flatten().take(count).map(|&label| Some(label));
            Rows::new(Tensor::from_slice([count, images.dims()], &values), self.condition(labels))
        };
        let table = |table: &Table| {
            let count = table.rows.min(limit);
            Rows::plain(Tensor::from_slice([count, table.cols], &table.values[..count * table.cols]))
        };
        match (&self.data, part) {
            (Dataset::Images { validation, .. }, Part::Validation) => images(validation),
            (Dataset::Images { test, .. }, Part::Test) => images(test),
            (Dataset::Table { validation, .. }, Part::Validation) => table(validation),
            (Dataset::Table { test, .. }, Part::Test) => table(test),
            (Dataset::Toy(_) | Dataset::Speech(_), part) => {
                let of = |sizes: Endless| if part == Part::Test { sizes.test } else { sizes.validation };
                // Seeds that no step of a training reaches.
                let seed = if part == Part::Test { u64::MAX - 1 } else { u64::MAX };
                self.made(self.endless().map_or(0, of).min(limit), seed)
            }
        }
    }

    /// Rows of data that never ends, as a seed decides them.
    fn made(&self, rows: usize, seed: u64) -> Rows<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values = match &self.data {
            Dataset::Images { .. } | Dataset::Table { .. } => Vec::new(),
            Dataset::Toy(toy) => toy.sample(rows, &mut rng).values,
            Dataset::Speech(speech) => speech.sample(rows, &mut rng).values,
        };
        Rows::plain(Tensor::from_slice([rows, self.space.dims()], &values))
    }
}

/// The order of one epoch's rows, kept from step to step.
#[derive(Debug, Default)]
pub struct Order {
    epoch: Option<u64>,
    rows: Vec<usize>,
}
