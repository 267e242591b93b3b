//! Densities of points in the plane: `RealNVP` here and in flowjax, on the same rows for the same number of steps.
//!
//! ```text
//! cargo run --release -p benches --bin toys -- [--jax PYTHON] [--steps N] [--seed S]
//! ```
//!
//! Both see the same training rows in the same batches of 256 and are evaluated on the same 10,000 test rows. Both
//! have 8 affine couplings with two hidden layers of 64, trained by Adam at 1e-3. Ours is trained a second time as
//! `zoo train` does it, with a decaying learning rate and averaged weights.

use anyhow::{Context as _, Result, bail};
use autograd::{Tensor, Var, sharded};
use benches::with_all_threads;
use clap::Parser;
use flows::models::{Norm, RealNvp, RealNvpConfig};
use flows::nn::{Adam, AdamConfig, Ema, Schedule};
use flows::{Context, Module};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};
use std::process::Command;
use zoo::data::{Toy, npy};

/// Test log-likelihoods of toys, here and in flowjax.
#[derive(Debug, Parser)]
#[command(name = "toys")]
struct Args {
    /// The Python that has flowjax [default: target/peers/jax/bin/python]
    #[arg(long, value_name = "PYTHON", default_value = "target/peers/jax/bin/python")]
    jax: PathBuf,
    /// Optimizer steps
    #[arg(long, default_value_t = 5_000)]
    steps: usize,
    /// Random seed for rows and initial weights
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

const BATCH: usize = 256;
const TEST_ROWS: usize = 10_000;
const TOYS: [&str; 2] = ["two-moons", "eight-gaussians"];

fn main() -> Result<()> {
    let args = Args::parse();
    println!("{} steps of {BATCH} rows, seed {}, nats on {TEST_ROWS} test rows\n", args.steps, args.seed);
    println!("| toy | ours | ours, decaying rate and averaged weights | flowjax |\n| --- | ---: | ---: | ---: |");
    for name in TOYS {
        let toy = Toy::of(name).with_context(|| format!("no toy {name}"))?;
        let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
        let train = rows(toy, args.steps * BATCH, &mut rng);
        let test = rows(toy, TEST_ROWS, &mut rng);
        let [plain, refined] = [false, true].map(|refined| with_all_threads(|| ours(&train, &test, &args, refined)));
        println!("| {name} | {plain} | {refined} | {} |", flowjax(&train, &test, &args)?);
    }
    Ok(())
}

fn rows(toy: Toy, count: usize, rng: &mut ChaCha8Rng) -> Tensor<f32> {
    Tensor::from_slice([count, 2], &toy.sample(count, rng).values)
}

/// The mean test log-likelihood and its standard error.
fn ours(train: &Tensor<f32>, test: &Tensor<f32>, args: &Args, refined: bool) -> String {
    let config = RealNvpConfig { dims: 2, couplings: 8, hidden: 64, depth: 2, norm: Norm::None, condition: 0 };
    let flow = RealNvp::build::<f32>(&config, &mut ChaCha8Rng::seed_from_u64(args.seed));
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    let mut average = Ema::new(flow.params(), 0.999);
    for step in 0..args.steps {
        let progress = step as f64 / args.steps as f64;
        let lr = if refined { 3e-3 * Schedule::Cosine { floor: 0.02 }.factor(progress) } else { 1e-3 };
        let batch = train.rows(step * BATCH..(step + 1) * BATCH);
        let evaluated = sharded(BATCH, 2, |tape, rows| flow.loss(&tape.constant(batch.rows(rows)), Context::default()));
        adam.step(&evaluated.gradients, lr);
        average.update();
    }
    if refined {
        average.swap();
    }
    let log_probs = flow.log_prob(&Var::from(test.clone()), Context::default()).into_value();
    let log_probs: Vec<f64> = log_probs.as_slice().iter().map(|&l| f64::from(l)).collect();
    let n = log_probs.len() as f64;
    let mean = log_probs.iter().sum::<f64>() / n;
    let variance = log_probs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0);
    format!("{mean:.4} ± {:.4}", (variance / n).sqrt())
}

/// The same for flowjax, from a script that reads the rows from files.
fn flowjax(train: &Tensor<f32>, test: &Tensor<f32>, args: &Args) -> Result<String> {
    let folder = std::env::temp_dir();
    let files = [("train", train), ("test", test)].map(|(what, rows)| {
        let path = folder.join(format!("zoo-toys-{}-{what}.npy", std::process::id()));
        npy::write(&path, rows.shape(), rows.as_slice()).map(|()| path)
    });
    let [train, test] = files;
    let (train, test) = (train?, test?);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/jax_toys.py");
    let output = Command::new(&args.jax)
        .arg(script)
        .args([&train, &test])
        .args([BATCH.to_string(), args.seed.to_string()])
        .output()
        .with_context(|| format!("cannot start {}", args.jax.display()));
    for path in [&train, &test] {
        std::fs::remove_file(path)?;
    }
    let output = output?;
    if !output.status.success() {
        bail!("flowjax failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
