//! `zoo inversion`: how near `MintNet`'s two ways back come, against what they are allowed.

use super::{how::positive, load, require_ending, say, threads};
use crate::blueprint::Architecture;
use crate::files::check_place;
use crate::pictures::curve::{self, Labels, Series};
use crate::timing;
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
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,2,3,4,5,6,8,10,20,30,50,100",
        value_parser = clap::value_parser!(u16).range(1..))]
    allowed: Vec<u16>,
    /// The fixed point's steps α [default: the authors' 1/3.5, and 1]
    #[arg(long, value_name = "α,…", value_delimiter = ',', value_parser = positive, allow_negative_numbers = true)]
    steps: Vec<f64>,
    /// Decides the latents
    #[arg(long, default_value = "0")]
    seed: u64,
    /// The picture [default: inversion.svg beside the model]
    #[arg(long, value_name = "FILE.svg")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// One of the ways back, measured.
struct Way {
    name: String,
    /// For each number of iterations or evaluations: the error, and the seconds it took.
    found: Vec<(f64, f64)>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let out = args.out.clone().unwrap_or_else(|| super::beside(&args.run, "inversion.svg"));
    require_ending(Some(&out), "svg")?;
    check_place(&out)?;
    let loaded = load::<f64>(&args.run)?;
    let name = loaded.header.blueprint.name();
    if !matches!(loaded.header.blueprint.architecture, Architecture::MintNet { .. }) {
        bail!("{name} has one way from z to x: give a run of mint-net");
    }
    let mut allowed = args.allowed.clone();
    allowed.sort_unstable();
    allowed.dedup();
    let steps = if args.steps.is_empty() { vec![super::sample::STEP, 1.0] } else { args.steps.clone() };
    let flow = loaded.flow.core();
    let z = latents(&flow, usize::from(args.samples), args.seed);
    let ways: Vec<Way> = parallel::with_threads(threads(args.threads), || {
        let fixed = steps.iter().map(|&step| {
            let inversion = |iterations| Inversion::FixedPoint { step, iterations };
            measure(format!("fixed point, step {}", short(step)), &allowed, inversion, &flow, &z)
        });
        let sweep = |evaluations| Inversion::Sweep { evaluations };
        fixed.chain(std::iter::once_with(|| measure("sweep".to_owned(), &allowed, sweep, &flow, &z))).collect()
    });
    report(args, &allowed, &ways)?;
    draw(&out, args, &allowed, &ways)?;
    if !args.json {
        say(&format!("{}: the same as curves", out.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn latents(flow: &Flow<f64>, count: usize, seed: u64) -> Tensor<f64> {
    let shape: Shape = std::iter::once(count).chain(flow.event().iter().copied()).collect();
    flow.base().sample(shape, 1.0, &mut ChaCha8Rng::seed_from_u64(seed))
}

fn measure(name: String, allowed: &[u16], by: impl Fn(usize) -> Inversion, flow: &Flow<f64>, z: &Tensor<f64>) -> Way {
    let found = allowed.iter().map(|&allowed| {
        let RoundTrip { error, time, .. } = RoundTrip::of(flow.bijection(), z, by(usize::from(allowed)));
        (error, time.as_secs_f64())
    });
    Way { name, found: found.collect() }
}

/// A table: errors, and in brackets times.
fn report(args: &Args, allowed: &[u16], ways: &[Way]) -> Result<()> {
    if args.json {
        let ways: Vec<_> = ways
            .iter()
            .map(|Way { name, found }| {
                let (errors, seconds): (Vec<f64>, Vec<f64>) = found.iter().copied().unzip();
                json!({ "name": name, "errors": errors, "seconds": seconds })
            })
            .collect();
        return say(&serde_json::to_string_pretty(
            &json!({ "samples": args.samples, "seed": args.seed, "allowed": allowed, "ways": ways }),
        )?);
    }
    say(&format!("Greatest |z′ − z| after z → y → z′, in f64, {} latents, seed {}", args.samples, args.seed))?;
    let heads: String = ways.iter().map(|way| format!("{:>32}", way.name)).collect();
    say(&format!("{:>8}{heads}", "allowed"))?;
    for (i, allowed) in allowed.iter().enumerate() {
        let cells = ways.iter().map(|way| {
            let (error, seconds) = way.found[i];
            format!("{:>32}", format!("{error:.1e} in {}", timing::describe(seconds)))
        });
        say(&format!("{allowed:>8}{}", cells.collect::<String>()))?;
    }
    Ok(())
}

fn draw(out: &std::path::Path, args: &Args, allowed: &[u16], ways: &[Way]) -> Result<()> {
    let series: Vec<Series> = ways
        .iter()
        .map(|way| Series {
            name: way.name.clone(),
            points: allowed.iter().zip(&way.found).map(|(&n, &(error, _))| (f64::from(n), error)).collect(),
            dashed: false,
        })
        .collect();
    let labels = Labels {
        title: "From z to x in each layer: all numbers at once, or each in turn".to_owned(),
        note: format!("{} latents, f64", args.samples),
        x: "iterations of a layer, or evaluations of a root".to_owned(),
        y: "greatest |z′ − z|".to_owned(),
        log_x: true,
        log_y: true,
    };
    Ok(curve::save(out, &series, &labels)?)
}

/// A step as it is best read.
fn short(step: f64) -> String {
    let text = format!("{step:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
