//! `zoo check`.

use super::{load, threads};
use anyhow::Result;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run folder or a .safetensors file
    run: PathBuf,
    /// Rows to check
    #[arg(long, default_value = "4")]
    samples: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Threads [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let _ = (load::<f64>(&args.run)?, threads(args.threads), args.samples, args.json);
    Ok(ExitCode::SUCCESS)
}
