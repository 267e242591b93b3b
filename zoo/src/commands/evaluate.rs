//! `zoo evaluate`.

use super::{Output, load, source, threads};
use crate::data::source::Part;
use crate::measure::bound;
use crate::measure::score::score;
use crate::model::Model;
use anyhow::{Context as _, Result, bail};
use autograd::parallel;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to measure, and on what.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder or a .safetensors file
    run: PathBuf,
    /// Other data of the same shape [default: what the model was trained on]
    #[arg(long)]
    data: Option<String>,
    /// Only the first so many test rows
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Draws of z for each row that a vae's log p(x) is estimated from [default: 100]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000), allow_negative_numbers = true)]
    draws: Option<u32>,
    /// Decides the noise that dequantizes pixels, and a vae's draws of z
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let loaded = load::<f32>(&args.run)?;
    let header = &loaded.header;
    let data = args.data.as_ref().unwrap_or(&header.data);
    let source = source(header, args.data.as_ref())?;
    let space = header.blueprint.space;
    let limit = args.limit.and_then(|limit| usize::try_from(limit).ok());
    let rows = source.held_out(Part::Test, limit);
    if args.draws.is_some() && matches!(loaded.model, Model::Flow(_)) {
        bail!("the density of {} needs no draws, it is exact: leave out --draws", header.blueprint.name());
    }
    let draws = args.draws.map_or(Ok(bound::DRAWS), usize::try_from)?;
    let found = parallel::with_threads(threads(args.threads), || match &loaded.model {
        Model::Flow(flow) => Ok(score(flow, &space, &rows, args.seed)),
        Model::Vae(vae) => bound::estimate(vae, &space, &rows, args.seed, draws),
    })
    .with_context(|| data.clone())?;
    if args.json {
        let mut object = json!({
            "model": header.blueprint.name(),
            "data": data,
            "split": "test",
            "step": header.step,
            "seed": args.seed,
        });
        if let (Some(object), serde_json::Value::Object(score)) = (object.as_object_mut(), serde_json::to_value(found)?)
        {
            object.extend(score);
        }
        out.json(&object)?;
    } else {
        writeln!(
            out,
            "{} on the test rows of {data}: {} (seed {})",
            header.blueprint.name(),
            found.describe(),
            args.seed
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
