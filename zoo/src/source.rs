//! Data as a training sees it: batches by step number, and held-out rows.

use crate::blueprint::Space;
use crate::data::{self, DataError, Dataset, Images, LoadOptions, Standardisation, Table, Toy, permutation};
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
    data: Dataset,
    space: Space,
    standardisation: Option<Standardisation>,
    seed: u64,
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
        Ok(Self { data, space, standardisation, seed })
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
    pub fn batch(&self, step: u64, batch: usize, order: &mut Order) -> Result<Tensor<f32>> {
        let per_epoch = self.steps_per_epoch(batch)?;
        if let Dataset::Toy(toy) = &self.data {
            return Ok(self.toy_rows(*toy, batch, Noise::for_step(self.seed, step).seed));
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
        match &self.data {
            Dataset::Images { train, .. } => train.gather(chosen, &mut values),
            Dataset::Table { train, .. } => train.gather(chosen, &mut values),
            Dataset::Toy(_) => {}
        }
        Ok(Tensor::from_slice([batch, self.space.dims()], &values))
    }

    /// Held-out rows, at most `limit` of them: the first of the split, in its order.
    #[must_use]
    pub fn held_out(&self, part: Part, limit: Option<usize>) -> Tensor<f32> {
        let limit = limit.unwrap_or(usize::MAX);
        let images = |images: &Images| {
            let count = images.count.min(limit);
            let mut values = Vec::new();
            images.gather(&(0..count).collect::<Vec<_>>(), &mut values);
            Tensor::from_slice([count, images.dims()], &values)
        };
        let table = |table: &Table| {
            let count = table.rows.min(limit);
            Tensor::from_slice([count, table.cols], &table.values[..count * table.cols])
        };
        match (&self.data, part) {
            (Dataset::Images { validation, .. }, Part::Validation) => images(validation),
            (Dataset::Images { test, .. }, Part::Test) => images(test),
            (Dataset::Table { validation, .. }, Part::Validation) => table(validation),
            (Dataset::Table { test, .. }, Part::Test) => table(test),
            // Seeds that no step of a training reaches.
            (Dataset::Toy(toy), Part::Validation) => self.toy_rows(*toy, TOY_ROWS.min(limit), u64::MAX),
            (Dataset::Toy(toy), Part::Test) => self.toy_rows(*toy, TOY_ROWS.min(limit), u64::MAX - 1),
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
