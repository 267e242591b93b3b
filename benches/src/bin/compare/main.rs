//! Runs the workloads here and in other libraries, in turns, and prints a Markdown table.
//!
//! ```text
//! cargo run --release -p benches --bin compare -- [--jax PYTHON] [--torch PYTHON] [--only NAME]
//! ```
//!
//! Absolute times drift from minute to minute on a shared machine, so do not compare across runs of this program.
//! Within one run, every round measures our library, each peer, and the rate of a large matrix product, one right
//! after the other.

mod entrant;
mod peers;
mod quiet;
mod table;

use autograd::{parallel, pool};
use benches::workloads::dense::PEAK;
use benches::{Repeats, Workload, workloads};
use clap::Parser;
use entrant::Entrant;
use peers::Peers;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use table::Row;

/// Compare speed with other libraries on the same work, measured in one run.
#[derive(Debug, Parser)]
#[command(name = "compare")]
struct Args {
    /// The Python that has JAX [default: target/peers/jax/bin/python]
    #[arg(long, value_name = "PYTHON")]
    jax: Option<PathBuf>,
    /// The Python that has PyTorch [default: target/peers/torch/bin/python]
    #[arg(long, value_name = "PYTHON")]
    torch: Option<PathBuf>,
    /// Only workloads whose names contain this; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Rounds; each library takes one turn per round
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Timed runs of each library over all rounds [default: set by the workload]
    #[arg(long, value_name = "N")]
    repeats: Option<usize>,
}

/// Runs of the large matrix product in each round of another workload.
const PEAK_REPEATS: Repeats = Repeats { warm: 1, timed: 4 };

fn main() -> ExitCode {
    let args = Args::parse();
    let is_wanted = |w: &&Workload| args.only.is_empty() || args.only.iter().any(|name| w.name.contains(name.as_str()));
    let wanted: Vec<_> = workloads::all().filter(is_wanted).collect();
    if wanted.is_empty() {
        let names: Vec<_> = workloads::all().map(|w| w.name).collect();
        eprintln!("no workload has that in its name; there are: {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    let rounds = args.rounds.max(1);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let installed = root.join("target/peers");
    let interpreter =
        |given: &Option<PathBuf>, name: &str| given.clone().unwrap_or(installed.join(name).join("bin/python"));
    let mut peers = Peers::new(interpreter(&args.jax, "jax"), interpreter(&args.torch, "torch"));
    let mut rows = Vec::new();
    let mut taken: Option<f64> = None;
    let mut watch = || taken = quiet::taken_by_others().into_iter().chain(taken).max_by(f64::total_cmp);
    watch();
    for workload in wanted {
        eprintln!("{} …", workload.name);
        let timed = args.repeats.unwrap_or(workload.repeats.timed).div_ceil(rounds).max(1);
        rows.extend(compare(workload, Repeats { timed, ..workload.repeats }, rounds, &mut peers));
        pool::release::<f32>();
        // Between workloads, and once after the last.
        watch();
    }
    let threads = parallel::available();
    println!("{threads} threads, {rounds} rounds; median (minimum) in ms. {}\n", quiet::verdict(taken));
    print!("{}", table::markdown(&rows));
    ExitCode::SUCCESS
}

/// All rounds of one workload. One row for each peer that answered, or a single row without a peer.
fn compare(workload: &'static Workload, repeats: Repeats, rounds: usize, peers: &mut Peers) -> Vec<Row> {
    let is_peak = workload.name == PEAK.name;
    let mut field = Entrant::all(workload);
    if workload.flops.is_some() && !is_peak {
        field.extend(Entrant::all(PEAK));
    }
    for round in 0..rounds {
        for entrant in &mut field {
            let own = if entrant.workload.name == workload.name { repeats } else { PEAK_REPEATS };
            // Later rounds only need to warm the caches again.
            let warm = if round == 0 { own.warm } else { 1 };
            entrant.take_turn(Repeats { warm, ..own }, round + 1 == rounds, peers);
        }
    }
    // The product of the fastest library stands for what the machine can do.
    let products = field.iter().filter(|entrant| entrant.workload.name == PEAK.name);
    let peak = products.filter_map(|entrant| entrant.workload.flops.zip(entrant.times.median()));
    let peak = peak.map(|(flops, ms)| table::gigaflops(flops, ms)).max_by(f64::total_cmp);
    field.retain(|entrant| entrant.workload.name == workload.name);
    let ours = field.remove(0).times;
    let theirs = field.into_iter().filter_map(|entrant| Some((entrant.peer()?.lib, entrant.times)));
    let theirs: Vec<_> = theirs.filter(|(_, times)| times.median().is_some()).collect();
    if theirs.is_empty() {
        return vec![Row { workload, ours, theirs: None, peak }];
    }
    theirs.into_iter().map(|theirs| Row { workload, ours: ours.clone(), theirs: Some(theirs), peak }).collect()
}
