//! `zoo latents`: what models of the plane make of their test rows, side by side.

use super::{Output, folder, load_flow, names, require_ending, source, threads};
use crate::blueprint::Space;
use crate::data::permutation;
use crate::data::source::Part;
use crate::measure::normality::Cloud;
use crate::measure::score::{Score, score};
use crate::pictures::{Window, cut, scatter};
use anyhow::{Context as _, Result, bail};
use autograd::parallel;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Whose latents to draw, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run folders or .safetensors files, of two-dimensional data
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The picture [default: latents.png beside the first model]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
    /// At most so many test rows of each run's data [default: all]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rows: Option<u32>,
    /// Decides which test rows they are
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// Colors, each for as many rows, by the first column of the data.
const COLORS: usize = 4;
/// Pixels from one side of a panel to the other, and panels in a row.
const SIDE: usize = 320;
const COLUMNS: usize = 4;
/// Letters of a run's name that a title has room for.
const LETTERS: usize = 17;

/// What a model made of its data.
struct Carried {
    model: &'static str,
    data: String,
    latents: Vec<f32>,
    colors: Vec<u8>,
    cloud: Cloud,
    score: Score,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    require_ending(args.out.as_deref(), "png")?;
    let carry = |run: &PathBuf| carry(run, args);
    let all =
        parallel::with_threads(threads(args.threads), || args.runs.iter().map(carry).collect::<Result<Vec<_>>>())?;

    let points: Vec<f32> = all.iter().flat_map(|one| &one.latents).copied().collect();
    // Around the origin, where a standard normal is; but what is not one may need more of the plane.
    let reach = Window::around(&points).map_or(4.0, |around| around.reach().clamp(4.0, 12.0));
    let layout = scatter::Layout { window: Window::square(reach), side: SIDE, columns: COLUMNS };
    let titles = titles(&args.runs, &all);
    let panel = |(one, title)| {
        let Carried { latents, colors, .. }: &Carried = one;
        scatter::Panel { title, points: latents, groups: colors }
    };
    let panels: Vec<scatter::Panel<'_>> = all.iter().zip(titles.iter().map(String::as_str)).map(panel).collect();
    let path = match &args.out {
        Some(path) => path.clone(),
        None => folder(&args.runs[0], None)?.join("latents.png"),
    };
    scatter::draw(&panels, &layout)?.save(&path)?;

    writeln!(
        out,
        "{}: z of test rows, a color for each quarter of x1; a standard normal would be right",
        path.display()
    )?;
    for (run, one) in args.runs.iter().zip(&all) {
        let Carried { model, data, latents, cloud, score, .. } = one;
        let outside = latents.chunks_exact(2).filter(|z| z.iter().any(|z| f64::from(z.abs()) > reach)).count();
        let unseen = if outside > 0 { format!(", {outside} points outside the picture") } else { String::new() };
        let pair = |[a, b]: [f64; 2]| format!("({a:.3}, {b:.3})");
        writeln!(
            out,
            "{}: {model} on {data}: z has mean {}, standard deviation {}, correlation {:.3}, distance of |z|² from the normal's {:.4} (chance: {:.4}), {}{unseen}",
            run.display(),
            pair(cloud.mean),
            pair(cloud.std),
            cloud.correlation,
            cloud.distance,
            cloud.chance(),
            score.describe()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The models' names; where two runs have the same model, each with what tells its run from the others.
fn titles(runs: &[PathBuf], all: &[Carried]) -> Vec<String> {
    let title = |(one, run): (&Carried, String)| {
        let alone = all.iter().filter(|other| other.model == one.model).count() == 1;
        // Pictures of pixels have no ellipsis.
        let run = if alone { String::new() } else { format!(" {}", cut(&run, LETTERS).replace('…', "..")) };
        format!("{}{run}: {:.3} nats", one.model, one.score.nats)
    };
    all.iter().zip(names::distinct(runs)).map(title).collect()
}

/// Carries test rows of a run's data to its latents.
fn carry(run: &Path, args: &Args) -> Result<Carried> {
    let loaded = load_flow::<f32>(run, "zoo reconstruct draws its latents")?;
    let (header, flow) = (&loaded.header, &loaded.model);
    let space = header.blueprint.space;
    let Space::Table { columns: 2, .. } = space else {
        bail!(
            "{} is over {}, and only latents of rows of 2 numbers are drawn: leave it out, or train on two columns",
            run.display(),
            space.describe()
        );
    };
    let all = source(header, None)?.held_out(Part::Test, None);
    let mut chosen = permutation(all.count(), args.seed);
    chosen.truncate(args.rows.map_or(usize::MAX, |rows| rows as usize));
    let rows = all.select(&chosen);

    let latents = flow.encode_given(rows.x(), rows.classes()).with_context(|| run.display().to_string())?;
    let score = score(flow, &space, &rows, args.seed);
    if !latents.all_finite() || !score.nats.is_finite() {
        bail!("{} carries some test rows to no finite z: leave it out, or use an earlier checkpoint", run.display());
    }
    let cloud =
        Cloud::of(latents.as_slice()).with_context(|| format!("{} has no test rows: use longer data", header.data))?;
    Ok(Carried {
        model: header.blueprint.name(),
        data: header.data.clone(),
        latents: latents.as_slice().to_vec(),
        colors: by_first_column(rows.x().as_slice()),
        cloud,
        score,
    })
}

/// Which part of points in the plane, sorted by their first coordinate, each belongs to.
pub(super) fn by_first_column(rows: &[f32]) -> Vec<u8> {
    let count = rows.len() / 2;
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| rows[2 * a].total_cmp(&rows[2 * b]));
    let mut colors = vec![0; count];
    for (rank, row) in order.into_iter().enumerate() {
        colors[row] = (rank * COLORS / count) as u8;
    }
    colors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_model_are_told_apart_in_their_titles() {
        let carried = |model: &'static str| Carried {
            model,
            data: String::new(),
            latents: Vec::new(),
            colors: Vec::new(),
            cloud: Cloud::of(&[0.0, 1.0, 1.0, 0.0]).unwrap(),
            score: Score::divergence(&[1.5], &Space::Table { columns: 2, standardized: false }, false),
        };
        let runs = ["runs/a", "runs/b", "runs/a-name-that-is-rather-long"].map(PathBuf::from);
        let all = [carried("maf"), carried("nice"), carried("maf")];
        assert_eq!(
            titles(&runs, &all),
            ["maf a: 1.500 nats", "nice: 1.500 nats", "maf a-name-t..her-long: 1.500 nats"]
        );
    }
}
