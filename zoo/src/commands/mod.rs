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
mod results;
mod sample;
mod ship;
mod sound;
mod train;
mod train_args;
mod train_judge;
mod transform;
mod usage;

use crate::runs::place::Place;
use crate::runs::{checkpoint, memory};
use clap::{Parser, Subcommand};
use prelude::*;

pub use output::Output;
pub use usage::Unread;

/// What most commands need.
mod prelude {
    pub(super) use super::args::{Compute, OnData, OutFolder, Seed, Threads, at_least_one, next_to, positive};
    pub(super) use super::args::{require_extension, save_all, several, whole};
    pub(super) use super::train_args::{self, SAVE_EVERY, TrainArgs, plain};
    pub(super) use super::{Output, class, load, load_flow, make_folder, names, sound, source, write_data};
    pub(super) use crate::data::source::{Order, Part, Source};
    pub(super) use crate::data::{Space, Standardization, npy};
    pub(super) use crate::measure::score::{Score, continuous, score};
    pub(super) use crate::measure::{bound, sampling};
    pub(super) use crate::models::{self, About, Blueprint, Budget, Kind, MODELS, MintNet, Model, Preset, options};
    pub(super) use crate::pictures::Figure;
    pub(super) use crate::pictures::curve::{self, Labels, Series};
    pub(super) use crate::pictures::scatter::{self, quarters};
    pub(super) use crate::pictures::{Window, drawing};
    pub(super) use crate::runs::checkpoint::{Header, Loaded};
    pub(super) use crate::runs::files::check_place;
    pub(super) use crate::runs::folder::{self, Run};
    pub(super) use crate::runs::interrupt::{self, Interrupted};
    pub(super) use crate::stderr;
    pub(super) use crate::train::{self, Fit, Outcome, Paused, TrainConfig};
    pub(super) use anyhow::{Context as _, Result, anyhow, bail};
    pub(super) use autograd::{Real, Tensor, Var, parallel};
    pub(super) use flows::layers::{Inversion, MintSolver};
    pub(super) use flows::models::Vae;
    pub(super) use flows::{Context, Flow, Module, Noise};
    pub(super) use rand::SeedableRng;
    pub(super) use rand_chacha::ChaCha8Rng;
    pub(super) use serde_json::json;
    pub(super) use std::path::{Path, PathBuf};
    pub(super) use std::process::ExitCode;
}

/// Normalizing flows from the lectures: train them, sample from them, evaluate and plot them.
#[derive(Debug, Parser)]
#[command(name = "zoo", version, max_term_width = 100)]
pub struct Cli {
    /// Memory to use, in GB: what needs more is refused [default: 80% of what is free; data may take half, at most 2 GB]
    #[arg(long, global = true, value_name = "GB", value_parser = positive, allow_negative_numbers = true)]
    memory: Option<f64>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    List(list::Args),
    Data(data::Args),
    /// Train a model
    Train(train::Args),
    /// Distill a trained model into a student that samples in one parallel pass
    ///
    /// In most libraries the student samples hundreds of times faster than its teacher. Here the teacher computes each
    /// unit of its network only once per sample, so it is nearly as fast. Both times are printed at the end.
    Distill(distill::Args),
    TrainJudge(train_judge::Args),
    Ship(ship::Args),
    Results(results::Args),
    CompareStudent(compare_student::Args),
    Sample(sample::Args),
    Evaluate(evaluate::Args),
    Compare(compare::Args),
    /// Compute log p(x), in nats, for each row of an NPY file
    ///
    /// The rows are continuous data, in the space that the density is over, and no noise is added. A pixel is
    /// u = (level + noise)/256, as zoo sample --npy writes it; whole numbers are not taken as levels.
    #[command(after_help = "Example: zoo logprob runs/maf-two-moons --input x.npy --output log-p.npy")]
    Logprob(transform::Args),
    /// Map data to latents: x → z
    ///
    /// The rows are continuous data, and no noise is added. A pixel is u = (level + noise)/256, as zoo sample --npy
    /// writes it; whole numbers are not taken as levels.
    #[command(after_help = "Example: zoo encode runs/maf-two-moons --input x.npy --output z.npy")]
    Encode(transform::Args),
    /// Map latents to data: z → x
    ///
    /// A pixel of the result is u = (level + noise)/256. It may lie a little outside of [0, 1], which pictures clamp.
    #[command(after_help = "Example: zoo decode runs/maf-two-moons --input z.npy --output x.npy")]
    Decode(transform::Args),
    Interpolate(interpolate::Args),
    Reconstruct(reconstruct::Args),
    Density(density::Args),
    Latents(latents::Args),
    Gaussianize(gaussianize::Args),
    MafVsIaf(maf_vs_iaf::Args),
    InversionError(inversion_error::Args),
    ChangeOfVariables(change_of_variables::Args),
    Planar(planar::Args),
    Check(check::Args),
    Lecture(lecture::Args),
}

/// Runs a command, which writes its results, and nothing else, to `out`.
/// An error is one line that says why, and what to do.
pub fn run(cli: Cli, out: &mut Output<'_>) -> Result<ExitCode> {
    if let Some(memory) = cli.memory {
        memory::set_limit((memory * 1e9) as u64);
    }
    match execute(cli.command, out) {
        Err(why) if why.is::<Interrupted>() => Ok(train_args::code(true)),
        done => done,
    }
}

fn execute(command: Command, out: &mut Output<'_>) -> Result<ExitCode> {
    match command {
        Command::Demo(args) => return demo::run(&args, out),
        Command::Train(args) => return train::run(&args, out),
        Command::Distill(args) => return distill::run(&args, out),
        Command::Compare(args) => return compare::run(&args, out),
        Command::Gaussianize(args) => return gaussianize::run(&args, out),
        Command::Lecture(args) => return lecture::run(&args, out),
        Command::Results(args) => return results::run(&args, out),
        Command::List(args) => return list::run(&args, out),
        Command::Data(args) => data::run(&args, out),
        Command::TrainJudge(args) => train_judge::run(&args, out),
        Command::Ship(args) => ship::run(&args, out),
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

/// Loads shipped weights, or a model from a run folder or a checkpoint file.
fn load<T: Real>(run: &Path) -> Result<Loaded<Model<T>>> {
    checkpoint::load(Place::of(run)?)
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
/// model is conditional, and are standardized as the model's training data were. The split is the same as in training.
fn source<T: Real, M: Module<T>>(loaded: &Loaded<M>, other: Option<&String>) -> Result<Source> {
    let Loaded { header, model } = loaded;
    let data = other.unwrap_or(&header.data);
    let source = Source::open(data, header.seed)?;
    let space = header.blueprint.space;
    if !space.takes(&source.space()) {
        let (has, wants) = (source.space().describe(), space.describe());
        bail!("{data} has {has}, but this model is over {wants}: give --data of that shape");
    }
    source.in_units_of(model).with_classes_of(header.blueprint.classes)?.with_track_of(header.blueprint.track())
}

/// Writes a model's rows in the data's units. If the model standardizes, as `f64`: `f32` may not tell x apart.
fn write_data(path: &Path, rows: &Tensor<f32>, units: Option<&Standardization>) -> Result<()> {
    match units {
        Some(units) => npy::write(path, rows.shape(), &units.to_data(rows.as_slice())),
        None => npy::write(path, rows.shape(), rows.as_slice()),
    }
}

/// Creates the folder that --out names, if necessary.
fn make_folder(folder: &Path) -> Result<()> {
    let why = || format!("cannot make the folder {}: choose another --out", folder.display());
    std::fs::create_dir_all(folder).with_context(why)
}
