//! `zoo results`: the figures of the shipped weights, as tables or measured again.

use super::prelude::*;
use crate::measure::shipped::{self, Entry};
use crate::runs::files::{self, write_atomically};
use std::io::Write as _;

/// Print the figures of shipped weights and recorded runs as tables, or measure them again
///
/// The figures are those that zoo ship measured and stored in the files: bits/dim of all test images with the standard
/// error, and how the weights were trained.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo results --page RESULTS.md")]
pub(super) struct Args {
    /// Write the tables into this page, between the lines that mark their place
    #[arg(long, value_name = "FILE.md", conflicts_with = "check")]
    page: Option<PathBuf>,
    /// The folder of the figures that zoo ship --record wrote
    #[arg(long, value_name = "FOLDER", default_value = "zoo/results")]
    records: PathBuf,
    /// Measure every figure of shipped weights again on all test rows, which takes minutes, and compare
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    threads: Threads,
}

/// The largest difference of a figure that is measured again.
const MOST: f64 = 1e-3;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let entries = shipped::all().into_iter().collect::<Result<Vec<Entry>>>()?;
    if args.check {
        return args.threads.run(|| check(&entries, out));
    }
    let tables = shipped::tables(&entries, &shipped::records(&args.records)?)?;
    match &args.page {
        Some(path) => {
            require_extension(Some(path), "md")?;
            let page = String::from_utf8_lossy(&files::read(path)?).into_owned();
            let page = shipped::replaced(&page, &tables, path)?;
            write_atomically(path, |file| file.write_all(page.as_bytes()))?;
            writeln!(out, "{}: the section of shipped weights is written", path.display())?;
        }
        None => tables.lines().try_for_each(|line| writeln!(out, "{line}"))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn check(entries: &[Entry], out: &mut Output<'_>) -> Result<ExitCode> {
    interrupt::listen()?;
    let mut differ = 0;
    for entry in entries {
        let [stored, found] = entry.again(false)?;
        let same = (stored - found).abs() <= MOST;
        differ += usize::from(!same);
        let (name, n, unit) = (&entry.name, entry.figures.test.n, entry.unit());
        let verdict = if same { "the same" } else { "ANOTHER" };
        writeln!(out, "{name}: {found:.5} {unit} on {n} test rows, {stored:.5} in the file: {verdict}")?;
    }
    if differ > 0 {
        bail!("{differ} of {} figures are not those in the files: ship the weights again", entries.len());
    }
    Ok(ExitCode::SUCCESS)
}
