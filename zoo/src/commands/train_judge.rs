//! `zoo train-judge`: trains the classifier that judges samples.

use super::prelude::*;
use crate::judge::train;

/// Train the classifier of digits that judges samples
///
/// It learns from the training images of MNIST, in about four minutes on two cores. Its weights depend on the seed and
/// the steps alone. The program has the weights that this command writes with its defaults.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo train-judge --out judge.safetensors")]
pub(super) struct Args {
    /// The file for the weights
    #[arg(long, value_name = "FILE.safetensors", default_value = "judge.safetensors")]
    out: PathBuf,
    /// Steps of 100 images
    #[arg(long, value_name = "N", default_value = "8000", value_parser = at_least_one)]
    steps: usize,
    #[command(flatten)]
    on: Compute,
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    require_extension(Some(&args.out), "safetensors")?;
    // Before the minutes of training.
    check_place(&args.out)?;
    interrupt::listen()?;
    let trained = args.on.threads.run(|| train::train(args.on.seed.seed, args.steps as u64))?;
    trained.write(&args.out)?;
    for (part, accuracy) in ["validation", "test"].into_iter().zip(&trained.accuracy) {
        let (share, error, n) = (100.0 * accuracy.share, 100.0 * accuracy.error(), accuracy.n);
        writeln!(out, "{share:.2} ± {error:.2}% of {n} {part} images are read right")?;
    }
    writeln!(out, "{}: {} steps of 100 images, seed {}", args.out.display(), args.steps, args.on.seed.seed)?;
    Ok(())
}
