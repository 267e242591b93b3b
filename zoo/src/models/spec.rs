//! What a model tells the program about itself, and the form in which all models stand in one list.

use super::{Blueprint, Model, Preset, Recipe};
use crate::data::Space;
use anyhow::{Context as _, Result, bail};
use autograd::Real;
use clap::{ArgMatches, Command, FromArgMatches as _};
use rand::Rng;
use serde::{Deserialize as _, Serialize};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A model in words.
#[derive(Clone, Copy, Debug)]
pub struct About {
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
    /// A flow over MNIST that learns from data and can be class-conditional.
    pub const BASE: Self = Self {
        name: "",
        lecture: "",
        paper: "",
        published: "-",
        data: "mnist",
        conditional: true,
        teachers: &[],
        learns: Learns::FromData,
    };

    /// The only kind of model it can learn from, if it cannot learn from data.
    #[must_use]
    pub fn taught_by(&self) -> Option<&'static str> {
        self.teachers.first().copied().filter(|_| self.learns == Learns::FromTeacher)
    }
}

/// All that the program knows of one model. Implement this in a file of its own, and add a line to
/// [`MODELS`](super::MODELS).
pub trait ModelSpec: Sync + 'static {
    /// The library's configuration: what a checkpoint stores to rebuild the model.
    type Config: Serialize + DeserializeOwned;
    /// The options of `zoo train` that this model has beyond the common ones.
    type Options: clap::Args;

    /// The model in words.
    const ABOUT: About;

    /// The sizes that a preset gives the model over this data.
    ///
    /// # Errors
    /// If it is no model of such data.
    fn config(preset: Preset, space: Space, classes: usize) -> Result<Self::Config>;

    /// How it is trained.
    fn recipe(preset: Preset, space: Space) -> Recipe;

    /// Changes the sizes as the options ask. `seed` is the run's.
    ///
    /// # Errors
    /// If there is no such model over this data.
    fn adjust(config: &mut Self::Config, options: &Self::Options, space: Space, seed: u64) -> Result<()>;

    /// The dimensions of the data that a configuration is for, and of its condition.
    fn inputs(config: &Self::Config, space: Space) -> [usize; 2];

    /// Refuses sizes that cannot be built, before anything is allocated.
    ///
    /// # Errors
    /// In one line that says what to do.
    fn check(config: &Self::Config, space: Space) -> Result<()>;

    /// A lower bound on the number of weights. A file with fewer is damaged.
    fn least_weights(config: &Self::Config) -> f64;

    /// The model with fresh parameters. What its data passes first (a logit, say) is part of it, except for the
    /// standardization that all models share.
    fn build<T: Real>(config: &Self::Config, space: Space, rng: &mut dyn Rng) -> Model<T>;

    /// Whether evaluation uses statistics of training batches, which must be collected for the weights evaluated.
    fn uses_batch_statistics(_config: &Self::Config) -> bool {
        false
    }

    /// Sizes and recipe of a student of this teacher, if this model can learn from it.
    fn student(_teacher: &Blueprint, _preset: Preset) -> Option<(Self::Config, Recipe)> {
        None
    }
}

/// A [`ModelSpec`] whose configuration is held as JSON, so that different models fit in one list.
pub trait Entry: Sync {
    /// The model in words.
    fn about(&self) -> &'static About;

