//! `zoo inversion-error`: how near `MintNet`'s two ways back come, against what they are allowed.

use super::{Output, load_flow, require_ending, threads};
use crate::blueprint::Architecture;
use crate::measure::timing;
use crate::pictures::curve::{self, Labels, Series};
use crate::runs::files::check_place;
use anyhow::{Result, bail};
use autograd::{Shape, Tensor, parallel};
use flows::{Flow, Inversion, RoundTrip};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to invert, and how far.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder or a .safetensors file of a mint-net
    run: PathBuf,
    /// Latents to invert, drawn from the base distribution
    #[arg(long, default_value = "8", value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    samples: u16,
    /// How many iterations or evaluations each layer is allowed
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,2,3,4,5,6,8,10,20,50,100,200,400",
        value_parser = clap::value_parser!(u16).range(1..))]
    budgets: Vec<u16>,
    /// The fixed point's steps α [default: the authors' 0.2857 (1/3.5), and 1]
    #[arg(long, value_name = "α,…", value_delimiter = ',', value_parser = super::sample::step, allow_negative_numbers = true)]
    step_sizes: Vec<f64>,
    /// Decides the latents
    #[arg(long, default_value = "0")]
    seed: u64,
    /// The picture [default: inversion-error.svg beside the model]
    #[arg(long, value_name = "FILE.svg")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// Errors beyond this are no nearer than nothing, and would leave the picture no room for others.
const FAR: f64 = 1000.0;

/// One of the ways back, measured.
struct Way {
    name: String,
    /// The fixed point's step; the sweep has none.
    step: Option<f64>,
    /// For each number of iterations or evaluations: the error, and the seconds it took.
    found: Vec<(f64, f64)>,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let picture = args.out.clone().unwrap_or_else(|| super::beside(&args.run, "inversion-error.svg"));
    require_ending(Some(&picture), "svg")?;
    check_place(&picture)?;
    let loaded = load_flow::<f64>(&args.run, "give a run of mint-net")?;
    let name = loaded.header.blueprint.name();
    if !matches!(loaded.header.blueprint.architecture, Architecture::MintNet { .. }) {
        bail!("{name} has one way from z to x: give a run of mint-net");
    }
    let mut allowed = args.budgets.clone();
    allowed.sort_unstable();
    allowed.dedup();
    let steps = if args.step_sizes.is_empty() { vec![super::sample::STEP, 1.0] } else { args.step_sizes.clone() };
    let flow = loaded.model.core();
    let z = latents(&flow, usize::from(args.samples), args.seed);
    let mut ways: Vec<Way> = steps
        .iter()
        .map(|&step| Way::new(format!("fixed point, step {}", short(step)), Some(step)))
        .chain([Way::new("sweep".to_owned(), None)])
        .collect();
    if !args.json {
        writeln!(out, "Greatest |z′ − z| after z → x → z′, in f64, {} latents, seed {}", args.samples, args.seed)?;
        let heads: String = ways.iter().map(|way| format!("{:>32}", way.name)).collect();
        writeln!(out, "{:>8}{heads}", "allowed")?;
    }
    // Row by row: the last ones may take minutes.
    for &allowed in &allowed {
        let cells = ways.iter_mut().map(|way| {
            let (error, seconds) =
                parallel::with_threads(threads(args.threads), || way.measure(usize::from(allowed), &flow, &z));
            format!("{:>32}", format!("{error:.1e} in {}", timing::describe(seconds)))
        });
        let row: String = cells.collect();
        if !args.json {
            writeln!(out, "{allowed:>8}{row}")?;
        }
    }
    draw(&picture, args, &allowed, &ways)?;
    if args.json {
        print(args, &allowed, &ways, out)?;
    } else {
        writeln!(out, "{}: the same as curves", picture.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn latents(flow: &Flow<f64>, count: usize, seed: u64) -> Tensor<f64> {
    let shape: Shape = std::iter::once(count).chain(flow.event().iter().copied()).collect();
    flow.base().sample(shape, 1.0, &mut ChaCha8Rng::seed_from_u64(seed))
}

impl Way {
    fn new(name: String, step: Option<f64>) -> Self {
        Self { name, step, found: Vec::new() }
    }

    /// Inverts once more, with so many iterations or evaluations.
    fn measure(&mut self, allowed: usize, flow: &Flow<f64>, z: &Tensor<f64>) -> (f64, f64) {
        let inversion = match self.step {
            Some(step) => Inversion::FixedPoint { step, iterations: allowed },
            None => Inversion::Sweep { evaluations: allowed },
        };
        let RoundTrip { error, time, .. } = RoundTrip::of(flow.bijection(), z, inversion);
        self.found.push((error, time.as_secs_f64()));
        (error, time.as_secs_f64())
    }
}

fn print(args: &Args, allowed: &[u16], ways: &[Way], out: &mut Output<'_>) -> Result<()> {
    let ways: Vec<_> = ways
        .iter()
        .map(|Way { name, found, .. }| {
            let (errors, seconds): (Vec<f64>, Vec<f64>) = found.iter().copied().unzip();
            json!({ "name": name, "errors": errors, "seconds": seconds })
        })
        .collect();
    let object = json!({ "samples": args.samples, "seed": args.seed, "budgets": allowed, "methods": ways });
    out.json(&object)
}

fn draw(picture: &std::path::Path, args: &Args, allowed: &[u16], ways: &[Way]) -> Result<()> {
    let series: Vec<Series> = ways
        .iter()
        .map(|way| Series {
            name: way.name.clone(),
            points: (allowed.iter().zip(&way.found))
                .map(|(&n, &(error, _))| (f64::from(n), error))
                .filter(|&(_, error)| error <= FAR)
                .collect(),
            dashed: false,
        })
        .collect();
    let labels = Labels {
        title: "From z to x in each layer: all numbers at once, or each in turn".to_owned(),
        note: format!("{} latents, f64; errors above {FAR:.0} are not drawn", args.samples),
        x: "iterations of a layer, or evaluations of a root".to_owned(),
        y: "greatest |z′ − z|".to_owned(),
        log_x: true,
        log_y: true,
    };
    Ok(curve::save(picture, &series, &labels)?)
}

/// A step as it is best read.
fn short(step: f64) -> String {
    let text = format!("{step:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
