//! Starting a training, or resuming one. Everything that can be refused is refused before a folder is made.

use super::distill::ReverseKl;
use super::prelude::*;
use super::signals::SignalKl;
use super::state::Saved;
use crate::models::{Iaf, Model, ParallelWaveNet};
use crate::runs::folder;
use flows::check::copy_params;

/// With more dimensions than this, computing them one by one in every step is slow.
const MANY: usize = 100;

/// Weights to start from in place of random ones.
#[derive(Debug)]
pub struct Weights {
    path: PathBuf,
    /// The file: the weights' model, data, and seed.
    pub contents: Contents,
}

impl Weights {
    /// Reads a run folder's model or a checkpoint file.
    /// Fails if there is none, or it is damaged.
    pub fn read(run: &Path) -> Result<Self> {
        let path = folder::checkpoint(run)?;
        Ok(Self { contents: checkpoint::read_model(&path)?, path })
    }
}

/// Trains a new model on data: by maximum likelihood, or by its lower bound.
/// Fails if the data does not suit the model, the loss stops being finite, or a file cannot be written.
pub fn start(config: &TrainConfig, source: &Source, weights: Option<&Weights>) -> Result<Outcome> {
    let blueprint = &config.blueprint;
    source.steps_per_epoch(config.recipe.batch)?;
    let model = match weights {
        Some(weights) => weights.contents.model("", &weights.path)?,
        None => {
            let rng = &mut ChaCha8Rng::seed_from_u64(config.seed);
            let model = blueprint.build(rng).with_context(|| config.data.clone())?;
            if let Some(statistics) = source.standardization() {
                statistics.store(&model);
            }
            model
        }
    };
    config.run.create()?;
    let _lock = config.run.lock()?;
    let given = match blueprint.classes {
        0 => String::new(),
        classes => format!(" given the class of {classes}"),
    };
    let from = weights.map_or_else(String::new, |weights| format!(" from the weights in {},", weights.path.display()));
    announce(&format!("training {} on {}{given}{from}", blueprint.name(), config.data), config);
    if blueprint.is::<Iaf>() && blueprint.space.dims() > MANY {
        let advice = "zoo distill trains one from a maf";
        stderr::print_line(format_args!(
            "this iaf's likelihood takes seconds a step, one dimension at a time: {advice}"
        ));
    }
    on_data(config, source, model, weights.map_or(Start::Random, Start::Weights))
}

/// Distills a teacher into a new student. The run keeps a copy of the teacher.
/// Fails if the two do not fit, the loss stops being finite, or a file cannot be written.
pub fn start_student(config: &TrainConfig, teacher: &Loaded<Flow<f32>>) -> Result<Outcome> {
    let (objective, flow) = student(config, teacher)?;
    objective.steps_per_epoch()?;
    config.run.create()?;
    let _lock = config.run.lock()?;
    let (name, of) = (config.blueprint.name(), teacher.header.blueprint.name());
    announce(&format!("distilling {of} into {name}"), config);
    checkpoint::write(&config.run.teacher(), &teacher.header, &[], &checkpoint::weights(&teacher.model))?;
    // Student and teacher see the same data: they share the statistics of the preprocessing.
    if let (Some(theirs), Some(ours)) = (teacher.model.preprocessing(), flow.preprocessing()) {
        copy_params(theirs, ours)?;
    }
    train(config, objective.as_ref(), flow, Start::Random)
}

/// What a student minimizes, and the student.
type Student = (Box<dyn Objective<Flow<f32>>>, Flow<f32>);

fn student(config: &TrainConfig, teacher: &Loaded<Flow<f32>>) -> Result<Student> {
    let (batch, seed) = (config.recipe.batch, config.seed);
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    if let Some(sizes) = config.blueprint.config::<ParallelWaveNet>() {
        let source = Source::open(&config.data, seed)?;
        let (objective, flow) = SignalKl::new(teacher, (&config.blueprint, &sizes), source, batch, seed, rng)?;
        return Ok((Box::new(objective), flow));
    }
    Ok((Box::new(ReverseKl::new(teacher, batch, seed)), config.blueprint.flow(rng)?))
}

