//! The models: all that the program knows of each, in one file a model, and the list of them.
//!
//! To add a model, implement [`ModelSpec`] in a new file here, declare its `mod`, and add it to the list.

mod autoregressive;
mod blueprint;
pub mod gaussianization;
pub mod iaf;
pub mod made;
pub mod maf;
pub mod mint_net;
pub mod model;
pub mod nice;
pub mod options;
pub mod parallel_wavenet;
pub mod rbig;
pub mod real_nvp;
mod recipe;
mod spec;
mod standardized;
pub mod vae;
pub mod wavenet;

pub use blueprint::{Blueprint, limit};
pub use model::Model;
pub use recipe::{Budget, Lesson, Lessons, Preset, Recipe};
pub use spec::{About, Learns, ModelSpec};
pub use standardized::Standardized;

use crate::data::{Space, Speech};
use anyhow::{Result, bail};
use clap::{Args as _, Command};
use serde::{Deserialize, Serialize};

/// What every model's file needs.
mod prelude {
    pub(super) use super::blueprint::{as_image, behind_logit, check_image, check_positive, check_squeezes, halvings};
    pub(super) use super::{About, Blueprint, Budget, Kind, Learns, Lesson, Model, ModelSpec, Preset, Recipe};
    pub(super) use super::{autoregressive, options};
    pub(super) use crate::data::{Space, Speech};
    pub(super) use anyhow::{Result, bail};
    pub(super) use autograd::Real;
    pub(super) use flows::models::{self, AutoregressiveConfig, Gate, Norm, Order};
    pub(super) use flows::nn::AdamConfig;
    pub(super) use rand::Rng;
    pub(super) use serde::{Deserialize, Serialize};
}

/// Makes the list of models, and `with_spec!`, which evaluates an expression with the [`ModelSpec`] of one. (The
/// dollar is passed in because a macro inside a macro cannot be written with one of its own.)
macro_rules! list {
    ($dollar:tt $($module:ident::$Model:ident)*) => {
        $(
            #[doc = concat!("The model `", stringify!($module), "`.")]
            #[derive(Debug)]
            pub struct $Model;
        )*

        /// A model of the list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&str")]
        pub enum Kind {
            $($Model),*
        }

        /// Every model.
        pub const MODELS: [Kind; [$(stringify!($Model)),*].len()] = [$(Kind::$Model),*];

        macro_rules! with_spec {
            ($dollar kind:expr, $dollar S:ident => $dollar value:expr) => {
                match $dollar kind {
                    $($crate::models::Kind::$Model => {
                        type $dollar S = $crate::models::$Model;
                        $dollar value
                    })*
                }
            };
        }
    };
}

// The flows in the lectures' order, then the VAE.
list! { $
    nice::Nice
    real_nvp::RealNvp
    made::Made
    maf::Maf
    iaf::Iaf
    wavenet::WaveNet
    parallel_wavenet::ParallelWaveNet
    mint_net::MintNet
    rbig::Rbig
    gaussianization::Gaussianization
    vae::Vae
}

use with_spec;

impl Kind {
    /// The model in words.
    pub const fn about(self) -> About {
        with_spec!(self, S => S::ABOUT)
    }

    /// Whether the noise between pixel levels can be learned with it: it is a flow that is trained on data.
    pub fn takes_learned_noise(self) -> bool {
        self.about().learns == Learns::FromData && self != Self::Vae
    }

    /// The model with a preset's sizes over this data.
    /// Fails if it is no model of such data.
    pub fn blueprint(self, preset: Preset, space: Space, classes: usize) -> Result<Blueprint> {
        with_spec!(self, S => Blueprint::new::<S>(&S::config(preset, space, classes)?, space, classes))
    }

    /// How it is trained.
    pub fn recipe(self, preset: Preset, space: Space) -> Recipe {
        with_spec!(self, S => S::recipe(preset, space))
    }

    /// A student of this teacher and its recipe, if this model can learn from it.
    fn student(self, teacher: &Blueprint, preset: Preset) -> Option<(Blueprint, Recipe)> {
        let (space, classes) = (teacher.space, teacher.classes);
        with_spec!(self, S => {
            let (config, recipe) = S::student(teacher, preset)?;
            Some((Blueprint::new::<S>(&config, space, classes).ok()?, recipe))
        })
    }

    /// A command with the model's own options alone.
    fn options(self) -> Command {
        let command = Command::new(self.about().name);
        with_spec!(self, S => <S as ModelSpec>::Options::augment_args(command))
    }

