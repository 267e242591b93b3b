//! `zoo latents`: the latents of test rows under several models of 2D data.

use super::prelude::*;
use crate::data::permutation;
use crate::measure::normality::Cloud;
use crate::text::cut;

/// Plot the latents of 2D test data, for several models side by side
///
/// The latents of a perfect model are standard normal: means 0, standard deviations 1, correlation 0. The
/// Kolmogorov–Smirnov distance also compares the distribution of |z|² with its ideal, 1 − exp(−r/2). Even for a
/// perfect model it exceeds 1.36/√N in 5 of 100 cases. (NICE has a logistic prior, so its latents always differ.)
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo latents runs/made-banana runs/maf-banana")]
pub(super) struct Args {
    /// Shipped models, run folders, or .safetensors files, of models of 2D data
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The picture [default: latents.png in the first run folder]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
    /// Use at most N test rows, chosen at random [default: all]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    rows: Option<usize>,
    #[command(flatten)]
    on: Compute,
}

/// Pixels along each side of a panel, and panels per row.
const SIDE: usize = 320;
const COLUMNS: usize = 4;
/// Characters of a run's name that fit in a title.
const NAME_LENGTH: usize = 17;

/// A model's latents.
struct Encoded {
    model: &'static str,
    data: String,
    latents: Vec<f32>,
    colors: Vec<u8>,
    cloud: Cloud,
    score: Score,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    require_extension(args.out.as_deref(), "png")?;
    let all = args.on.threads.run(|| args.runs.iter().map(|run| encode(run, args)).collect::<Result<Vec<_>>>())?;

    let points: Vec<f32> = all.iter().flat_map(|one| &one.latents).copied().collect();
    // A standard normal fits in ±4. Other latents may need a larger window.
    let reach = Window::around(&points).map_or(4.0, |around| around.reach().clamp(4.0, 12.0));
    let layout = scatter::Layout { window: Window::square(reach), side: SIDE, columns: COLUMNS };
    let titles = titles(&args.runs, &all);
    let panel = |(one, title)| {
        let Encoded { latents, colors, .. }: &Encoded = one;
        scatter::Panel { title, points: latents, groups: colors }
    };
    let panels: Vec<scatter::Panel<'_>> = all.iter().zip(titles.iter().map(String::as_str)).map(panel).collect();
    let path = args.out.clone().unwrap_or_else(|| next_to(&args.runs[0], "latents.png"));
    scatter::draw(&panels, &layout)?.save(&path)?;
    writeln!(out, "{}: z of test rows, one color per quarter of x1; ideally standard normal", path.display())?;
    for (run, one) in args.runs.iter().zip(&all) {
        let Encoded { model, data, latents, cloud, score, .. } = one;
        let outside = latents.chunks_exact(2).filter(|z| z.iter().any(|z| f64::from(z.abs()) > reach)).count();
        let unseen = if outside > 0 { format!(", {outside} points outside the picture") } else { String::new() };
        writeln!(out, "{}: {model} on {data}: z has {cloud}, {}{unseen}", run.display(), score.describe())?;
    }
    Ok(())
}

/// The models' names. Two runs of the same model also get the parts of their paths that differ.
fn titles(runs: &[PathBuf], all: &[Encoded]) -> Vec<String> {
    let title = |(one, run): (&Encoded, String)| {
        let alone = all.iter().filter(|other| other.model == one.model).count() == 1;
        // The bitmap font has no ellipsis.
        let run = if alone { String::new() } else { format!(" {}", cut(&run, NAME_LENGTH).replace('…', "..")) };
        format!("{}{run}: {:.3} nats", one.model, one.score.nats)
    };
    all.iter().zip(names::distinct(runs)).map(title).collect()
}

/// Maps test rows of a run's data to latents.
fn encode(run: &Path, args: &Args) -> Result<Encoded> {
    let loaded = load_flow::<f32>(run, "zoo reconstruct plots its latents")?;
    let (header, flow) = (&loaded.header, &loaded.model);
    let space = header.blueprint.space;
    let Space::Table { columns: 2, .. } = space else {
        let (run, what) = (run.display(), space.describe());
        bail!("{run} models {what}; latents plots only models of 2 columns: leave it out");
    };
    let seed = args.on.seed.seed;
    let all = source(&loaded, None)?.held_out(Part::Test, None);
    let mut chosen = permutation(all.count(), seed);
    chosen.truncate(args.rows.unwrap_or(usize::MAX));
    let rows = all.select(&chosen);

    let latents = flow.encode_given(rows.x(), rows.condition()).with_context(|| run.display().to_string())?;
    let score = score(flow, &space, &rows, seed)?;
    if !latents.all_finite() || !score.nats.is_finite() {
        bail!("{} maps some test rows to no finite z: leave it out, or use an earlier checkpoint", run.display());
    }
    let cloud =
        Cloud::of(latents.as_slice()).with_context(|| format!("{} has no test rows: use longer data", header.data))?;
    Ok(Encoded {
        model: header.blueprint.name(),
        data: header.data.clone(),
        latents: latents.as_slice().to_vec(),
        colors: quarters(rows.x().as_slice()),
        cloud,
        score,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_tell_runs_of_the_same_model_apart() {
        let encoded = |model: &'static str| Encoded {
            model,
            data: String::new(),
            latents: Vec::new(),
            colors: Vec::new(),
            cloud: Cloud::of(&[0.0, 1.0, 1.0, 0.0]).unwrap(),
            score: Score::divergence(&[1.5], &Space::Table { columns: 2, standardized: false }, false),
        };
        let runs = ["runs/a", "runs/b", "runs/a-name-that-is-rather-long"].map(PathBuf::from);
        let all = [encoded("maf"), encoded("nice"), encoded("maf")];
        assert_eq!(
            titles(&runs, &all),
            ["maf a: 1.500 nats", "nice: 1.500 nats", "maf a-name-t..her-long: 1.500 nats"]
        );
    }
}
