//! Data as a training sees it: batches by step number, and held-out rows.

use crate::blueprint::Space;
use crate::data::{self, DataError, Dataset, Images, LoadOptions, Standardisation, Table, Toy, permutation};
use crate::rows::{Rows, one_hot};
use anyhow::{Context as _, Result, bail};
use autograd::Tensor;
use flows::Noise;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Steps that count as an epoch where the data never ends.
const TOY_EPOCH: u64 = 500;

/// The most rows in a batch where the data never ends.
const TOY_BATCH: usize = 1 << 16;

/// Rows that a toy is evaluated on.
const TOY_ROWS: usize = 10_000;

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
    standardisation: Option<Standardisation>,
    seed: u64,
    classes: usize,
}

impl Source {
    /// Loads data by name or path.
    ///
    /// # Errors
    /// If there is no such data, or it is damaged.
    pub fn open(name: &str, seed: u64) -> Result<Self> {
        // The flow itself standardises, so that its density is over the data's own units.
        let data = data::load(name, &LoadOptions { seed: 0, standardise: false, ..LoadOptions::default() });
        // Not all of what can be wrong with data knows where the data came from.
        let data = match data {
            Err(error @ (DataError::TooFew { .. } | DataError::Shape { .. })) => Err(error).context(name.to_owned()),
            other => other.map_err(Into::into),
        }?;
        let mut standardisation = None;
        let space = match &data {
            Dataset::Images { train, .. } => {
                Space::Images { channels: train.channels, height: train.height, width: train.width }
            }
            Dataset::Table { train, .. } => {
                standardisation = Some(Standardisation::fit(train).with_context(|| name.to_owned())?);
                Space::Table { columns: train.cols, standardised: true }
            }
            Dataset::Toy(_) => Space::Table { columns: 2, standardised: false },
        };
        Ok(Self { name: name.to_owned(), data, space, standardisation, seed, classes: 0 })
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

    /// The column statistics of the training rows, where the model standardises.
    #[must_use]
    pub const fn standardisation(&self) -> Option<&Standardisation> {
        self.standardisation.as_ref()
    }

    /// How many training rows there are, where they end.
    #[must_use]
    pub fn rows(&self) -> Option<usize> {
        match &self.data {
            Dataset::Images { train, .. } => Some(train.count),
            Dataset::Table { train, .. } => Some(train.rows),
            Dataset::Toy(_) => None,
        }
    }

    /// Steps in one pass over the training rows; a last incomplete batch is left out.
    ///
    /// # Errors
    /// If there are fewer rows than a batch has.
    pub fn steps_per_epoch(&self, batch: usize) -> Result<u64> {
        let rows = match &self.data {
            Dataset::Images { train, .. } => train.count,
            Dataset::Table { train, .. } => train.rows,
            Dataset::Toy(_) => TOY_BATCH,
        };
        let endless = matches!(self.data, Dataset::Toy(_));
        if !(1..=rows).contains(&batch) {
            let why = if endless { String::new() } else { format!(": there are {rows} training rows") };
            bail!("a batch of {batch} does not fit{why}; choose --batch between 1 and {rows}");
        }
        Ok(if endless { TOY_EPOCH } else { (rows / batch) as u64 })
    }

    /// The batch of one step. The order is drawn anew each epoch, from the seed alone, so that any
    /// step can be repeated without what came before it.
    ///
    /// # Errors
    /// As [`Source::steps_per_epoch`].
    pub fn batch(&self, step: u64, batch: usize, order: &mut Order) -> Result<Rows<f32>> {
        let per_epoch = self.steps_per_epoch(batch)?;
        if let Dataset::Toy(toy) = &self.data {
            return Ok(Rows::plain(self.toy_rows(*toy, batch, Noise::for_step(self.seed, step).seed)));
        }
        let epoch = step / per_epoch;
        if order.epoch != Some(epoch) {
            let rows = match &self.data {
                Dataset::Images { train, .. } => train.count,
                Dataset::Table { train, .. } => train.rows,
                Dataset::Toy(_) => 0,
            };
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
            Dataset::Toy(_) => {}
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
        let toy = |toy: Toy, seed| Rows::plain(self.toy_rows(toy, TOY_ROWS.min(limit), seed));
        match (&self.data, part) {
            (Dataset::Images { validation, .. }, Part::Validation) => images(validation),
            (Dataset::Images { test, .. }, Part::Test) => images(test),
            (Dataset::Table { validation, .. }, Part::Validation) => table(validation),
            (Dataset::Table { test, .. }, Part::Test) => table(test),
            // Seeds that no step of a training reaches.
            (Dataset::Toy(of), Part::Validation) => toy(*of, u64::MAX),
            (Dataset::Toy(of), Part::Test) => toy(*of, u64::MAX - 1),
        }
    }

    fn toy_rows(&self, toy: Toy, rows: usize, seed: u64) -> Tensor<f32> {
        let table = toy.sample(rows, &mut ChaCha8Rng::seed_from_u64(seed));
        Tensor::from_slice([rows, self.space.dims()], &table.values)
    }
}

/// The order of one epoch's rows, kept from step to step.
#[derive(Debug, Default)]
pub struct Order {
    epoch: Option<u64>,
    rows: Vec<usize>,
}
