//! `zoo train`: a subcommand for each model, with the common options and the model's own.

use super::prelude::*;
use super::train_args::BY_GRADIENTS;
use crate::data::Speech;
use crate::models::Learns;
use crate::runs::folder::Locked;
use crate::train::Weights;
use clap::{ArgMatches, Args as _, Command, FromArgMatches, ValueEnum};
use flows::DequantizerConfig;
use std::sync::Arc;

/// The model and its options.
#[derive(Debug)]
pub(super) struct Args {
    model: String,
    /// None after a name that no model has.
    given: Option<Box<(Common, ArgMatches)>>,
}

/// The options of every model.
#[derive(Debug, clap::Args)]
struct Common {
    /// mnist, a toy's name, speech (speech:512 for signals of 512 samples), a folder of IDX files, or a .npy or .csv file;
    /// jitter:FILE adds noise to a table with discrete columns [default: mnist; for wavenet, speech]
    #[arg(long)]
    data: Option<String>,
    /// Give the model the class of each row: it learns p(x | class), and samples any class asked for
    #[arg(long)]
    conditional: bool,
    /// Start from shipped weights, a run folder or a checkpoint of the same model and sizes, with a new optimizer and
    /// schedule [default: random weights]
    #[arg(long, value_name = "WEIGHTS", conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// Images: the noise that fills the pixel levels [default: uniform; with --from, that of the weights]
    #[arg(long, value_name = "NOISE", value_enum)]
    dequantization: Option<Dequantization>,
    #[command(flatten)]
    train: TrainArgs,
    /// The folder of the run [default: runs/MODEL-DATA, or runs/MODEL-DATA-conditional]
    #[arg(long)]
    out: Option<PathBuf>,
}

/// The noise between pixel levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Dequantization {
    /// The same in every pixel of every image
    Uniform,
    /// From a small flow given the image, which is trained with the model (Ho et al. 2019, Flow++)
    Variational,
}

impl Dequantization {
    fn config(self) -> Option<DequantizerConfig> {
        (self == Self::Variational).then(DequantizerConfig::default)
    }
}

