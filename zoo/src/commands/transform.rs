//! `zoo logprob`, `zoo encode` and `zoo decode`: NPY files through a model.

use super::{Output, class, load, threads};
use crate::blueprint::Space;
use crate::data::npy;
use crate::measure::bound;
use crate::model::Model;
use anyhow::{Result, bail};
use autograd::{Tensor, parallel};
use flows::models::Vae;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to map, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder or a .safetensors file
    run: PathBuf,
    /// The rows, a .npy file
    #[arg(long)]
    input: PathBuf,
    /// Where to write the result, a .npy file
    #[arg(long)]
    output: PathBuf,
    /// The class of all rows, for a conditional model
    #[arg(long, value_name = "CLASS", conflicts_with = "labels")]
    class: Option<usize>,
    /// The class of each row, for a conditional model: whole numbers in a .npy file
    #[arg(long, value_name = "FILE.npy")]
    labels: Option<PathBuf>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// Values of images above this are levels that were not divided by 256.
const LIKELY_LEVELS: f32 = 8.0;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Map {
    LogProb,
    Encode,
    Decode,
}

pub(super) fn run(args: &Args, map: Map, out: &mut Output<'_>) -> Result<ExitCode> {
    let loaded = load::<f32>(&args.run)?;
    let space = loaded.header.blueprint.space;
    let vae = match &loaded.model {
        Model::Flow(_) => None,
        Model::Vae(_) if map == Map::LogProb => bail!(
            "{}: vae is no flow, and has no log p(x) in closed form: zoo evaluate estimates it",
            args.run.display()
        ),
        Model::Vae(vae) => Some(vae),
    };
    let rows = rows(&args.input, &space, map, vae.filter(|_| map == Map::Decode).map(Vae::latents))?;
    let classes = loaded.header.blueprint.classes;
    let given = class::condition(args.class, args.labels.as_deref(), rows.shape()[0], &args.run, classes)?;
    let given = given.as_ref();
    let result = parallel::with_threads(threads(args.threads), || match (&loaded.model, map) {
        (Model::Flow(flow), Map::LogProb) => flow.log_prob_given(&rows, given),
        (Model::Flow(flow), Map::Encode) => flow.encode_given(&rows, given),
        (Model::Flow(flow), Map::Decode) => flow.decode_given(&rows, given),
        (Model::Vae(vae), Map::Decode) => Ok(bound::decode(vae, &rows)),
        (Model::Vae(vae), _) => Ok(bound::encode(vae, &rows)),
    });
    let result = result.map_err(|why| anyhow::anyhow!("{}: {why}", args.input.display()))?;
    if let Some(at) = result.as_slice().iter().position(|x| !x.is_finite()) {
        let row = at / (result.shape().elements() / rows.shape()[0]).max(1);
        let (lo, hi) =
            rows.rows(row..row + 1).as_slice().iter().fold((f32::MAX, f32::MIN), |(lo, hi), &x| (lo.min(x), hi.max(x)));
        let unlike = match space {
            Space::Images { .. } if (0.0..=1.0).contains(&lo) && hi <= 1.0 => {
                "it is too unlike what the model has learned for f32 numbers: leave it out".to_owned()
            }
            _ => format!("its values go from {lo} to {hi}, but this model is over {}", space.describe()),
        };
        bail!("{}: the result for row {row} (counting from 0) is not finite: {unlike}", args.input.display());
    }
    npy::write(&args.output, result.shape(), result.as_slice())?;
    let what = match map {
        Map::LogProb if given.is_some() => "log p(x | class) in nats",
        Map::LogProb => "log p(x) in nats",
        Map::Encode if vae.is_some() => "the middle of each row's posterior",
        Map::Encode => "latents",
        Map::Decode => "data",
    };
    writeln!(out, "{}: {what} of {} rows", args.output.display(), rows.shape()[0])?;
    Ok(ExitCode::SUCCESS)
}

/// Reads rows of the model's size; images may come in any shape of as many values each.
/// Latents are so many numbers a row, where they are not as many as the data's.
fn rows(path: &Path, space: &Space, map: Map, latents: Option<usize>) -> Result<Tensor<f32>> {
    let npy::Values { shape, values } = npy::read_values(path)?;
    let shown = path.display();
    let dims = latents.unwrap_or(space.dims());
    let Some((&count, row)) = shape.split_first() else {
        bail!("{shown} holds a single number: give one row for each sample");
    };
    if row.iter().product::<usize>() != dims {
        let over = match latents {
            None => format!("is over {}", space.describe()),
            Some(latents) => format!("has {latents} latents"),
        };
        bail!("{shown} has rows of shape {row:?}, but this model {over}: give {dims} values a row");
    }
    if map != Map::Decode
        && space.levels().is_some()
        // A model's own samples stray a little beyond [0, 1]; levels do not look like that.
        && let Some(outside) = values.iter().find(|x| **x > LIKELY_LEVELS)
    {
        bail!(
            "{shown} has the value {outside}, but this model is over {}: divide levels by 256 first",
            space.describe()
        );
    }
    Ok(Tensor::from_slice([count, dims], &values))
}