    /// The model with a preset's sizes.
    ///
    /// # Errors
    /// As [`ModelSpec::config`].
    fn blueprint(&'static self, preset: Preset, space: Space, classes: usize) -> Result<Blueprint>;

    /// As [`ModelSpec::recipe`].
    fn recipe(&self, preset: Preset, space: Space) -> Recipe;

    /// As [`ModelSpec::student`].
    fn student(&'static self, teacher: &Blueprint, preset: Preset) -> Option<(Blueprint, Recipe)>;

    /// The command with this model's own options.
    fn with_options(&self, command: Command) -> Command;

    /// As [`ModelSpec::adjust`], from parsed options.
    ///
    /// # Errors
    /// If there is no such model.
    fn adjust(&self, blueprint: &mut Blueprint, options: &ArgMatches, seed: u64) -> Result<()>;

    /// Refuses JSON that is not this model's configuration.
    ///
    /// # Errors
    /// With what is missing or unknown.
    fn parse(&self, sizes: &Value) -> Result<()>;

    /// Refuses a blueprint that cannot be built.
    ///
    /// # Errors
    /// In one line that says what to do.
    fn check(&self, blueprint: &Blueprint) -> Result<()>;

    /// As [`ModelSpec::least_weights`].
    fn least_weights(&self, blueprint: &Blueprint) -> f64;

    /// As [`ModelSpec::uses_batch_statistics`].
    fn uses_batch_statistics(&self, blueprint: &Blueprint) -> bool;

    /// As [`ModelSpec::build`]; [`check`](Self::check) first.
    ///
    /// # Errors
    /// If the sizes are not this model's.
    fn build_f32(&self, blueprint: &Blueprint, rng: &mut dyn Rng) -> Result<Model<f32>>;

    /// The same in double precision.
    ///
    /// # Errors
    /// If the sizes are not this model's.
    fn build_f64(&self, blueprint: &Blueprint, rng: &mut dyn Rng) -> Result<Model<f64>>;
}

fn config<S: ModelSpec>(sizes: &Value) -> Result<S::Config> {
    S::Config::deserialize(sizes).with_context(|| format!("these are not the sizes of {}", S::ABOUT.name))
}

impl<S: ModelSpec> Entry for S {
    fn about(&self) -> &'static About {
        &S::ABOUT
    }

    fn blueprint(&'static self, preset: Preset, space: Space, classes: usize) -> Result<Blueprint> {
        Blueprint::new(self, &S::config(preset, space, classes)?, space, classes)
    }

    fn recipe(&self, preset: Preset, space: Space) -> Recipe {
        S::recipe(preset, space)
    }

    fn student(&'static self, teacher: &Blueprint, preset: Preset) -> Option<(Blueprint, Recipe)> {
        let (config, recipe) = S::student(teacher, preset)?;
        Some((Blueprint::new(self, &config, teacher.space, teacher.classes).ok()?, recipe))
    }

    fn with_options(&self, command: Command) -> Command {
        <S::Options as clap::Args>::augment_args(command)
    }

    fn adjust(&self, blueprint: &mut Blueprint, options: &ArgMatches, seed: u64) -> Result<()> {
        let mut config = config::<S>(&blueprint.sizes)?;
        S::adjust(&mut config, &S::Options::from_arg_matches(options)?, blueprint.space, seed)?;
        blueprint.sizes = serde_json::to_value(config)?;
        Ok(())
    }

    fn parse(&self, sizes: &Value) -> Result<()> {
        config::<S>(sizes).map(|_| ())
    }

    fn check(&self, blueprint: &Blueprint) -> Result<()> {
        let &Blueprint { space, classes, .. } = blueprint;
        let (name, config) = (S::ABOUT.name, config::<S>(&blueprint.sizes)?);
        if classes > 0 && !S::ABOUT.conditional {
            bail!("{name} takes no classes: leave out --conditional");
        }
        if S::inputs(&config, space) != [space.dims(), classes] {
            bail!("the sizes of this {name} are not those of {}: use another checkpoint, this one is damaged", space.describe());
        }
        S::check(&config, space)
    }

    fn least_weights(&self, blueprint: &Blueprint) -> f64 {
        config::<S>(&blueprint.sizes).map_or(f64::INFINITY, |config| S::least_weights(&config))
    }

    fn uses_batch_statistics(&self, blueprint: &Blueprint) -> bool {
        config::<S>(&blueprint.sizes).is_ok_and(|config| S::uses_batch_statistics(&config))
    }

    fn build_f32(&self, blueprint: &Blueprint, rng: &mut dyn Rng) -> Result<Model<f32>> {
        Ok(S::build(&config::<S>(&blueprint.sizes)?, blueprint.space, rng))
    }

    fn build_f64(&self, blueprint: &Blueprint, rng: &mut dyn Rng) -> Result<Model<f64>> {
        Ok(S::build(&config::<S>(&blueprint.sizes)?, blueprint.space, rng))
    }
}
