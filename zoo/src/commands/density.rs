//! `zoo density`: a model of the plane as pictures, and whether its density is one.

use super::{Output, folder, load_flow, source, threads};
use crate::blueprint::Space;
use crate::data::source::{Order, Part, Source};
use crate::pictures::Window;
use crate::pictures::density::Scene;
use crate::pictures::drawing;
use anyhow::{Context as _, Result, bail};
use autograd::{Tensor, parallel};
use flows::Flow;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to draw, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder or a .safetensors file, of two-dimensional data
    run: PathBuf,
    /// Other data to draw beside [default: what the model was trained on]
    #[arg(long)]
    data: Option<String>,
    /// Cells along each side in which the density is computed
    #[arg(long, default_value = "400", value_parser = clap::value_parser!(u16).range(10..=4000))]
    resolution: u16,
    /// Decides the samples
    #[arg(long, default_value = "0")]
    seed: u64,
    /// The folder for density.png, points.png, warp.png and panel.png [default: the model's]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// The most points of data and of the model that are drawn, and that decide where to look.
const POINTS: usize = 5_000;
/// Lines of constant z₁, and as many of constant z₂: from −3 to 3 in steps of a half.
const LINES: usize = 13;
/// How far out the lines go.
const REACH: f64 = 3.0;
/// Points of each line to begin with.
const POINTS_A_LINE: usize = 400;
/// How far apart, as a part of the window, points of a bent line are at most, if that takes no more than
/// so many halvings.
const FINE: f64 = 0.005;
const HALVINGS: usize = 8;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let loaded = load_flow::<f32>(&args.run, "zoo sample draws its points, zoo evaluate estimates its density")?;
    let (header, flow) = (&loaded.header, &loaded.model);
    match header.blueprint.space {
        Space::Table { columns: 2, .. } => {}
        Space::Images { .. } => bail!(
            "{} is over {}, and only densities over rows of 2 numbers are drawn: what lies between images is drawn by `zoo interpolate`",
            args.run.display(),
            header.blueprint.space.describe()
        ),
        space @ (Space::Table { .. } | Space::Signal { .. }) => bail!(
            "{} is over {}, and only densities over rows of 2 numbers are drawn: train on two columns, or write `zoo sample --npy`",
            args.run.display(),
            space.describe()
        ),
    }
    let source = source(header, args.data.as_ref())?;
    let window = window(&source)?;
    let cells = usize::from(args.resolution);
    let data = source.held_out(Part::Test, Some(POINTS)).x().as_slice().to_vec();
    let shown = data.len() / 2;

    let scene = parallel::with_threads(threads(args.threads), || -> Result<Scene> {
        let samples = drawing::samples(flow, None, shown, 1.0, args.seed);
        Ok(Scene {
            window,
            cells,
            density: density(flow, &window, cells)?,
            data,
            samples: samples.as_slice().to_vec(),
            upright: (0..LINES).map(|line| bent(flow, &window, line, false)).collect::<Result<_>>()?,
            level: (0..LINES).map(|line| bent(flow, &window, line, true)).collect::<Result<_>>()?,
        })
    })
    .with_context(|| args.run.display().to_string())?;
    let cell = window.area() / (cells * cells) as f64;
    let integral = scene.density.iter().map(|&p| f64::from(p)).sum::<f64>() * cell;

    let folder = folder(&args.run, args.out.as_deref())?;
    let Window { x, y } = window;
    let drawn = [
        ("density.png", scene.heat()?, format!("p(x) in {cells}×{cells} cells")),
        ("points.png", scene.points()?, format!("{shown} test points, and as many samples, seed {}", args.seed)),
        ("warp.png", scene.warp()?, format!("the grid of z from {} to {REACH}, carried to x", -REACH)),
        ("panel.png", scene.panel()?, "density, samples and grid side by side".to_owned()),
    ];
    for (name, picture, what) in drawn {
        let path = folder.join(name);
        picture.save(&path)?;
        writeln!(out, "{}: {what}", path.display())?;
    }
    writeln!(
        out,
        "the sum of p(x) times the cells' area is {integral:.4} over {:.4} < x1 < {:.4}, {:.4} < x2 < {:.4}: {}",
        x[0],
        x[1],
        y[0],
        y[1],
        verdict(integral)
    )?;
    Ok(ExitCode::SUCCESS)
}

/// What an integral over most of the data's range says about a density.
fn verdict(integral: f64) -> &'static str {
    match integral {
        ..0.9 => "a good part of the density is elsewhere, where there is no data",
        ..1.01 => "a density integrates to 1, and a little of it is outside",
        _ => "more than 1, so some of it is narrower than a cell: choose a larger --resolution",
    }
}

/// Where the training data lies.
fn window(source: &Source) -> Result<Window> {
    let rows = source.rows().unwrap_or(POINTS).min(POINTS);
    let points = source.batch(0, rows, &mut Order::default())?;
    Window::around(points.x().as_slice()).context("the data has no finite point: choose other --data")
}

/// The density in the middles of a window's cells.
fn density(flow: &Flow<f32>, window: &Window, cells: usize) -> Result<Vec<f32>> {
    let middles = window.cells(cells);
    let log_prob = flow.log_prob_of(&Tensor::from_slice([cells * cells, 2], &middles))?;
    let density: Vec<f32> = log_prob.as_slice().iter().map(|log_p| log_p.exp()).collect();
    if let Some(at) = density.iter().position(|p| !p.is_finite()) {
        bail!(
            "the density at ({}, {}) is {}: use an earlier checkpoint",
            middles[2 * at],
            middles[2 * at + 1],
            density[at]
        );
    }
    if density.iter().all(|&p| p == 0.0) {
        bail!("the density is 0 everywhere among the data: train longer, or choose the --data it was trained on");
    }
    Ok(density)
}

/// A straight line of the latents, carried to x: one of constant z₂ if it is level, else of constant z₁. Where
/// the model stretches it, it gets points between.
fn bent(flow: &Flow<f32>, window: &Window, line: usize, level: bool) -> Result<Vec<f32>> {
    let even = |place: usize, count: usize| (REACH * (2.0 * place as f64 / (count - 1) as f64 - 1.0)) as f32;
    let constant = even(line, LINES);
    let carried = |along: &[f32]| -> Result<Vec<(f32, [f32; 2])>> {
        let z = along.iter().flat_map(|&at| if level { [at, constant] } else { [constant, at] });
        let x = flow.decode(&Tensor::from_slice([along.len(), 2], &z.collect::<Vec<_>>()))?;
        Ok(along.iter().zip(x.as_slice().chunks_exact(2)).map(|(&at, x)| (at, [x[0], x[1]])).collect())
    };
    let far = |a: [f32; 2], b: [f32; 2]| {
        let part = |axis: usize, [low, high]: [f64; 2]| f64::from(a[axis] - b[axis]).abs() / (high - low);
        part(0, window.x).max(part(1, window.y)) > FINE
    };
    let mut points = carried(&(0..POINTS_A_LINE).map(|place| even(place, POINTS_A_LINE)).collect::<Vec<_>>())?;
    for _ in 0..HALVINGS {
        let stretched = points.windows(2).filter(|pair| far(pair[0].1, pair[1].1));
        let between: Vec<f32> = stretched.map(|pair| f32::midpoint(pair[0].0, pair[1].0)).collect();
        if between.is_empty() {
            break;
        }
        points.extend(carried(&between)?);
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    Ok(points.into_iter().flat_map(|(_, x)| x).collect())
}
