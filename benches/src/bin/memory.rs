//! Peak resident memory of a workload, here and in PyTorch.
//!
//! ```text
//! cargo run --release -p benches --bin memory -- [--torch PYTHON] [--only NAME]
//! ```
//!
//! Each library runs each workload twice in a process of its own. The figure is the peak of that process, including
//! the interpreter or the program itself. In parentheses is its memory before the work began, when the libraries are
//! loaded and no input exists yet. Linux only.

use anyhow::{Context, Result, bail};
use autograd::parallel;
use benches::{Python, Workload, with_all_threads, workloads};
use clap::Parser;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Peak resident memory of workloads.
#[derive(Debug, Parser)]
#[command(name = "memory")]
struct Args {
    /// The Python that has PyTorch [default: target/peers/torch/bin/python]
    #[arg(long, value_name = "PYTHON", default_value = "target/peers/torch/bin/python")]
    torch: PathBuf,
    /// Only workloads whose names contain this
    #[arg(long, value_name = "NAME", default_value = "realnvp_mnist")]
    only: String,
    /// Run this one workload in this process and print its two figures
    #[arg(long, hide = true)]
    alone: Option<String>,
}

/// Resident memory in MiB.
#[derive(Clone, Copy, Debug)]
struct Resident {
    before: f64,
    peak: f64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(name) = &args.alone {
        let workload = find(name)?;
        let before = status("VmRSS")?;
        let mut step = (workload.prepare)();
        with_all_threads(|| {
            step();
            step();
        });
        println!("{before} {}", status("VmHWM")?);
        return Ok(());
    }
    println!("peak resident memory in MiB (before the work began), {} threads\n", parallel::available());
    println!("| workload | ours | peer | theirs | ours / theirs |\n| --- | ---: | --- | ---: | ---: |");
    for workload in workloads::all().filter(|w| w.name.contains(&args.only)) {
        let ours = run(Command::new(std::env::current_exe()?).args(["--alone", workload.name]))?;
        for peer in workload.peers.iter().filter(|peer| peer.python == Python::Torch) {
            let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("peers").join(peer.script);
            let mut python = Command::new(&args.torch);
            python.arg(script).args(["--memory", workload.name]);
            python.env("OMP_NUM_THREADS", parallel::available().to_string());
            let theirs = run(&mut python)?;
            println!(
                "| {} | {:.0} ({:.0}) | {} | {:.0} ({:.0}) | {:.2} |",
                workload.name,
                ours.peak,
                ours.before,
                peer.lib,
                theirs.peak,
                theirs.before,
                ours.peak / theirs.peak
            );
        }
    }
    Ok(())
}

fn find(name: &str) -> Result<&'static Workload> {
    workloads::all().find(|w| w.name == name).with_context(|| format!("there is no workload {name}"))
}

/// The two figures that a process prints.
fn run(command: &mut Command) -> Result<Resident> {
    let shown = format!("{command:?}");
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {shown}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match figures[..] {
        [before, peak] if output.status.success() => Ok(Resident { before, peak }),
        _ => bail!("{shown} gave no figures"),
    }
}

/// A line of this process's status as Linux reports it, in MiB.
fn status(field: &str) -> Result<f64> {
    let account = std::fs::read_to_string("/proc/self/status").context("this needs Linux's /proc")?;
    let line = account.lines().find(|line| line.starts_with(field)).with_context(|| format!("no {field}"))?;
    let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib / 1024.0)
}