impl clap::Args for Args {
    fn augment_args(command: Command) -> Command {
        command
            .subcommands(MODELS.map(subcommand))
            .subcommand_required(true)
            .allow_external_subcommands(true)
            .disable_help_subcommand(true)
            .subcommand_value_name("MODEL")
            .subcommand_help_heading("Models")
            .override_usage("zoo train <MODEL> [OPTIONS]")
            .after_help(
                "`zoo train MODEL --help` shows the options of a model.\n\nExample: zoo train maf --preset quick --data two-moons",
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The command of one model.
fn subcommand(model: Kind) -> Command {
    let About { name, lecture, paper, data, conditional, learns, .. } = model.about();
    let command = Common::augment_args(Command::new(name)).about(format!("{paper}; {lecture}"));
    let mut command = options::add(command, &[model], "Options of this model");
    let mut hidden = Vec::new();
    if !conditional {
        hidden.push("conditional");
    }
    if learns == Learns::ByFitting {
        hidden.extend(BY_GRADIENTS.iter().chain(&["from"]));
    }
    if !model.takes_learned_noise() || data == Speech::NAME {
        hidden.push("dequantization");
    }
    for id in hidden {
        command = command.mut_arg(id, |arg| arg.hide(true));
    }
    let data = if data == "speech" { "speech:512" } else { "two-moons" };
    command
        .hide(learns == Learns::FromTeacher)
        .after_help(format!("Example: zoo train {name} --preset quick --data {data}"))
}

impl FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Some((model, given)) = matches.subcommand() else {
            return Err(clap::Error::new(clap::error::ErrorKind::MissingSubcommand));
        };
        let known = MODELS.iter().any(|known| known.about().name == model);
        let common = known.then(|| Common::from_arg_matches(given)).transpose()?;
        Ok(Self { model: model.to_owned(), given: common.map(|common| Box::new((common, given.clone()))) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let model = models::find(&args.model)?;
    let About { name, data, learns, .. } = model.about();
    let Some((common, options)) = args.given.as_deref() else {
        bail!("there is no model {:?}: write {name}, in lower case", args.model);
    };
    if let Some(teacher) = model.about().taught_by() {
        bail!("{name} learns from a {teacher}, not from data: train that, then run zoo distill runs/{teacher}-{data}");
    }
    options::check(model, options)?;
    let weights = common.from.as_deref().map(Weights::read).transpose()?;
    let default = weights.as_ref().map_or(data, |weights| &weights.contents.header.data);
    let data = common.data.clone().unwrap_or_else(|| default.to_owned());
    let run = Run::at(&common.out.clone().unwrap_or_else(|| {
        let ending = if common.conditional { "-conditional" } else { "" };
        PathBuf::from("runs").join(format!("{name}-{}{ending}", plain(&data)))
    }));
    let fitted = learns == Learns::ByFitting;
    if fitted {
        if common.from.is_some() {
            bail!("{name} is fitted from the start: leave out --from");
        }
        common.train.check_fitted()?;
    }
    // Before anything else is looked at: another program may be about to save there.
    let run = run.lock()?;
    run.check_writable()?;
    run.forget_demo()?;
    let paused = if common.train.resume {
        let paused = Paused::read(&run)?;
        train::check_log(&run)?;
        Some(paused)
    } else {
        train_args::check_new(&run)?;
        None
    };
    let (config, source) = match &paused {
        Some(paused) => resumed(common, options, &run, paused)?,
        None => started(model, common, options, data, weights.as_ref(), &run)?,
    };
    source.warn();
    if fitted {
        let fit = match &paused {
            Some(paused) => train::resume_fit(&config, name, &source, paused)?,
            None => train::fit(&config, &source)?,
        };
        return train_args::report_fitted(&config, &fit, out);
    }
    let outcome = match &paused {
        Some(paused) => train::resume(&config, name, &source, paused)?,
        None => train::start(&config, &source, weights.as_ref())?,
    };
    train_args::report(&run, &outcome, out)
}

/// A new training, and its data.
fn started(
    model: Kind,
    common: &Common,
    options: &ArgMatches,
    data: String,
    weights: Option<&Weights>,
    run: &Arc<Locked>,
) -> Result<(TrainConfig, Source)> {
    let (seed, preset) = (common.train.seed(), common.train.preset());
    let source = Source::open(&data, seed)?;
    let source = if common.conditional { source.with_classes()? } else { source };
    let space = source.space();
    let blueprint = match (weights, &common.from) {
        (Some(weights), Some(from)) => {
            let mut like = like(weights, from, model, options, &data, &source, common.dequantization)?;
            like.renew(&model.blueprint(preset, space, source.classes())?)?;
            like
        }
        _ => {
            let mut new = model.blueprint(preset, space, source.classes()).with_context(|| data.clone())?;
            new.adjust(options, seed)?;
            new.dequantizer = common.dequantization.and_then(Dequantization::config);
            new
        }
    };
    if blueprint.dequantizer.is_some() {
        blueprint.check().with_context(|| data.clone())?;
    }
    let source = source.with_track_of(blueprint.track())?;
    let mut recipe = model.recipe(preset, space);
    recipe.batch = source.rows().map_or(recipe.batch, |rows| recipe.batch.min(rows));
    Ok((common.train.config(blueprint, recipe, data, seed, common.train.threads.count(), run), source))
}

/// The training in a folder, and its data.
fn resumed(common: &Common, options: &ArgMatches, run: &Arc<Locked>, paused: &Paused) -> Result<(TrainConfig, Source)> {
    common.train.check_resumed(run, paused, &options::given(options))?;
    let (folder, Header { blueprint, data, seed, .. }) = (run.folder().display(), paused.contents.header.clone());
    if common.data.as_ref().is_some_and(|asked| *asked != data) {
        bail!("{folder} was started with --data {data}: leave out --data to resume it");
    }
    if common.conditional && blueprint.classes == 0 {
        bail!("{folder} was started without --conditional: leave it out to resume it");
    }
    if common.dequantization.is_some_and(|asked| asked.config().is_some() != blueprint.dequantizer.is_some()) {
        bail!("{folder} was started with another --dequantization: leave it out to resume it");
    }
    let source = Source::open(&data, seed)?.with_classes_of(blueprint.classes)?.with_track_of(blueprint.track())?;
    let threads = common.train.threads(paused);
    Ok((common.train.config(blueprint, paused.recipe().clone(), data, seed, threads, run), source))
}

/// The blueprint of the weights to start from. Refuses weights that do not match the options.
fn like(
    weights: &Weights,
    from: &Path,
    model: Kind,
    options: &ArgMatches,
    data: &str,
    source: &Source,
    dequantization: Option<Dequantization>,
) -> Result<Blueprint> {
    let (blueprint, from, name) = (&weights.contents.header.blueprint, from.display(), model.about().name);
    if blueprint.name() != name {
        let of = blueprint.name();
        bail!("{from} has the weights of {of}, not of {name}: give --from weights of {name}, or train {of}");
    }
    let mut asked = blueprint.clone();
    asked.adjust(options, weights.contents.header.seed)?;
    if asked != blueprint.clone().completed()? {
        let given: Vec<String> = options::given(options).iter().map(|option| format!("--{option}")).collect();
        bail!("{from} has weights of other sizes: leave out {}, or train without --from", models::join(&given));
    }
    let (theirs, ours) = ((blueprint.space, blueprint.classes), (source.space(), source.classes()));
    if theirs != ours {
        let [theirs, ours] = [theirs, ours].map(|(space, classes)| match classes {
            0 => format!("{} without classes", space.describe()),
            _ => format!("{} of {classes} classes", space.describe()),
        });
        bail!("{from} has weights for {theirs}, but {data} has {ours}: give such data, or leave out --from");
    }
    match (dequantization, asked.dequantizer) {
        (Some(Dequantization::Uniform), Some(_)) => {
            bail!("{from} has weights with learned noise: leave out --dequantization, or train without --from")
        }
        (Some(noise), None) => asked.dequantizer = noise.config(),
        _ => {}
    }
    Ok(asked)
}
