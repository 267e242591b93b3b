//! `zoo evaluate`: the log-likelihood of held-out rows, and what the judge says about samples.

use super::prelude::*;
use crate::judge::judged::{self, Judged};
use crate::measure::draws::{Draws, draws};
use crate::measure::figures;
use crate::runs::memory;
use serde::Serialize;

/// Compute the log-likelihood of the test rows, in nats and bits/dim
///
/// With --samples, a small classifier of digits also judges samples of a model of 28×28 pixels, beside as many training
/// images: how often it is sure, how many samples are bursts of noise, how far the classes are from those of the test
/// images (total variation), and the squared Fréchet distance between the classifier's features of both. That one
/// depends on the number of samples.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo evaluate runs/nice-mnist --samples 1000")]
pub(super) struct Args {
    #[command(flatten)]
    on: OnData,
    /// Use only the first N test rows
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit: Option<usize>,
    /// VAE: samples of z per row for the importance-sampling estimate of log p(x) [default: 100]. Flows over images: draws
    /// of the noise in each image's pixels for a tighter bound, beside the figure of one draw
    #[arg(long, value_name = "N", value_parser = whole(1..=1_000_000), allow_negative_numbers = true)]
    draws: Option<usize>,
    /// Also judge N samples; images of 28×28 pixels only
    #[arg(long, value_name = "N", value_parser = whole(2..=100_000), allow_negative_numbers = true)]
    samples: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Evaluated<'a> {
    model: &'static str,
    data: &'a str,
    split: &'static str,
    step: u64,
    seed: u64,
    #[serde(flatten)]
    score: Score,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_draws: Option<Draws>,
    judged: Option<Judged>,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let OnData { run, data, seed, threads } = &args.on;
    let loaded = load::<f32>(run)?;
    let header = &loaded.header;
    let (model, space, seed) = (header.blueprint.name(), header.blueprint.space, seed.seed);
    if let Some(samples) = args.samples {
        judged::require(&space)?;
        let bytes = 12.0 * samples as f64 * space.dims() as f64;
        memory::require(bytes, &format_args!("judging {samples} samples"), "ask for fewer with --samples")?;
    }
    let source = source(&loaded, data.as_ref())?;
    let rows = source.held_out(Part::Test, args.limit);
    if args.draws.is_some() && matches!(loaded.model, Model::Flow(_)) && space.levels().is_none() {
        bail!("the density of {model} needs no draws, it is exact: leave out --draws");
    }
    let data = data.as_ref().unwrap_or(&header.data);
    let z_draws = args.draws.unwrap_or(bound::DRAWS);
    let score =
        threads.run(|| figures::evaluate(&loaded.model, &space, &rows, seed, z_draws)).with_context(|| data.clone())?;
    if score.not_finite == score.n {
        bail!("no test row of {data} has a finite density under {}: train with a smaller --lr", run.display());
    }
    let by_draws = match (&loaded.model, args.draws) {
        (Model::Flow(flow), Some(count)) => Some(threads.run(|| draws(flow, &space, &rows, seed, count))?),
        _ => None,
    };
    let judged = args.samples.map(|count| threads.run(|| judged::judge(&loaded.model, &source, count, seed)));
    let judged = judged.transpose().with_context(|| run.display().to_string())?;
    if args.json {
        return out.json(&Evaluated { model, data, split: "test", step: header.step, seed, score, by_draws, judged });
    }
    let lowest =
        if score.lowest > f64::MIN { format!("; the lowest row {:.2} nats", score.lowest) } else { String::new() };
    writeln!(out, "{model} on the test rows of {data}: {}{lowest} (seed {seed})", score.describe())?;
    if let Some(by_draws) = by_draws {
        writeln!(out, "{}", by_draws.describe())?;
    }
    for line in judged.iter().flat_map(Judged::lines) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
