//! What a model tells the program about itself.

use super::{Blueprint, Kind, Model, Preset, Recipe};
use crate::data::Space;
use anyhow::Result;
use autograd::Real;
use rand::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A model in words.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its place in the list.
    pub kind: Kind,
    /// The name that commands take.
    pub name: &'static str,
    /// Where the lectures treat it.
    pub lecture: &'static str,
    /// The paper, with its year.
    pub paper: &'static str,
    /// The published result on MNIST, in bits per dimension; `-` where there is none.
    pub published: &'static str,
    /// The data it is trained on by default.
    pub data: &'static str,
    /// Whether it can be given the class of each row.
    pub conditional: bool,
    /// The models it can be distilled from.
    pub teachers: &'static [&'static str],
    /// How it learns.
    pub learns: Learns,
}

/// How a model gets its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learns {
    /// By gradients, from data.
    FromData,
    /// Layer by layer from data, without gradients.
    ByFitting,
    /// Only from a teacher.
    FromTeacher,
}

impl About {
    /// A model that learns from MNIST and can be class-conditional.
    pub const fn new(kind: Kind, name: &'static str, lecture: &'static str, paper: &'static str) -> Self {
        let (published, data, conditional, teachers, learns) = ("-", "mnist", true, &[], Learns::FromData);
        Self { kind, name, lecture, paper, published, data, conditional, teachers, learns }
    }

    /// The only kind of model it can learn from, if it cannot learn from data.
    pub fn taught_by(&self) -> Option<&'static str> {
        self.teachers.first().copied().filter(|_| self.learns == Learns::FromTeacher)
    }
}

/// All that the program knows of one model.
pub trait ModelSpec {
    /// The library's configuration: what a checkpoint stores to rebuild the model.
    type Config: Serialize + DeserializeOwned;
    /// The options of `zoo train` that this model has beyond the common ones.
    type Options: clap::Args;

    /// The model in words.
    const ABOUT: About;

    /// The sizes that a preset gives the model over this data.
    /// Fails if it is no model of such data.
    fn config(preset: Preset, space: Space, classes: usize) -> Result<Self::Config>;

    /// How it is trained.
    fn recipe(preset: Preset, space: Space) -> Recipe;

    /// Changes the sizes as the options ask. `seed` is the run's.
    /// Fails if there is no such model over this data.
    fn adjust(_config: &mut Self::Config, _options: &Self::Options, _space: Space, _seed: u64) -> Result<()> {
        Ok(())
    }

    /// Takes what holds no weights from the sizes of a new model, for a training that starts from older weights.
    fn renew(_config: &mut Self::Config, _new: &Self::Config) {}

    /// Refuses sizes that make no model, such as 0 layers. Returns the dimensions of the data and of the condition that
    /// they are for. How large they may be is not decided here.
    fn check(config: &Self::Config, space: Space) -> Result<[usize; 2]>;

    /// The model with fresh parameters, of sizes that were checked. What its data passes first (a logit, say) is part of
    /// it, except for the standardization that all models share.
    fn build<T: Real>(config: &Self::Config, space: Space, rng: &mut dyn Rng) -> Model<T>;

    /// The features of the track that it is given for each sample of a signal; 0 without one.
    fn track(_config: &Self::Config) -> usize {
        0
    }

    /// Whether evaluation uses statistics of training batches, which must be collected for the weights evaluated.
    fn uses_batch_statistics(_config: &Self::Config) -> bool {
        false
    }

    /// What to know before a long training, in one line.
    fn warning(_config: &Self::Config, _space: Space) -> Option<String> {
        None
    }

    /// Sizes and recipe of a student of this teacher, if this model can learn from it.
    fn student(_teacher: &Blueprint, _preset: Preset) -> Option<(Self::Config, Recipe)> {
        None
    }
}
