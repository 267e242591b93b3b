//! `zoo list`.

use super::{Output, load};
use crate::blueprint::Blueprint;
use crate::recipes::{self, Entry, MODELS, Preset};
use anyhow::Result;
use autograd::Param;
use flows::Module;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

/// What to list.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show the names and shapes of parameters, as checkpoints hold them: a model's for the data
    /// it is usually trained on, or a run's own
    #[arg(long, value_name = "MODEL|RUN")]
    params: Option<String>,
    /// The sizes to show them for
    #[arg(long, value_enum, default_value = "standard")]
    preset: Preset,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    match &args.params {
        Some(run) if Path::new(run).exists() => parameters(&load::<f32>(Path::new(run))?.model.params(), args, out)?,
        Some(model) => parameters(&built(recipes::find(model)?, args.preset)?, args, out)?,
        None if args.json => {
            let rows: Result<Vec<_>> = MODELS
                .iter()
                .map(|entry| {
                    let params = count(&built(entry, args.preset)?);
                    let Entry { name, lecture, paper, published, data, taught_by, .. } = entry;
                    Ok(json!({
                        "model": name,
                        "lecture": lecture,
                        "paper": paper,
                        "published_mnist_bits_per_dim": published,
                        "data": data,
                        "taught_by": taught_by,
                        "parameters": params,
                    }))
                })
                .collect();
            out.json(&rows?)?;
        }
        None => {
            writeln!(
                out,
                "{:<17} {:<30} {:<48} {:>12} {:>16}",
                "model", "lecture", "paper", "parameters", "MNIST bits/dim"
            )?;
            for entry in &MODELS {
                let Entry { name, lecture, paper, published, .. } = entry;
                let params = count(&built(entry, args.preset)?);
                writeln!(out, "{name:<17} {lecture:<30} {paper:<48} {params:>12} {published:>16}")?;
            }
            writeln!(
                out,
                "\nparameters: at the chosen preset, for MNIST or (the wavenets) for speech; bits/dim: as published"
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn built(entry: &Entry, preset: Preset) -> Result<Vec<(String, Param<f32>)>> {
    let space = entry.space();
    let blueprint = Blueprint { architecture: entry.recipe(preset, space).architecture, space, classes: 0 };
    Ok(blueprint.build::<f32>(&mut ChaCha8Rng::seed_from_u64(0))?.params())
}

fn count(params: &[(String, Param<f32>)]) -> usize {
    params.iter().filter(|(_, param)| param.is_trainable()).map(|(_, param)| param.shape().elements()).sum()
}

fn parameters(params: &[(String, Param<f32>)], args: &Args, out: &mut Output<'_>) -> Result<()> {
    if args.json {
        let rows: Vec<_> = params
            .iter()
            .map(
                |(path, param)| json!({ "name": path, "shape": param.shape().to_vec(), "trained": param.is_trainable() }),
            )
            .collect();
        out.json(&rows)?;
        return Ok(());
    }
    for (path, param) in params {
        let kept = if !param.is_trainable() { "  (kept, not trained)" } else { "" };
        writeln!(out, "{path:<40} {}{kept}", param.shape())?;
    }
    writeln!(out, "{} numbers trained", count(params))?;
    Ok(())
}
