//! The subcommands, one per file.

mod args;
mod change_of_variables;
mod check;
mod class;
mod compare;
mod compare_student;
mod data;
mod demo;
mod density;
mod distill;
mod evaluate;
mod gaussianize;
mod interpolate;
mod inversion_error;
mod latents;
mod lecture;
mod list;
mod maf_vs_iaf;
mod names;
mod output;
mod planar;
mod reconstruct;
mod sample;
mod sound;
mod train;
mod train_args;
mod transform;

use crate::data::source::Source;
use crate::models::Model;
use crate::runs::checkpoint::{self, Header, Loaded};
use anyhow::{Context as _, Result, bail};
use autograd::Real;
use clap::{Parser, Subcommand};
use flows::Flow;
use std::path::Path;
use std::process::ExitCode;

pub use output::Output;

/// Normalizing flows from the lectures: train them, sample from them, evaluate and plot them.
#[derive(Debug, Parser)]
#[command(name = "zoo", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a lecture model on MNIST for two minutes and draw digits from it
    #[command(after_help = "Example: zoo demo --minutes 5")]
    Demo(demo::Args),
    /// List the models, or the parameters of one
    #[command(after_help = "Example: zoo list --params nice")]
    List(list::Args),
    /// Plot training data, to compare with a model's samples
    #[command(after_help = "Example: zoo data two-moons")]
    Data(data::Args),
    /// Train a model
    Train(train::Args),
    /// Distill a trained model into a student that samples in one parallel pass
    ///
    /// In most libraries the student samples hundreds of times faster than its teacher. Here the teacher computes each
    /// unit of its network only once per sample, so it is nearly as fast. Both times are printed at the end.
    Distill(distill::Args),
    /// Plot samples from a student next to its teacher's, and time both
    ///
    /// `zoo distill` does the same when it ends.
    #[command(after_help = "Example: zoo compare-student runs/iaf-of-maf-mnist")]
    CompareStudent(compare_student::Args),
    /// Draw samples from a trained model
    #[command(after_help = "Example: zoo sample runs/nice-mnist --grid 8x4 --temperature 0.8")]
    Sample(sample::Args),
    /// Compute the log-likelihood of the test rows, in nats and bits/dim
    #[command(after_help = "Example: zoo evaluate runs/nice-mnist")]
    Evaluate(evaluate::Args),
    /// Compare trained models: likelihood, size, speed, and round-trip error
    ///
    /// Prints one table per data set and plots the same values. The training time is the time to the weights that were
    /// kept. Sampling and density times are medians over several batches, after a warm-up. The round trip is
    /// x → z → x′ in f32.
    #[command(after_help = "Example: zoo compare runs/nice-mnist runs/real-nvp-mnist")]
    Compare(compare::Args),
    /// Compute log p(x), in nats, for each row of an NPY file
    ///
    /// The rows are continuous data, in the space that the density is over: images lie in [0, 1]. No noise is added.
    #[command(after_help = "Example: zoo logprob runs/maf-two-moons --input x.npy --output log-p.npy")]
    Logprob(transform::Args),
    /// Map data to latents: x → z
    #[command(after_help = "Example: zoo encode runs/maf-two-moons --input x.npy --output z.npy")]
    Encode(transform::Args),
    /// Map latents to data: z → x
    #[command(after_help = "Example: zoo decode runs/maf-two-moons --input z.npy --output x.npy")]
    Decode(transform::Args),
    /// Interpolate between test images in latent space
    ///
    /// manifold.png has a test image in each corner and mixtures of the four between them. line.png has one
    /// interpolation per row.
    #[command(after_help = "Example: zoo interpolate runs/real-nvp-mnist --corners 0,1,2,3")]
    Interpolate(interpolate::Args),
    /// Plot a VAE's reconstructions and, for two latents, its latent space
    ///
    /// reconstructions.png has test images and, below each, its reconstruction. For two latents, manifold.png decodes a
    /// grid of equally likely z, and latents.png plots the test rows in latent space, colored by class.
    #[command(after_help = "Example: zoo reconstruct runs/vae-mnist")]
    Reconstruct(reconstruct::Args),
    /// Plot a model of 2D data: its density, its samples, and the warped grid of latents
    #[command(after_help = "Example: zoo density runs/maf-two-moons")]
    Density(density::Args),
    /// Plot the latents of 2D test data, for several models side by side
    ///
    /// The latents of a perfect model are standard normal: means 0, standard deviations 1, correlation 0. The
    /// Kolmogorov–Smirnov distance also compares the distribution of |z|² with its ideal, 1 − exp(−r/2). Even for a
    /// perfect model it exceeds 1.36/√N in 5 of 100 cases. (NICE has a logistic prior, so its latents always differ.)
    #[command(after_help = "Example: zoo latents runs/made-banana runs/maf-banana")]
    Latents(latents::Args),
    /// Gaussianize a table or a toy data set with RBIG, and plot each step
    ///
    /// Prints how much each layer reduces the total correlation, and saves a model that the other commands can load. The
    /// plots: one column mapped through its CDF (inverse-cdf.png), the layers from data to latents (layers.png) and back
    /// (sampling.png), and quantiles of the result (quantiles.png).
    #[command(after_help = "Example: zoo gaussianize two-moons")]
    Gaussianize(gaussianize::Args),
    /// Time sampling and density of MAF and IAF as the dimension grows
    ///
    /// The models are untrained and have no normalization layers. Each time is a median over several batches, after a
    /// warm-up, in microseconds per row.
    #[command(after_help = "Example: zoo maf-vs-iaf --dims 2,32,512")]
    MafVsIaf(maf_vs_iaf::Args),
    /// Plot MintNet's inversion error against the iteration budget, for both inverses
    ///
    /// The fixed-point iteration of the paper updates all entries at once. The sweep solves for one entry at a time, as
    /// the root of a function of that entry. Both run in f64 on the same latents; each is timed once.
    #[command(after_help = "Example: zoo inversion-error runs/mint-net-mnist")]
    InversionError(inversion_error::Args),
    /// Plot the change of variables: X = 4Z, X = exp(Z), and the unit square under a matrix
    #[command(after_help = "Example: zoo change-of-variables --matrix 1,1,0,2")]
    ChangeOfVariables(change_of_variables::Args),
    /// Plot planar flows: random layers over two base densities, and fits to four energies
    ///
    /// The energies are U1 to U4 of Rezende and Mohamed (2015). Each flow is fitted with its own samples. The printed
    /// KL(flow ‖ density), in nats, is estimated from 20,000 samples.
    #[command(after_help = "Example: zoo planar --fit 2,8 --steps 1000")]
    Planar(planar::Args),
    /// Check a trained model's inverse and log-determinant in f64
    #[command(after_help = "Example: zoo check runs/nice-mnist --samples 20")]
    Check(check::Args),
    /// Build the lecture page: every figure, next to ideas, formulas, and code
    ///
    /// Uses trained runs where there are any, and trains quick models elsewhere. The page is one HTML file that works
    /// offline. If interrupted, run the same command again to continue.
    #[command(after_help = "Example: zoo lecture --only change-of-variables,nice")]
    Lecture(lecture::Args),
}

