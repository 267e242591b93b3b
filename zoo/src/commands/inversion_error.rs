//! `zoo inversion-error`: the error of `MintNet`'s two inverses, against their iteration budget.

use super::prelude::*;
use super::sample::{STEP_SIZE, step_size};
use crate::measure::timing;
use crate::runs::memory;
use autograd::Shape;
use flows::RoundTrip;

/// Plot MintNet's inversion error against the iteration budget, for both inverses
///
/// The fixed-point iteration of the paper updates all entries at once. The sweep solves for one entry at a time, as
/// the root of a function of that entry. Both run in f64 on the same latents; each is timed once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo inversion-error runs/mint-net-mnist")]
pub(super) struct Args {
    /// mint-net, its shipped weights, or a run folder or .safetensors file of one
    run: PathBuf,
    /// Number of latents to invert, drawn from the base distribution
    #[arg(long, value_name = "N", default_value = "8", value_parser = whole(1..=65_535), allow_negative_numbers = true)]
    samples: usize,
    /// Budgets to try: iterations (fixed point) or evaluations (sweep) per layer
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,2,3,4,5,6,8,10,20,50,100,200,400",
        value_parser = whole(1..=65_535))]
    budgets: Vec<usize>,
    /// Step sizes α of the fixed-point iteration [default: 0.2857 (1/3.5, as in the paper) and 1]
    #[arg(long, value_name = "α,…", value_delimiter = ',', value_parser = step_size, allow_negative_numbers = true)]
    step_sizes: Vec<f64>,
    /// The picture [default: inversion-error.svg in the run folder]
    #[arg(long, value_name = "FILE.svg")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    on: Compute,
}

/// Larger errors are not plotted: they would leave no room for the others.
const MAX_ERROR: f64 = 1000.0;

/// One way to invert, and its results.
struct Method {
    name: String,
    /// The step size of the fixed-point iteration; none for the sweep.
    step: Option<f64>,
    /// For each budget: the error, and the seconds it took.
    found: Vec<(f64, f64)>,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let picture = args.out.clone().unwrap_or_else(|| next_to(&args.run, "inversion-error.svg"));
    require_extension(Some(&picture), "svg")?;
    check_place(&picture)?;
    let loaded = load_flow::<f64>(&args.run, "give a run of mint-net")?;
    let name = loaded.header.blueprint.name();
    if !loaded.header.blueprint.is::<MintNet>() {
        bail!("{name} has only one inverse: give a run of mint-net");
    }
    let mut budgets = args.budgets.clone();
    budgets.sort_unstable();
    budgets.dedup();
    // The fixed point is iterated for all samples together, with the hidden units of each pixel.
    let (what, values) =
        (format!("inverting {} samples", args.samples), args.samples as f64 * loaded.model.dims() as f64);
    memory::require(400.0 * values, &what, "choose fewer --samples")?;
    let (samples, seed, flow) = (args.samples, args.on.seed.seed, loaded.model.core());
    let shape: Shape = std::iter::once(samples).chain(flow.event().iter().copied()).collect();
    let z = flow.base().sample(shape, 1.0, &mut ChaCha8Rng::seed_from_u64(seed));
    let mut methods = methods(&args.step_sizes);
    if !args.json {
        writeln!(out, "Largest |z′ − z| after z → x → z′, in f64, {samples} latents, seed {seed}")?;
        let heads: String = methods.iter().map(|method| format!("{:>32}", method.name)).collect();
        writeln!(out, "{:>8}{heads}", "budget")?;
    }
    // Row by row, because the last ones may take minutes.
    for &budget in &budgets {
        let mut row = format!("{budget:>8}");
        for method in &mut methods {
            let (error, seconds) = args.on.threads.run(|| method.measure(budget, &flow, &z));
            row += &format!("{:>32}", format!("{error:.1e} in {}", timing::describe(seconds)));
        }
        if !args.json {
            writeln!(out, "{row}")?;
        }
    }
    let series: Vec<Series> = methods.iter().map(|method| method.series(&budgets)).collect();
    let labels = Labels {
        title: "Inverting each layer: all entries at once, or one by one".to_owned(),
        note: format!("{samples} latents, f64; errors above {MAX_ERROR:.0} are not shown"),
        x: "iterations per layer, or evaluations per root".to_owned(),
        y: "largest |z′ − z|".to_owned(),
        log_x: true,
        log_y: true,
    };
    curve::draw(&series, &labels)?.save(&picture)?;
    if args.json {
        let json = |Method { name, found, .. }: &Method| {
            let (errors, seconds): (Vec<f64>, Vec<f64>) = found.iter().copied().unzip();
            json!({ "name": name, "errors": errors, "seconds": seconds })
        };
        let methods: Vec<_> = methods.iter().map(json).collect();
        out.json(&json!({ "samples": samples, "seed": seed, "budgets": budgets, "methods": methods }))?;
    } else {
        writeln!(out, "{}: the same, plotted", picture.display())?;
    }
    Ok(())
}

/// The fixed-point iteration with each step size, and the sweep.
fn methods(step_sizes: &[f64]) -> Vec<Method> {
    let steps = if step_sizes.is_empty() { &[STEP_SIZE, 1.0] } else { step_sizes };
    let named = |step: Option<f64>| {
        // Up to three decimals, without trailing zeros.
        let short =
            |step| format!("fixed point, step {step:.3}").trim_end_matches('0').trim_end_matches('.').to_owned();
        let name = step.map_or_else(|| "sweep".to_owned(), short);
        Method { name, step, found: Vec::new() }
    };
    steps.iter().copied().map(Some).chain([None]).map(named).collect()
}

impl Method {
    /// Inverts with this budget.
    fn measure(&mut self, budget: usize, flow: &Flow<f64>, z: &Tensor<f64>) -> (f64, f64) {
        let inversion = match self.step {
            Some(step) => Inversion::FixedPoint { step, iterations: budget },
            None => Inversion::Sweep { evaluations: budget },
        };
        MintSolver::of(flow).iter().for_each(|solver| solver.set_inversion(inversion));
        let RoundTrip { error, time, .. } = RoundTrip::of(flow.bijection(), z);
        self.found.push((error, time.as_secs_f64()));
        (error, time.as_secs_f64())
    }

    /// The errors as a curve.
    fn series(&self, budgets: &[usize]) -> Series {
        let points = budgets.iter().zip(&self.found).map(|(&budget, &(error, _))| (budget as f64, error));
        let points = points.filter(|&(_, error)| error <= MAX_ERROR).collect();
        Series { name: self.name.clone(), points, dashed: false }
    }
}