    /// The space of the data that it is trained on by default.
    pub fn default_space(self) -> Space {
        if self.about().data == Speech::NAME {
            let Speech { samples, rate } = Speech::default();
            Space::Signal { samples, rate }
        } else {
            Space::Images { channels: 1, height: 28, width: 28 }
        }
    }
}

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        named(&name).ok_or_else(|| format!("there is no model {name:?}"))
    }
}

impl From<Kind> for &str {
    fn from(kind: Kind) -> Self {
        kind.about().name
    }
}

/// The model of exactly this name.
fn named(name: &str) -> Option<Kind> {
    MODELS.into_iter().find(|model| model.about().name == name)
}

/// The model of a name, in upper or lower case.
/// Fails if there is none, and suggests the nearest.
pub fn find(name: &str) -> Result<Kind> {
    let lower = name.to_lowercase();
    if let Some(model) = named(&lower) {
        return Ok(model);
    }
    let names = MODELS.map(|model| model.about().name);
    match nearest(&lower, names) {
        Some(near) => bail!("there is no model {name:?}; did you mean {near:?}? (`zoo list` shows them all)"),
        None => bail!("there is no model {name:?}; there are: {}", names.join(", ")),
    }
}

/// Whether this is the name of a model.
pub fn is_name(name: &str) -> bool {
    named(name).is_some()
}

/// The name that another may be a misspelling of.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(known, name);
    names.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|near| likeness(near) > 0.6)
}

/// The models that can be distilled from others.
pub fn students() -> impl Iterator<Item = Kind> {
    MODELS.into_iter().filter(|model| !model.about().teachers.is_empty())
}

/// Sizes and recipe of a student for this teacher: the one asked for, or else the only one that suits.
/// Fails if nothing can learn from the teacher, or the student asked for cannot.
pub fn student(teacher: &Blueprint, asked: Option<&str>, preset: Preset) -> Result<(Blueprint, Recipe)> {
    let name = teacher.name();
    let Some((student, recipe)) = MODELS.iter().find_map(|model| model.student(teacher, preset)) else {
        let teachers: Vec<&str> = students().flat_map(|model| model.about().teachers).copied().collect();
        bail!("{name} cannot be a teacher: distill {}", join(&teachers));
    };
    match asked {
        Some(asked) if asked != student.name() => {
            bail!("{asked:?} is no student of {name}: choose --student {}, or leave it out", student.name())
        }
        _ => Ok((student, recipe)),
    }
}

/// Words in a sentence: `a, b and c`.
pub(crate) fn join(words: &[impl AsRef<str>]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match &*words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flows::Module as _;
    use rand::SeedableRng;

    /// Every model over every kind of data, built from JSON as a checkpoint has it.
    #[test]
    fn models_are_built_from_their_json_and_have_the_weights_of_their_outline() {
        let spaces = [
            Space::Images { channels: 1, height: 4, width: 6 },
            Space::Table { columns: 3, standardized: true },
            Space::Signal { samples: 64, rate: 8000 },
        ];
        for (model, space) in MODELS.into_iter().flat_map(|model| spaces.map(|space| (model, space))) {
            let Ok(blueprint) = model.blueprint(Preset::Quick, space, 0) else { continue };
            let json = serde_json::to_string(&blueprint).unwrap();
            let again: Blueprint = serde_json::from_str(&json).unwrap();
            assert_eq!(again, blueprint);
            let built = again.build::<f32>(&mut rand_chacha::ChaCha8Rng::seed_from_u64(0)).unwrap();
            let described = |params: Vec<(String, autograd::Param<f32>)>| {
                params.into_iter().map(|(name, param)| (name, param.shape(), param.is_trainable())).collect::<Vec<_>>()
            };
            assert_eq!(described(built.params()), described(again.outline(u64::MAX).unwrap()), "{json}");
        }
    }

    /// Colors, squeezes and wide networks need more beside their weights than gray images.
    #[test]
    fn every_model_of_every_preset_is_small_enough_for_its_own_checkpoint() {
        let images = [(1, 28, 28), (3, 4, 8), (3, 32, 32)];
        let spaces = images.map(|(channels, height, width)| Space::Images { channels, height, width });
        for (model, space) in MODELS.into_iter().flat_map(|model| spaces.map(|space| (model, space))) {
            for preset in [Preset::Quick, Preset::Standard, Preset::Paper] {
                let Ok(blueprint) = model.blueprint(preset, space, 0) else { continue };
                let checked = blueprint.check_memory().map_err(|why| why.to_string());
                // Large models may be beyond this machine, but never too small for their data.
                assert!(
                    checked.as_ref().is_err_and(|why| why.contains("to train")) || checked == Ok(()),
                    "{checked:?}"
                );
            }
        }
    }
}