/// Runs a command, which writes its results, and nothing else, to `out`.
///
/// # Errors
/// If the command fails: one line that says why, and what to do.
pub fn run(cli: Cli, out: &mut Output<'_>) -> Result<ExitCode> {
    match cli.command {
        Command::Demo(args) => return demo::run(&args, out),
        Command::Train(args) => return train::run(&args, out),
        Command::Distill(args) => return distill::run(&args, out),
        Command::Compare(args) => return compare::run(&args, out),
        Command::Gaussianize(args) => return gaussianize::run(&args, out),
        Command::Lecture(args) => return lecture::run(&args, out),
        Command::List(args) => return list::run(&args, out),
        Command::Data(args) => data::run(&args, out),
        Command::CompareStudent(args) => compare_student::run(&args, out),
        Command::Sample(args) => sample::run(&args, out),
        Command::Evaluate(args) => evaluate::run(&args, out),
        Command::Logprob(args) => transform::run(&args, transform::Map::LogProb, out),
        Command::Encode(args) => transform::run(&args, transform::Map::Encode, out),
        Command::Decode(args) => transform::run(&args, transform::Map::Decode, out),
        Command::Interpolate(args) => interpolate::run(&args, out),
        Command::Reconstruct(args) => reconstruct::run(&args, out),
        Command::Density(args) => density::run(&args, out),
        Command::Latents(args) => latents::run(&args, out),
        Command::MafVsIaf(args) => maf_vs_iaf::run(&args, out),
        Command::InversionError(args) => inversion_error::run(&args, out),
        Command::ChangeOfVariables(args) => change_of_variables::run(&args, out),
        Command::Planar(args) => planar::run(&args, out),
        Command::Check(args) => check::run(&args, out),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Loads a model from a run folder or a checkpoint file.
fn load<T: Real>(run: &Path) -> Result<Loaded<Model<T>>> {
    checkpoint::load(&crate::runs::folder::checkpoint(run)?)
}

/// Loads a flow. Another kind of model is an error that ends in this advice.
fn load_flow<T: Real>(run: &Path, advice: &str) -> Result<Loaded<Flow<T>>> {
    let Loaded { header, model } = load(run)?;
    match model.into_flow() {
        Some(model) => Ok(Loaded { header, model }),
        None => bail!("{}: {} is not a flow, and this needs one: {advice}", run.display(), header.blueprint.name()),
    }
}

/// The data to use a model on: its training data, or other data of the same shape. The rows have their classes if the
/// model is conditional. The split is the same as in training.
fn source(header: &Header, other: Option<&String>) -> Result<Source> {
    let data = other.unwrap_or(&header.data);
    let source = Source::open(data, header.seed)?;
    let space = header.blueprint.space;
    if !space.takes(&source.space()) {
        let (has, wants) = (source.space().describe(), space.describe());
        bail!("{data} has {has}, but this model is over {wants}: give --data of that shape");
    }
    source.with_classes_of(header.blueprint.classes)
}

/// Creates the folder that --out names, if necessary.
fn make_folder(folder: &Path) -> Result<()> {
    let why = || format!("cannot make the folder {}: choose another --out", folder.display());
    std::fs::create_dir_all(folder).with_context(why)
}
