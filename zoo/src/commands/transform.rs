//! `zoo logprob`, `zoo encode` and `zoo decode`: the rows of an NPY file, mapped by a model.

use super::prelude::*;

/// Options of `zoo logprob`, `zoo encode` and `zoo decode`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Shipped model (see zoo list), run folder, or .safetensors file
    run: PathBuf,
    /// The rows
    #[arg(long, value_name = "FILE.npy")]
    input: PathBuf,
    /// The result
    #[arg(long, value_name = "FILE.npy")]
    output: PathBuf,
    /// Conditional models: the class of all rows
    #[arg(long, value_name = "CLASS", conflicts_with = "labels")]
    class: Option<usize>,
    /// Conditional models: the class of each row, as whole numbers
    #[arg(long, value_name = "FILE.npy")]
    labels: Option<PathBuf>,
    #[command(flatten)]
    threads: Threads,
}

/// Image values above this are probably pixel levels that were not divided by 256.
const LIKELY_LEVELS: f64 = 8.0;

/// What to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Map {
    LogProb,
    Encode,
    Decode,
}

pub(super) fn run(args: &Args, map: Map, out: &mut Output<'_>) -> Result<()> {
    let loaded = load::<f32>(&args.run)?;
    if loaded.header.blueprint.track() > 0 {
        let run = args.run.display();
        bail!(
            "{run} is given the track of each signal, which an array lacks: use a model trained with --unconditional"
        );
    }
    let space = loaded.header.blueprint.space;
    let vae = match &loaded.model {
        Model::Flow(_) => None,
        Model::Vae(_) if map == Map::LogProb => {
            bail!("{}: vae has no log p(x) in closed form: zoo evaluate estimates it", args.run.display())
        }
        Model::Vae(vae) => Some(vae),
    };
    let (count, values) = rows(&args.input, &space, vae.filter(|_| map == Map::Decode).map(Vae::latents))?;
    let width = values.len() / count.max(1);
    if map != Map::Decode
        && let Some(pixels) = loaded.model.describe_pixels(&space)
    {
        let outside = match loaded.model.support() {
            Some([low, high]) => values.iter().position(|&x| !(low..=high).contains(&(x as f32))),
            // A density over the whole real line takes any value. Levels, which are never negative, are a mistake.
            None if values.iter().all(|&x| x >= 0.0) => values.iter().position(|&x| x > LIKELY_LEVELS),
            None => None,
        };
        if let Some(at) = outside {
            let (input, row, value) = (args.input.display(), at / width, values[at]);
            bail!(
                "{input}: row {row} (counting from 0) has the value {value}, but {pixels}: divide levels by 256 first"
            );
        }
    }
    let units = Standardization::of(&loaded.model);
    let given = match &units {
        Some(units) if map != Map::Decode => units.to_model(&values),
        _ => values.iter().map(|&x| x as f32).collect(),
    };
    let rows = Tensor::from_slice([count, width], &given);
    let classes = loaded.header.blueprint.classes;
    let given = class::condition(args.class, args.labels.as_deref(), count, &args.run, classes)?;
    let given = given.as_ref();
    let result = args.threads.run(|| -> Result<_> {
        Ok(match (&loaded.model, map) {
            (Model::Flow(flow), Map::LogProb) => flow.log_prob_given(&rows, given)?,
            (Model::Flow(flow), Map::Encode) => flow.encode_given(&rows, given)?,
            (Model::Flow(flow), Map::Decode) => flow.decode_given(&rows, given)?,
            (Model::Vae(vae), Map::Decode) => bound::decode(vae, &rows)?,
            (Model::Vae(vae), _) => bound::encode(vae, &rows)?,
        })
    });
    let input = args.input.display();
    let result = result.map_err(|why| anyhow::anyhow!("{input}: {why}"))?;
    if let Some(at) = result.as_slice().iter().position(|x| !x.is_finite()) {
        let row = at / (result.shape().elements() / count).max(1);
        let (low, high) = values[row * width..][..width]
            .iter()
            .fold((f64::MAX, f64::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        bail!(
            "{input}: the result for row {row} (counting from 0) is not finite: its values go from {low:e} to {high:e}, too far from the training data for f32: leave it out"
        );
    }
    write_data(&args.output, &result, units.as_ref().filter(|_| map == Map::Decode))?;
    let what = match map {
        Map::LogProb if given.is_some() => "log p(x | class) in nats",
        Map::LogProb => "log p(x) in nats",
        Map::Encode if vae.is_some() => "the center of each posterior",
        Map::Encode => "latents",
        Map::Decode => "data",
    };
    let pixels = loaded.model.describe_pixels(&space).map_or(String::new(), |pixels| match map {
        Map::Decode => format!("; {pixels}"),
        Map::LogProb | Map::Encode => format!("; {pixels}, and whole numbers are not taken as levels"),
    });
    writeln!(out, "{}: {what} of {count} rows{pixels}", args.output.display())
}

/// Reads rows of the model's dimension, or of this many latents. Images may have any shape with as many values.
fn rows(path: &Path, space: &Space, latents: Option<usize>) -> Result<(usize, Vec<f64>)> {
    let (shape, values) = npy::read_values(path)?;
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
        let has = match row {
            [] => format!("has the shape [{count}], so one value a row"),
            row => format!("has rows of shape {row:?}"),
        };
        bail!("{shown} {has}, but this model {over}: give {dims} values a row");
    }
    Ok((count, values))
}
