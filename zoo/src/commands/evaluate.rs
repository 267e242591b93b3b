//! `zoo evaluate`: the log-likelihood of held-out rows.

use super::prelude::*;
use serde::Serialize;

/// Compute the log-likelihood of the test rows, in nats and bits/dim
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo evaluate runs/nice-mnist")]
pub(super) struct Args {
    #[command(flatten)]
    on: OnData,
    /// Use only the first N test rows
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit: Option<usize>,
    /// VAE: samples of z per row for the importance-sampling estimate of log p(x) [default: 100]
    #[arg(long, value_name = "N", value_parser = whole(1..=1_000_000), allow_negative_numbers = true)]
    draws: Option<usize>,
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
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let OnData { run, data, seed, threads } = &args.on;
    let loaded = load::<f32>(run)?;
    let header = &loaded.header;
    let (model, space, seed) = (header.blueprint.name(), header.blueprint.space, seed.seed);
    let rows = source(&loaded, data.as_ref())?.held_out(Part::Test, args.limit);
    if args.draws.is_some() && matches!(loaded.model, Model::Flow(_)) {
        bail!("the density of {model} needs no draws, it is exact: leave out --draws");
    }
    let data = data.as_ref().unwrap_or(&header.data);
    let draws = args.draws.unwrap_or(bound::DRAWS);
    let score = threads
        .run(|| match &loaded.model {
            Model::Flow(flow) => score(flow, &space, &rows, seed),
            Model::Vae(vae) => bound::estimate(vae, &space, &rows, seed, draws),
        })
        .with_context(|| data.clone())?;
    if score.not_finite == score.n {
        bail!("no test row of {data} has a finite density under {}: train with a smaller --lr", run.display());
    }
    if args.json {
        out.json(&Evaluated { model, data, split: "test", step: header.step, seed, score })?;
    } else {
        let lowest =
            if score.lowest > f64::MIN { format!("; the lowest row {:.2} nats", score.lowest) } else { String::new() };
        writeln!(out, "{model} on the test rows of {data}: {}{lowest} (seed {seed})", score.describe())?;
    }
    Ok(())
}
