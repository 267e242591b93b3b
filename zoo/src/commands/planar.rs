//! `zoo planar`: planar flows of 2D data, with random layers and fitted to energies.

use super::prelude::*;
use crate::measure::plane::Plane;
use crate::measure::score::with_error;
use crate::pictures::heat;
use crate::pictures::planar::{Fit, at_random, fit};
use crate::text::counted;
use flows::Energy;
use flows::models::PlanarBase;

/// Plot planar flows: random layers over two base densities, and fits to four energies
///
/// The energies are U1 to U4 of Rezende and Mohamed (2015). Each flow is fitted with its own samples. The printed
/// KL(flow ‖ density), in nats, is estimated from 20,000 samples.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo planar --fit 2,8 --steps 1000")]
pub(super) struct Args {
    /// Numbers of random layers to plot
    #[arg(long, value_name = "K,…", value_delimiter = ',', default_value = "0,1,2,10", value_parser = whole(0..=100))]
    layers: Vec<usize>,
    /// Numbers of layers to fit to each energy
    #[arg(long, value_name = "K,…", value_delimiter = ',', default_value = "2,8,32", value_parser = whole(0..=100))]
    fit: Vec<usize>,
    /// Steps per fit, with 256 samples each; the default takes a few minutes in all
    #[arg(long, value_name = "N", default_value = "4000", value_parser = whole(1..=1_000_000))]
    steps: usize,
    /// Grid cells along each axis in which densities are computed
    #[arg(long, value_name = "N", default_value = "200", value_parser = whole(10..=2000))]
    resolution: usize,
    /// Folder for planar-layers.png and planar-energies.png
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    #[command(flatten)]
    on: Compute,
}

/// Pixels along each side of a panel.
const SIDE: usize = 260;
/// The window for the energies: two of them grow large beyond 4.
const REACH: f64 = 5.0;
/// Samples that decide the window for the random layers.
const POINTS: usize = 2000;

/// An energy, a number of layers, and the fit once it is made.
type Job = (Energy, usize, Option<Result<Fit>>);

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    make_folder(&args.out)?;
    let [layers, energies] = ["planar-layers.png", "planar-energies.png"].map(|name| args.out.join(name));
    // Before the minutes of fitting.
    check_place(&energies)?;
    let cells = args.resolution;
    args.on.threads.run(|| -> Result<()> {
        let (window, panels) = random_layers(args, cells)?;
        let layout = scatter::Layout { window, side: SIDE, columns: args.layers.len() };
        heat::draw(&panels, &layout)?.save(&layers)?;
        writeln!(out, "{}: densities of random layers, over a Gaussian and a uniform base", layers.display())?;

        let fits = fit_all(args)?;
        let window = Window::square(REACH);
        let layout = scatter::Layout { window, side: SIDE, columns: Energy::ALL.len() };
        heat::draw(&energy_panels(&fits, &window, cells)?, &layout)?.save(&energies)?;
        writeln!(out, "{}: the densities exp(-U), and flows fitted to them", energies.display())?;
        for (energy, layers, Fit { kl, error, .. }) in &fits {
            writeln!(out, "{energy:?} by {}: KL {} nats", counted(*layers, "layer"), with_error(*kl, *error, 3))?;
        }
        Ok(())
    })
}

/// The lecture's figure: one row per base density, one column per number of layers; and a window around their samples.
fn random_layers(args: &Args, cells: usize) -> Result<(Window, Vec<heat::Panel>)> {
    let bases = [(PlanarBase::Gaussian, "Gaussian"), (PlanarBase::Uniform, "uniform")];
    let each = bases.iter().flat_map(|base| args.layers.iter().map(move |&layers| (base, layers)));
    let seed = args.on.seed.seed;
    let flows: Vec<(Flow<f32>, String)> = each
        .map(|(&(base, name), layers)| (at_random(layers, base, seed), format!("{name}, {}", counted(layers, "layer"))))
        .collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let points: Vec<f32> = flows
        .iter()
        .flat_map(|(flow, _)| flow.sample(POINTS, Context::default(), 1.0, &mut rng).as_slice().to_vec())
        .collect();
    let around = Window::around(&points).unwrap_or(Window::square(REACH));
    // Both axes have the same scale.
    let reach = [around.x, around.y].iter().map(|[low, high]| 0.5 * (high - low)).fold(0.0, f64::max);
    let [x, y] = [around.x, around.y].map(|[low, high]| f64::midpoint(low, high)).map(|at| [at - reach, at + reach]);
    let window = Window { x, y };
    let panel =
        |(flow, title)| Ok(heat::Panel { title, density: Plane { flow: &flow, units: None }.density(&window, cells)? });
    Ok((window, flows.into_iter().map(panel).collect::<Result<_>>()?))
}

/// All fits, distributed over the threads.
fn fit_all(args: &Args) -> Result<Vec<(Energy, usize, Fit)>> {
    let jobs = args.fit.iter().flat_map(|&layers| Energy::ALL.map(|energy| (energy, layers, None)));
    // Neighboring jobs take equally long, so they are dealt out to different threads.
    let threads = parallel::threads();
    let mut dealt: Vec<(usize, Job)> = jobs.enumerate().collect();
    dealt.sort_by_key(|&(i, _)| (i % threads, i / threads));
    let per_thread = dealt.len().div_ceil(threads);
    parallel::side_by_side(&mut dealt, per_thread, &|_, some| {
        for (_, (energy, layers, found)) in some {
            *found = Some(fit(*energy, *layers, args.steps as u64, args.on.seed.seed));
            stderr::print_line(format_args!("{energy:?} by {} is fitted", counted(*layers, "layer")));
        }
    });
    dealt.sort_by_key(|&(i, _)| i);
    let found = |(_, (energy, layers, found)): (usize, Job)| Some(found?.map(|fit| (energy, layers, fit)));
    dealt.into_iter().filter_map(found).collect()
}

/// One row with the energies' densities, then one row of fits for each number of layers.
fn energy_panels(fits: &[(Energy, usize, Fit)], window: &Window, cells: usize) -> Result<Vec<heat::Panel>> {
    let centers = Var::from(Tensor::from_slice([cells * cells, 2], &window.cells(cells)));
    let energies = Energy::ALL.map(|energy| {
        let density = (-energy.of(&centers)).exp().into_value().as_slice().to_vec();
        heat::Panel { title: format!("exp(-{energy:?})"), density }
    });
    let fits = fits.iter().map(|(energy, layers, Fit { flow, kl, .. })| -> Result<heat::Panel> {
        let title = format!("{energy:?}, {}: KL {kl:.2}", counted(*layers, "layer"));
        Ok(heat::Panel { title, density: Plane { flow, units: None }.density(window, cells)? })
    });
    energies.into_iter().map(Ok).chain(fits).collect()
}
