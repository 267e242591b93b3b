//! What a student is distilled with.

use super::{Budget, Preset, Recipe, wave_net};
use crate::blueprint::{Architecture, Blueprint};
use anyhow::{Result, bail};
use flows::models::Gate;
use flows::models::{Norm, Order};
use flows::nn::{AdamConfig, Schedule};

/// The recipe of a student for this teacher: of the kind that is asked for, or else of the one that suits it.
///
/// # Errors
/// If the teacher is none, or the student cannot learn from it.
pub fn student(teacher: &Blueprint, asked: Option<&str>, preset: Preset) -> Result<Recipe> {
    if let Architecture::WaveNet { .. } = teacher.architecture {
        expect(asked, wave_net::STUDENT.name, teacher)?;
        return Ok(wave_net::STUDENT.recipe(preset, teacher.space));
    }
    let (layers, hidden, depth) = match teacher.architecture {
        // A student needs more layers than one to draw what one autoregressive layer does.
        Architecture::Made { hidden, depth, .. } => (5, hidden, depth),
        Architecture::Maf { layers, hidden, depth, .. } => (layers, hidden, depth),
        _ => bail!(
            "{} is no teacher: distillation makes a model that samples fast of one that does not, made, maf or wavenet",
            teacher.name()
        ),
    };
    expect(asked, "iaf", teacher)?;
    let architecture =
        Architecture::Iaf { layers, hidden, depth, norm: Norm::Act, gate: Gate::None, order: Order::Given };
    let large = teacher.space.dims() > 100;
    let budget = match (large, preset) {
        (true, Preset::Quick) => Budget::Minutes(5.0),
        (true, Preset::Standard) => Budget::Minutes(20.0),
        (true, Preset::Paper) => Budget::Minutes(120.0),
        (false, Preset::Quick) => Budget::Steps(2_000),
        (false, Preset::Standard) => Budget::Steps(10_000),
        (false, Preset::Paper) => Budget::Steps(50_000),
    };
    Ok(Recipe {
        architecture,
        budget,
        batch: if large { 100 } else { 256 },
        lr: if large { 5e-4 } else { 1e-3 },
        schedule: Schedule::Cosine { floor: 0.02 },
        warmup: 200,
        adam: AdamConfig::default(),
        clip: Some(100.0),
        average: Some(0.999),
        shards: large.then_some(1),
        temperature: 1.0,
    })
}

/// Refuses a student that is asked for and does not suit the teacher.
fn expect(asked: Option<&str>, student: &str, teacher: &Blueprint) -> Result<()> {
    match asked {
        Some(asked) if asked != student => {
            bail!("{asked:?} is no student of {}: choose --student {student}, or leave it out", teacher.name())
        }
        _ => Ok(()),
    }
}
