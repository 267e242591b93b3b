//! `zoo ship`: puts a run's weights into the folder of those that become part of the program.

use super::prelude::*;
use crate::judge::{Judge, judged};
use crate::measure::figures::{FIGURES, FIRST, Figures, JUDGED, SEED, on_test_rows};
use crate::measure::shipped::Record;
use crate::runs::memory::Bytes;
use crate::runs::{checkpoint, shipped};
use crate::train::history;
use std::fs;

/// Write a run's weights in half precision or less, to become part of the program
///
/// The file has all that the run's model has, and how it was trained and measured. It is not written if the rounded
/// weights are worse by more than 0.002 bits/dim on the test rows. The next build has it, and commands take NAME in place
/// of a run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo ship runs/maf-mnist")]
pub(super) struct Args {
    /// Run folder, or .safetensors file
    run: PathBuf,
    /// Its name in commands [default: the model, -conditional if it is, and the data if they are not the usual ones]
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// The folder of the weights [default: zoo/weights; of records, zoo/results]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Record the figures alone, as FOLDER/NAME.json, of weights that are too large to ship; they are not rounded
    #[arg(long)]
    record: bool,
    #[command(flatten)]
    threads: Threads,
}

/// The most that rounding may cost, in the unit of the loss: of images, bits/dim.
const MOST: f64 = 0.002;
/// The most that all shipped weights may take, in bytes.
pub(super) const BUDGET: u64 = 40_000_000;

fn name(text: &str) -> Result<String, String> {
    let plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    match plain && !text.starts_with('-') && !text.is_empty() && text != "judge" {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is no name: use small letters, digits and dashes; judge is taken")),
    }
}

/// The name of a model's weights.
fn usual_name(header: &Header) -> String {
    let About { name, data: usual, .. } = header.blueprint.kind.about();
    let conditional = if header.blueprint.classes > 0 { "-conditional" } else { "" };
    let data = if header.data == usual { String::new() } else { format!("-{}", plain(&header.data).to_lowercase()) };
    format!("{name}{conditional}{data}")
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let shown = args.run.display();
    if shipped::named(&args.run).is_some() {
        bail!("{shown} is shipped already: give a run folder or a .safetensors file, or write ./{shown}");
    }
    let loaded = load::<f32>(&args.run)?;
    let name = args.name.clone().unwrap_or_else(|| usual_name(&loaded.header));
    let [usual, extension] = if args.record { ["zoo/results", "json"] } else { ["zoo/weights", "safetensors"] };
    let to = args.out.as_deref().unwrap_or(Path::new(usual));
    let path = to.join(format!("{name}.{extension}"));
    // Before the minutes of measuring.
    check_place(&path)?;
    let source = source(&loaded, None)?;
    let Loaded { header, model } = loaded;
    let space = header.blueprint.space;
    interrupt::listen()?;
    let measured = |limit| on_test_rows(&model, &space, &source, limit);
    let figures = args.threads.run(|| -> Result<Figures> {
        let unrounded = measured(None)?.loss();
        if !args.record {
            checkpoint::round(&model);
        }
        let (test, first) = (measured(None)?, measured(Some(FIRST))?);
        let sure = Judge::reads(&space).then(|| judged::judge(&model, &source, JUDGED, SEED));
        let sure = match sure {
            Some(Err(why)) if why.is::<Interrupted>() => return Err(why),
            // Samples that are not finite cannot be judged.
            other => other.and_then(Result::ok).map(|judged| judged.samples.sure),
        };
        let history = folder::of(&args.run).and_then(|run| history(&run, &header));
        Ok(Figures { test, first, unrounded, sure, history })
    })?;
    let cost = figures.test.loss() - figures.unrounded;
    if figures.test.not_finite > 0 || !cost.is_finite() {
        bail!("{shown} has test rows without a finite density, and cannot be shipped: {}", figures.test.describe());
    }
    if cost > MOST {
        bail!(
            "rounding the weights of {shown} costs {cost:.4}, more than {MOST}: train it further, or with smaller weights"
        );
    }
    let score = figures.test.describe();
    if args.record {
        Record { name, header, figures }.write(&path)?;
        return writeln!(out, "{}: {score}", path.display());
    }
    let extra = (FIGURES, serde_json::to_string(&figures)?);
    checkpoint::write_small(&path, &header, &[extra], &model)?;
    let size = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let all: u64 = fs::read_dir(to)?.flatten().map(|entry| size(&entry.path())).sum();
    if all > BUDGET {
        let most = Bytes(BUDGET as f64);
        stderr::print_line(format_args!(
            "warning: shipped weights may take {most}: leave some out, or train smaller models"
        ));
    }
    let [size, all] = [size(&path), all].map(|bytes| Bytes(bytes as f64));
    writeln!(out, "{}: {score}; rounding changed that by {cost:+.5}; {size}, {all} in all", path.display())
}