/// What a training starts from.
#[derive(Clone, Copy)]
enum Start<'a> {
    Random,
    Weights(&'a Weights),
    Paused(&'a Paused),
}

fn on_data(config: &TrainConfig, source: &Source, model: Model<f32>, start: Start<'_>) -> Result<Outcome> {
    let (batch, seed, calibrated) = (config.recipe.batch, config.seed, config.blueprint.uses_batch_statistics());
    let source = &source.in_units_of(&model);
    let objective = |discrete: bool| OnData { source, batch, seed, calibrated, discrete };
    match model {
        Model::Flow(flow) => train(config, &objective(false), flow, start),
        Model::Vae(vae) => train(config, &objective(vae.likelihood().is_discrete()), vae, start),
    }
}

fn train<M: Trained + Send>(
    config: &TrainConfig,
    objective: &dyn Objective<M>,
    model: M,
    start: Start<'_>,
) -> Result<Outcome> {
    parallel::with_threads(config.threads, || {
        if matches!(start, Start::Random) {
            objective.initialize(&model)?;
        }
        let mut training = Training::new(config, objective, model);
        match start {
            Start::Random => {}
            Start::Weights(weights) => training.from = Some(weights.path.display().to_string()),
            Start::Paused(paused) => training.restore(&paused.contents)?,
        }
        training.run()
    })
}

/// Prints what is about to happen, for how long, and where the results go.
fn announce(what: &str, config: &TrainConfig) {
    let TrainConfig { recipe, run, threads, .. } = config;
    let long = match recipe.budget {
        Budget::Steps(steps) => format!("{steps} steps"),
        Budget::Epochs(epochs) => format!("{epochs} epochs"),
        Budget::Minutes(minutes) => format!("{minutes} minutes"),
    };
    let folder = run.folder().display();
    let batch = recipe.batch;
    stderr::print_line(format_args!("{what} for {long}, {batch} rows a step, {threads} threads, into {folder}"));
}

/// An interrupted training, as its folder has it.
#[derive(Debug)]
pub struct Paused {
    /// The recipe it was started with.
    pub recipe: Recipe,
    /// The file itself, which is large and is read once.
    pub contents: Contents,
}

/// Whether a folder holds an interrupted training: the last thing a training does is to evaluate its weights.
pub fn is_unfinished(run: &Run) -> bool {
    let saved =
        checkpoint::beginning(&run.training()).ok().and_then(|(_, extra)| Saved::read(&extra, &run.training()).ok());
    saved.is_some_and(|saved| saved.evaluated != saved.step)
}

impl Paused {
    /// The training in a folder.
    /// Fails if there is none, or it is damaged.
    pub fn read(run: &Run) -> Result<Self> {
        if !run.training().exists() {
            bail!("{} holds no training to resume: leave out --resume to start one", run.folder().display());
        }
        let contents = checkpoint::read(&run.training())?;
        Ok(Self { recipe: Saved::read(&contents.extra, &run.training())?.recipe, contents })
    }
}

/// Resumes the training in the same folder.
/// Fails as [`start`], and if what the folder holds cannot be resumed.
pub fn resume(config: &TrainConfig, model: &str, source: &Source, paused: &Paused) -> Result<Outcome> {
    let blueprint = &paused.contents.header.blueprint;
    let folder = config.run.folder().display();
    if config.run.teacher().exists() {
        bail!("{folder} holds a distillation: resume it with `zoo distill … --resume`, or choose another --out");
    }
    if blueprint.name() != model {
        let holds = blueprint.name();
        bail!("{folder} holds a training of {holds}, not of {model}: resume that, or choose another --out");
    }
    if blueprint.space != source.space() {
        let (trained, has) = (blueprint.space.describe(), source.space().describe());
        let (data, other) = (&paused.contents.header.data, &config.data);
        bail!("{folder} was trained on {trained}, but {other} has {has}: resume with --data {data}");
    }
    source.steps_per_epoch(config.recipe.batch)?;
    // With its parameters: the data are standardized by the statistics among them.
    let model = paused.contents.model("model.", &config.run.training())?;
    let _lock = config.run.lock()?;
    on_data(config, source, model, Start::Paused(paused))
}

/// Resumes the distillation in the same folder.
/// Fails as [`start_student`], and if what the folder holds cannot be resumed.
pub fn resume_student(config: &TrainConfig, teacher: &Loaded<Flow<f32>>, paused: &Paused) -> Result<Outcome> {
    // Before a model of these sizes is made: does the file hold one?
    paused.contents.check(&config.run.training())?;
    let (objective, flow) = student(config, teacher)?;
    let _lock = config.run.lock()?;
    train(config, objective.as_ref(), flow, Start::Paused(paused))
}
