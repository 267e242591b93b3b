//! `zoo density`: a model of 2D data as pictures, and the integral of its density.

use super::prelude::*;
use crate::measure::plane::{self, Plane};
use crate::pictures::density::{Scene, View};

/// Plot a model of 2D data: its density, its samples, and the warped grid of latents
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo density runs/maf-two-moons")]
pub(super) struct Args {
    #[command(flatten)]
    on: OnData,
    /// Grid cells along each axis in which the density is computed
    #[arg(long, value_name = "N", default_value = "400", value_parser = whole(10..=4000))]
    resolution: usize,
    #[command(flatten)]
    out: OutFolder,
}

/// At most this many points of the data and of the model are plotted; they also decide the window.
const POINTS: usize = 5_000;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let OnData { run, data, seed, threads } = &args.on;
    let loaded = load_flow::<f32>(run, "zoo sample plots its samples, zoo evaluate estimates its density")?;
    let (header, flow) = (&loaded.header, &loaded.model);
    let advice = match header.blueprint.space {
        Space::Table { columns: 2, .. } => None,
        Space::Images { .. } => Some("zoo interpolate plots images"),
        Space::Table { .. } | Space::Signal { .. } => Some("train on two columns, or use zoo sample --npy"),
    };
    if let Some(advice) = advice {
        let (run, what) = (run.display(), header.blueprint.space.describe());
        bail!("{run} models {what}; density plots only models of 2 columns: {advice}");
    }
    let source = source(&loaded, data.as_ref())?;
    let points = source.batch(0, source.rows().unwrap_or(POINTS).min(POINTS), &mut Order::default())?;
    let units = Standardization::of(flow);
    let plotted = |rows: Tensor<f32>| drawing::plotted(units.as_ref(), rows);
    let window = Window::around(plotted(points.x().clone()).as_slice())
        .context("the data has no finite point: choose other --data")?;
    let cells = args.resolution;
    let data = plotted(source.held_out(Part::Test, Some(POINTS)).x().clone()).as_slice().to_vec();
    let (count, seed) = (data.len() / 2, seed.seed);
    let scene = threads.run(|| -> Result<Scene> {
        let plot_units = units.as_ref().map(Standardization::for_plots);
        let plane = Plane { flow, units: plot_units.as_ref() };
        let density = plane.density(&window, cells)?;
        plane::require_positive(&density, &window, cells)?;
        let samples = plotted(sampling::samples(flow, None, count, 1.0, seed)?).as_slice().to_vec();
        let [upright, level] = plane.warped_grid(&window)?;
        Ok(Scene { window, density, data, samples, upright, level })
    });
    let scene = scene.with_context(|| run.display().to_string())?;
    let cell = window.area() / (cells * cells) as f64;
    let integral = scene.density.iter().map(|&p| f64::from(p)).sum::<f64>() * cell;

    let reach = plane::REACH;
    let figures = [
        ("density.png", &[View::Density][..], format!("p(x) in {cells}×{cells} cells")),
        ("points.png", &[View::Data, View::Samples], format!("{count} test points and as many samples, seed {seed}")),
        ("warp.png", &[View::Grid], format!("a grid of z from {} to {reach}, mapped to x", -reach)),
        (
            "panel.png",
            &[View::Density, View::Samples, View::Grid],
            "density, samples, and grid side by side".to_owned(),
        ),
    ];
    let figure = |(name, views, caption)| Ok(Figure { name, picture: scene.draw(views)?.raster()?, caption });
    let figures = figures.into_iter().map(figure).collect::<Result<_>>()?;
    save_all(figures, |name| args.out.file(run, name), out)?;
    let Window { x: [left, right], y: [low, high] } = window;
    let verdict = match integral {
        ..0.9 => "much of the density lies where there is no data",
        ..1.01 => "a density integrates to 1, and a little of it lies outside",
        _ => "more than 1, so parts of it are narrower than a cell: choose a larger --resolution",
    };
    let window = format_args!("{left:.4} < x1 < {right:.4}, {low:.4} < x2 < {high:.4}");
    let note = units.as_ref().map_or_else(String::new, Standardization::plot_note);
    writeln!(out, "the integral of p(x) is {integral:.4} over {window}: {verdict}{note}")
}
