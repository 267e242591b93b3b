//! The commands, one a file.

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
mod gaussian;
mod gaussianize;
mod how;
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
mod transform;
mod vae;

use crate::data::source::Source;
use crate::model::Model;
use crate::runs::checkpoint::{self, Header, Loaded};
use anyhow::{Context as _, Result, bail};
use autograd::{Real, parallel};
use clap::{Parser, Subcommand};
use flows::Flow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use output::Output;

/// The lectures' normalizing flows, trained, sampled and checked.
#[derive(Debug, Parser)]
#[command(name = "zoo", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a lecture model on MNIST for about two minutes and draw digits with it
    Demo(demo::Args),
    /// Show the models, or the parameters of one
    List(list::Args),
    /// Draw data itself, to compare a model's samples with
    Data(data::Args),
    /// Train a model
    Train(train::Args),
    /// Let a model that samples in one parallel pass learn from a trained one that does not
    ///
    /// Everywhere else that makes samples hundreds of times faster. Here the teacher computes each unit of its network
    /// once, too, and is about as fast; what it ends with says by how much.
    Distill(distill::Args),
    /// Draw a student's samples beside its teacher's, and measure how long either takes for one
    ///
    /// What `zoo distill` ends with, for a student that is already there.
    CompareStudent(compare_student::Args),
    /// Draw samples from a trained model
    Sample(sample::Args),
    /// Measure bits/dim and nats on the test rows
    Evaluate(evaluate::Args),
    /// Compare trained models: how good, how large, how fast, and how exactly they go there and back
    ///
    /// A table and a row of panels for each data set that the runs were trained on. Training is the time to the weights
    /// that were kept. Times of samples and densities are the median of several repetitions of a batch, after one
    /// that does not count. There and back is x → z → x in f32, as the program uses the model.
    Compare(compare::Args),
    /// Compute log p(x), in nats, of each row of a NPY file
    ///
    /// Rows are continuous data in the space that the density is over: images lie in [0, 1].
    /// Nothing is added and nothing is random.
    Logprob(transform::Args),
    /// Map data to latents, x → z
    Encode(transform::Args),
    /// Map latents to data, z → x
    Decode(transform::Args),
    /// Draw what lies between test images: a manifold with four of them in its corners, and lines
    Interpolate(interpolate::Args),
    /// Draw what a vae makes of test rows by way of z, and, of two latents, the plane of z
    ///
    /// reconstructions.png has test images and, below each, what the decoder makes of the middle of its posterior. Of
    /// two latents there are manifold.png, what is decoded from a grid of z whose cells are equally likely, and
    /// latents.png, the middles of test rows' posteriors, a color for each class.
    Reconstruct(reconstruct::Args),
    /// Draw what a model of the plane has learned: density, samples, and the map between z and x
    Density(density::Args),
    /// Draw what models of the plane make of their test rows, side by side: z should be a standard normal
    ///
    /// A line for each run says what z is like: means 0, standard deviations 1 and correlation 0 are right. What
    /// they do not see, the distance does: the largest difference between the distribution of |z|² and a
    /// standard normal's, 1 − exp(−r/2), from 0 to 1. Beside it stands what chance alone would stay below in 95 of
    /// 100 cases, 1.36/√N. (Latents of nice are to be logistic, and so always differ.)
    Latents(latents::Args),
    /// Make a table or a toy normal by RBIG: fit marginals and rotations in turn, and draw how it goes
    ///
    /// Prints what each layer takes off the total correlation, and keeps a model that the other commands load. The
    /// pictures: the way of one column through its distribution function (inverse-cdf.png), points of the plane layer by
    /// layer to a round normal (layers.png) and back (sampling.png), quantiles of what comes out (quantiles.png).
    Gaussianize(gaussianize::Args),
    /// Measure the time of a sample and of a density, of MAF and of IAF, as the dimensions grow
    ///
    /// The models have fresh parameters and no normalization. Each time is the median of several repetitions of a
    /// whole batch, after one that does not count, in microseconds per row.
    MafVsIaf(maf_vs_iaf::Args),
    /// Measure how near mint-net's two ways from z to x come, against how often they may look
    ///
    /// Its authors' fixed point goes on with all numbers at once; the sweep takes them in order, and finds each as the
    /// root of a function of it alone. Both in f64, from the same latents; times are of one inversion each.
    InversionError(inversion_error::Args),
    /// Draw what a change of variables does: X = 4Z, X = exp(Z), and a square that becomes a parallelogram
    ChangeOfVariables(change_of_variables::Args),
    /// Draw planar flows: what more and more layers make of two bases, and fits to four energies
    ///
    /// The layers of the first picture are drawn at random. Those of the second are fitted to the energies U1 to
    /// U4 of Rezende and Mohamed (2015) by their own samples: what is printed is KL(flow || density), in nats, of
    /// 20,000 samples.
    Planar(planar::Args),
    /// Check a trained model's inverse and log-determinant in f64
    Check(check::Args),
    /// Make every picture of the lecture, and one page that shows them beside ideas, formulas and code
    ///
    /// Uses trained runs where there are such, and trains quick models where there are none. The page is one HTML file
    /// that needs no other. What was stopped goes on with the same command.
    Lecture(lecture::Args),
}

