//! The models: all that the program knows of each, in one file a model, and the list of them.
//!
//! To add a model, implement [`ModelSpec`] in a file beside these and add a line to [`MODELS`].

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
pub mod vae;
pub mod wavenet;

pub use blueprint::{Blueprint, Precision};
pub use gaussianization::Gaussianization;
pub use iaf::Iaf;
pub use made::Made;
pub use maf::Maf;
pub use mint_net::MintNet;
pub use model::Model;
pub use nice::Nice;
pub use parallel_wavenet::ParallelWaveNet;
pub use rbig::Rbig;
pub use real_nvp::RealNvp;
pub use recipe::{Budget, Preset, Recipe};
pub use spec::{About, Entry, Learns, ModelSpec};
pub use vae::Vae;
pub use wavenet::WaveNet;

use crate::data::{Space, Speech};
use anyhow::{Result, bail};

/// Every model: the flows in the lectures' order, then the VAE.
pub static MODELS: [&dyn Entry; 11] = [
    &Nice,
    &RealNvp,
    &Made,
    &Maf,
    &Iaf,
    &WaveNet,
    &ParallelWaveNet,
    &MintNet,
    &Rbig,
    &Gaussianization,
    &Vae,
];

/// The model of exactly this name.
fn named(name: &str) -> Option<&'static dyn Entry> {
    MODELS.into_iter().find(|model| model.about().name == name)
}

/// The model of a name, in upper or lower case.
///
/// # Errors
/// If there is none; suggests the nearest.
pub fn find(name: &str) -> Result<&'static dyn Entry> {
    let lower = name.to_lowercase();
    if let Some(model) = named(&lower) {
        return Ok(model);
    }
    let likeness = |known: &str| strsim::jaro_winkler(known, &lower);
    let names = MODELS.map(|model| model.about().name);
    match names.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
        Some(nearest) if likeness(nearest) > 0.7 => {
            bail!("there is no model {name:?}; did you mean {nearest:?}? (`zoo list` shows them all)")
        }
        _ => bail!("there is no model {name:?}; there are: {}", names.join(", ")),
    }
}

/// The models that can be distilled from others.
pub fn students() -> impl Iterator<Item = &'static dyn Entry> {
    MODELS.into_iter().filter(|model| !model.about().teachers.is_empty())
}

/// Sizes and recipe of a student for this teacher: the one asked for, or else the only one that suits.
///
/// # Errors
/// If nothing can learn from the teacher, or the student asked for cannot.
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

/// The space of the data that a model is trained on by default.
#[must_use]
pub fn default_space(model: &dyn Entry) -> Space {
    if model.about().data == Speech::NAME {
        let Speech { samples, rate } = Speech::default();
        Space::Signal { samples, rate }
    } else {
        Space::Images { channels: 1, height: 28, width: 28 }
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
mod dump {
    use super::*;
    #[test]
    fn dump() {
        let mut out = String::new();
        let spaces = [
            Space::Images { channels: 1, height: 28, width: 28 },
            Space::Images { channels: 3, height: 5, width: 6 },
            Space::Table { columns: 2, standardized: true },
            Space::Table { columns: 1, standardized: true },
            Space::Table { columns: 63, standardized: false },
            Space::Signal { samples: 512, rate: 8000 },
        ];
        let params_of = |blueprint: Result<Blueprint>| {
            let params = blueprint.and_then(|b| { 
                let held = flows::Module::params(&b.build::<f32>(&mut <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(0))?);
                let sum: usize = held.iter().map(|(_, p)| p.shape().elements()).sum();
                let least = b.entry().least_weights(&b);
                assert!(least <= sum as f64 && least * 200.0 > sum as f64, "{b:?} {least} {sum}");
                let round: Blueprint = serde_json::from_str(&serde_json::to_string(&b).unwrap()).unwrap();
                assert_eq!(round, b);
                Ok(held)
            }).map(|held| {
                held.iter().map(|(path, p)| format!("{path}{}", p.shape())).collect::<Vec<_>>().join(";")
            });
            let params = match params { Ok(p) => p, Err(e) => format!("ERR {e:#}") };
            let short = { use std::hash::{Hash, Hasher}; let mut h = std::hash::DefaultHasher::new(); params.hash(&mut h); h.finish() };
            let err = if params.starts_with("ERR") { params } else { String::new() };
            (short, err)
        };
        for entry in MODELS {
            for preset in [Preset::Quick, Preset::Standard, Preset::Paper] {
                for space in spaces {
                    let recipe = entry.recipe(preset, space);
                    let (short, err) = params_of(entry.blueprint(preset, space, 0));
                    let value = serde_json::to_value(&recipe).unwrap();
                    out += &format!("{} {preset:?} {space:?} {value} {short:x} {err}\n", entry.about().name);
                }
            }
        }
        for (name, space) in [("maf", spaces[0]), ("maf", spaces[2]), ("made", spaces[2]), ("wavenet", spaces[5])] {
            for preset in [Preset::Quick, Preset::Standard, Preset::Paper] {
                let blueprint = find(name).unwrap().blueprint(preset, space, 3).unwrap();
                let (b2, recipe) = student(&blueprint, None, preset).unwrap();
                let (short, _) = params_of(Ok(b2));
                let value = serde_json::to_value(&recipe).unwrap();
                out += &format!("student of {name} {preset:?} {space:?} {value} {short:x}\n");
            }
        }
        std::fs::write("/tmp/d-recipes-new.txt", out).unwrap();
    }
}
