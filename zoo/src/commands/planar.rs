//! `zoo planar`: planar flows of the plane, drawn at random and fitted to energies.

use super::{Output, make_folder, threads};
use crate::pictures::planar::{Fit, at_random, fit};
use crate::pictures::{Window, heat};
use crate::runs::files::check_place;
use crate::stderr;
use anyhow::Result;
use autograd::{Tensor, Var, parallel};
use flows::models::PlanarBase;
use flows::{Context, Energy, Flow};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to draw, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Numbers of layers drawn at random
    #[arg(long, value_name = "K,…", value_delimiter = ',', default_value = "0,1,2,10", value_parser = layers)]
    layers: Vec<usize>,
    /// Numbers of layers fitted to each energy
    #[arg(long, value_name = "K,…", value_delimiter = ',', default_value = "2,8,32", value_parser = layers)]
    fit: Vec<usize>,
    /// Steps of each fit, of 256 samples; the default takes a few minutes in all
    #[arg(long, default_value = "4000", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    steps: u64,
    /// Decides the layers that are drawn at random, and the fits
    #[arg(long, default_value = "0")]
    seed: u64,
    /// Cells along each side in which densities are computed
    #[arg(long, default_value = "200", value_parser = clap::value_parser!(u16).range(10..=2000))]
    resolution: u16,
    /// The folder for planar-layers.png and planar-energies.png
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// The most layers.
const MOST: usize = 100;
/// Pixels from one side of a panel to the other.
const SIDE: usize = 260;
/// How far the energies' pictures reach: the waves have walls at 4.
const REACH: f64 = 5.0;
/// Samples that decide how far the pictures of random layers reach.
const POINTS: usize = 2000;

fn layers(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(layers @ 0..=MOST) => Ok(layers),
        _ => Err(format!("{text:?} is not a number of layers between 0 and {MOST}")),
    }
}

/// A fit that is still to be made, or was.
type Job = (Energy, usize, Option<Result<Fit>>);

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    make_folder(&args.out)?;
    let [layers, energies] = ["planar-layers.png", "planar-energies.png"].map(|name| args.out.join(name));
    // Before the minutes that it takes to fill it.
    check_place(&energies)?;
    let cells = usize::from(args.resolution);
    parallel::with_threads(threads(args.threads), || -> Result<()> {
        let (window, panels) = drawn(args, cells)?;
        let layout = heat::Layout { window, cells, side: SIDE, columns: args.layers.len() };
        heat::draw(&panels, &layout)?.save(&layers)?;
        writeln!(out, "{}: densities of layers at random, over a Gaussian and a uniform base", layers.display())?;

        let fits = fitted(args)?;
        let window = Window::square(REACH);
        let layout = heat::Layout { window, cells, side: SIDE, columns: Energy::ALL.len() };
        heat::draw(&beside(&fits, window, cells)?, &layout)?.save(&energies)?;
        writeln!(out, "{}: the densities exp(-U), and flows fitted to them", energies.display())?;
        for (energy, layers, Fit { kl, error, .. }) in &fits {
            writeln!(out, "{energy:?} by {}: KL {kl:.3} ± {error:.3} nats", count(*layers))?;
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn count(layers: usize) -> String {
    format!("{layers} layer{}", if layers == 1 { "" } else { "s" })
}

/// The lecture's picture: a row for each base, a column for each number of layers; and where their samples lie.
fn drawn(args: &Args, cells: usize) -> Result<(Window, Vec<heat::Panel>)> {
    let bases = [(PlanarBase::Gaussian, "Gaussian"), (PlanarBase::Uniform, "uniform")];
    let each = bases.iter().flat_map(|base| args.layers.iter().map(move |&layers| (base, layers)));
    let flows: Vec<(Flow<f32>, String)> = each
        .map(|(&(base, name), layers)| (at_random(layers, base, args.seed), format!("{name}, {}", count(layers))))
        .collect();
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    let points: Vec<f32> = flows
        .iter()
        .flat_map(|(flow, _)| flow.sample(POINTS, Context::default(), 1.0, &mut rng).as_slice().to_vec())
        .collect();
    let around = Window::around(&points).unwrap_or(Window::square(REACH));
    // The same unit both ways, whatever the shape.
    let reach = [around.x, around.y].iter().map(|[low, high]| 0.5 * (high - low)).fold(0.0, f64::max);
    let [x, y] = [around.x, around.y].map(|[low, high]| f64::midpoint(low, high)).map(|at| [at - reach, at + reach]);
    let window = Window { x, y };
    let panel =
        |(flow, title)| -> Result<heat::Panel> { Ok(heat::Panel { title, density: density(&flow, window, cells)? }) };
    Ok((window, flows.into_iter().map(panel).collect::<Result<_>>()?))
}

/// The density of a flow in a window's cells.
fn density(flow: &Flow<f32>, window: Window, cells: usize) -> Result<Vec<f32>> {
    let log_prob = flow.log_prob_of(&Tensor::from_slice([cells * cells, 2], &window.cells(cells)))?;
    Ok(log_prob.as_slice().iter().map(|log_p| log_p.exp()).collect())
}

/// All fits, shared out over the threads.
fn fitted(args: &Args) -> Result<Vec<(Energy, usize, Fit)>> {
    let mut jobs: Vec<Job> =
        args.fit.iter().flat_map(|&layers| Energy::ALL.map(|energy| (energy, layers, None))).collect();
    // Each thread takes every so many of them: neighbors take equally long.
    let threads = parallel::threads();
    let order = |i: usize| (i % threads, i / threads);
    let mut dealt: Vec<(usize, Job)> = jobs.drain(..).enumerate().collect();
    dealt.sort_by_key(|&(i, _)| order(i));
    let per = dealt.len().div_ceil(threads);
    parallel::side_by_side(&mut dealt, per, &|_, some| {
        for (_, (energy, layers, found)) in some {
            *found = Some(fit(*energy, *layers, args.steps, args.seed));
            stderr::print_line(format_args!("{energy:?} by {} is fitted", count(*layers)));
        }
    });
    dealt.sort_by_key(|&(i, _)| i);
    let found = |(_, (energy, layers, found)): (usize, Job)| -> Option<Result<_>> {
        Some(found?.map(|fit| (energy, layers, fit)))
    };
    dealt.into_iter().filter_map(found).collect()
}

/// A row of the energies' densities, then a row of fits for each number of layers.
fn beside(fits: &[(Energy, usize, Fit)], window: Window, cells: usize) -> Result<Vec<heat::Panel>> {
    let places = Var::from(Tensor::from_slice([cells * cells, 2], &window.cells(cells)));
    let energies = Energy::ALL.map(|energy| {
        let density = (-energy.of(&places)).exp().into_value().as_slice().to_vec();
        heat::Panel { title: format!("exp(-{energy:?})"), density }
    });
    let fits = fits.iter().map(|(energy, layers, Fit { flow, kl, .. })| -> Result<heat::Panel> {
        let title = format!("{energy:?}, {}: KL {kl:.2}", count(*layers));
        Ok(heat::Panel { title, density: density(flow, window, cells)? })
    });
    energies.into_iter().map(Ok).chain(fits).collect()
}
