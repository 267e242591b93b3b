//! `zoo evaluate`.

use super::{load, say, source, threads};
use crate::score::score;
use crate::source::Part;
use anyhow::Result;
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
    /// Decides the noise that dequantises pixels
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let loaded = load::<f32>(&args.run)?;
    let header = &loaded.header;
    let data = args.data.as_ref().unwrap_or(&header.data);
    let source = source(header, args.data.as_ref())?;
    let space = header.blueprint.space;
    let limit = args.limit.and_then(|limit| usize::try_from(limit).ok());
    let rows = source.held_out(Part::Test, limit);
    let found = parallel::with_threads(threads(args.threads), || score(&loaded.flow, &space, &rows, args.seed));
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
        say(&serde_json::to_string_pretty(&object)?)?;
    } else {
        say(&format!(
            "{} on the test rows of {data}: {} (seed {})",
            header.blueprint.name(),
            found.describe(),
            args.seed
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