/// Runs a command, which writes its results to `out` and nothing else.
///
/// # Errors
/// Whatever the command could not do, in words for the person at the terminal.
pub fn run(cli: Cli, out: &mut Output<'_>) -> Result<ExitCode> {
    match cli.command {
        Command::Demo(args) => demo::run(&args, out),
        Command::List(args) => list::run(&args, out),
        Command::Data(args) => data::run(&args, out),
        Command::Train(args) => train::run(&args, out),
        Command::Distill(args) => distill::run(&args, out),
        Command::CompareStudent(args) => compare_student::run(&args, out),
        Command::Sample(args) => sample::run(&args, out),
        Command::Evaluate(args) => evaluate::run(&args, out),
        Command::Compare(args) => compare::run(&args, out),
        Command::Logprob(args) => transform::run(&args, transform::Map::LogProb, out),
        Command::Encode(args) => transform::run(&args, transform::Map::Encode, out),
        Command::Decode(args) => transform::run(&args, transform::Map::Decode, out),
        Command::Interpolate(args) => interpolate::run(&args, out),
        Command::Reconstruct(args) => reconstruct::run(&args, out),
        Command::Density(args) => density::run(&args, out),
        Command::Latents(args) => latents::run(&args, out),
        Command::Gaussianize(args) => gaussianize::run(&args, out),
        Command::MafVsIaf(args) => maf_vs_iaf::run(&args, out),
        Command::InversionError(args) => inversion_error::run(&args, out),
        Command::ChangeOfVariables(args) => change_of_variables::run(&args, out),
        Command::Planar(args) => planar::run(&args, out),
        Command::Check(args) => check::run(&args, out),
        Command::Lecture(args) => lecture::run(&args, out),
    }
}

/// Loads the model that RUN names.
fn load<T: Real>(run: &Path) -> Result<Loaded<Model<T>>> {
    checkpoint::load(&crate::runs::folder::checkpoint(run)?)
}

/// Loads the flow that RUN names. Another model is refused with the words for what can be done in place of this.
fn load_flow<T: Real>(run: &Path, instead: &str) -> Result<Loaded<Flow<T>>> {
    let Loaded { header, model } = load(run)?;
    match model.into_flow() {
        Some(model) => Ok(Loaded { header, model }),
        None => bail!("{}: {} is no flow, and this needs one: {instead}", run.display(), header.blueprint.name()),
    }
}

/// The data that a model is looked at with: what it was trained on or other data of the same shape, with
/// the rows' classes where the model is given those. The split is that of the training: it does not
/// depend on the seed.
fn source(header: &Header, asked: Option<&String>) -> Result<Source> {
    let data = asked.unwrap_or(&header.data);
    let source = Source::open(data, header.seed)?;
    let space = header.blueprint.space;
    if !space.takes(&source.space()) {
        let (has, wants) = (source.space().describe(), space.describe());
        bail!("{data} has {has}, but this model is over {wants}: give --data of that shape");
    }
    source.with_classes_of(header.blueprint.classes)
}

/// Makes the folder that --out names, if need be.
fn make_folder(folder: &Path) -> Result<()> {
    let why = || format!("cannot make the folder {}: choose another --out", folder.display());
    std::fs::create_dir_all(folder).with_context(why)
}

/// The folder that several pictures go to: the one asked for, made if need be, or the model's.
fn folder(run: &Path, asked: Option<&Path>) -> Result<PathBuf> {
    match asked {
        Some(folder) => {
            make_folder(folder)?;
            Ok(folder.to_owned())
        }
        None if run.is_dir() => Ok(run.to_owned()),
        None => Ok(run.parent().unwrap_or(Path::new("")).to_owned()),
    }
}

/// In the run folder, or beside the checkpoint.
fn beside(run: &Path, name: &str) -> PathBuf {
    if run.is_dir() { run.join(name) } else { run.with_file_name(name) }
}

/// Refuses a file for a picture whose name does not end as its format does.
fn require_ending(out: Option<&Path>, ending: &str) -> Result<()> {
    match out {
        Some(out) if !out.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending)) => {
            let (out, format) = (out.display(), ending.to_uppercase());
            bail!("{out} would be {format} under another name: let --out end in .{ending}")
        }
        _ => Ok(()),
    }
}

/// The most threads there can be: beyond it, starting them is what takes the time.
const MOST_THREADS: usize = 256;

/// Understands a number of threads.
fn thread_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=MOST_THREADS) => Ok(threads),
        _ => Err(format!("{text:?} is not a number of threads between 1 and {MOST_THREADS}")),
    }
}

/// The threads a command computes on.
fn threads(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(parallel::available).max(1)
}
