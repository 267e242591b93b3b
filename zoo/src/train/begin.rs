//! Beginning a training, or going on with one: what can be refused is refused before there is a folder.

use super::distill::Divergence;
use super::objective::{Likelihood, Objective, Trained};
use super::signals::SignalDivergence;
use super::state::Saved;
use super::vae::Bound;
use super::{Outcome, Plan, Training};
use crate::blueprint::{Architecture, Blueprint};
use crate::data::Standardization;
use crate::data::source::Source;
use crate::model::Model;
use crate::recipes::{Budget, Recipe};
use crate::runs::checkpoint::{self, Contents, Loaded};
use crate::runs::folder::Run;
use crate::stderr;
use anyhow::{Context as _, Result, bail};
use autograd::{Tensor, parallel};
use flows::models::Vae;
use flows::{Bijection, Flow};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// More dimensions than these are many to go through one by one in every step.
const MANY: usize = 100;

/// Trains on data, from the start: by maximum likelihood, or by its bound.
///
/// # Errors
/// If the data does not suit the model, the loss stops being finite, or a file cannot be written.
pub fn start(plan: &Plan, source: &Source) -> Result<Outcome> {
    let blueprint =
        Blueprint { architecture: plan.recipe.architecture.clone(), space: source.space(), classes: source.classes() };
    source.steps_per_epoch(plan.recipe.batch)?;
    let model = blueprint.build(&mut ChaCha8Rng::seed_from_u64(plan.seed)).with_context(|| plan.data.clone())?;
    if let Some(statistics) = source.standardization() {
        match &model {
            Model::Flow(flow) => standardize(flow.preprocessing(), statistics),
            Model::Vae(vae) => standardize(Some(vae.preprocessing()), statistics),
        }
    }
    plan.run.create()?;
    let _lock = plan.run.lock()?;
    let given = match blueprint.classes {
        0 => String::new(),
        classes => format!(" given the class of {classes}"),
    };
    announce(&format!("training {} on {}{given}", blueprint.name(), plan.data), plan);
    if let (Architecture::Iaf { .. }, true) = (&blueprint.architecture, blueprint.space.dims() > MANY) {
        stderr::print_line(format_args!(
            "the likelihood of an iaf goes through all dimensions in order, on the tape, which takes seconds a step for this many: zoo distill makes one from a maf"
        ));
    }
    match model {
        Model::Flow(flow) => begin(plan, &likelihood(plan, source, &blueprint), blueprint, flow),
        Model::Vae(vae) => begin(plan, &bound(plan, source, &vae), blueprint, vae),
    }
}

/// Distils a teacher into a student of the recipe's architecture, from the start. The run keeps a copy of the
/// teacher.
///
/// # Errors
/// If the two do not fit, the loss stops being finite, or a file cannot be written.
pub fn start_student(plan: &Plan, teacher: &Loaded<Flow<f32>>) -> Result<Outcome> {
    let blueprint = Blueprint { architecture: plan.recipe.architecture.clone(), ..teacher.header.blueprint.clone() };
    let (objective, flow) = student(plan, teacher, &blueprint)?;
    objective.steps_per_epoch()?;
    plan.run.create()?;
    let _lock = plan.run.lock()?;
    let (name, of) = (blueprint.name(), teacher.header.blueprint.name());
    announce(&format!("distilling {of} into {name}"), plan);
    keep(teacher, &plan.run)?;
    share_preprocessing(&teacher.model, &flow);
    begin(plan, objective.as_ref(), blueprint, flow)
}

/// What a student minimizes, and the student.
type Student = (Box<dyn Objective<Flow<f32>>>, Flow<f32>);

/// A student of that blueprint, and what it minimizes.
fn student(plan: &Plan, teacher: &Loaded<Flow<f32>>, blueprint: &Blueprint) -> Result<Student> {
    let (batch, seed) = (plan.recipe.batch, plan.seed);
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    if let Architecture::ParallelWaveNet { .. } = blueprint.architecture {
        let source = Source::open(&plan.data, seed)?;
        let (objective, flow) = SignalDivergence::new(teacher, blueprint, source, batch, seed, rng)?;
        return Ok((Box::new(objective), flow));
    }
    Ok((Box::new(Divergence::new(teacher, batch, seed)), blueprint.flow(rng)?))
}

/// Student and teacher see data alike: what stands before both has the teacher's numbers.
fn share_preprocessing(teacher: &Flow<f32>, student: &Flow<f32>) {
    if let (Some(theirs), Some(ours)) = (teacher.preprocessing(), student.preprocessing()) {
        for ((_, from), (_, to)) in theirs.params().into_iter().zip(ours.params()) {
            to.set(from.value());
        }
    }
}

/// A copy of the teacher in the student's run.
fn keep(teacher: &Loaded<Flow<f32>>, run: &Run) -> Result<()> {
    checkpoint::write(&run.teacher(), &teacher.header, &[], &checkpoint::weights(&teacher.model))
}

fn begin<M: Trained + Send>(
    plan: &Plan,
    objective: &dyn Objective<M>,
    blueprint: Blueprint,
    model: M,
) -> Result<Outcome> {
    parallel::with_threads(plan.threads, || {
        objective.initialize(&model)?;
        Training::new(plan, objective, blueprint, model).go()
    })
}

fn likelihood<'a>(plan: &Plan, source: &'a Source, blueprint: &Blueprint) -> Likelihood<'a> {
    let calibrated = blueprint.is_calibrated();
    Likelihood { source, space: blueprint.space, calibrated, batch: plan.recipe.batch, seed: plan.seed }
}

fn bound<'a>(plan: &Plan, source: &'a Source, vae: &Vae<f32>) -> Bound<'a> {
    let discrete = vae.likelihood().is_discrete();
    Bound { source, space: source.space(), batch: plan.recipe.batch, seed: plan.seed, discrete }
}

/// Says what is about to happen, for how long, and where it will be found.
fn announce(what: &str, plan: &Plan) {
    let Plan { recipe, run, threads, .. } = plan;
    let long = match recipe.budget {
        Budget::Steps(steps) => format!("{steps} steps"),
        Budget::Epochs(epochs) => format!("{epochs} epochs"),
        Budget::Minutes(minutes) => format!("{minutes} minutes"),
    };
    let folder = run.folder().display();
    let line = format!("{what} for {long}, {} rows a step, {threads} threads, into {folder}", recipe.batch);
    stderr::print_line(format_args!("{line}"));
}

/// A training that was cut off, as its folder has it.
#[derive(Debug)]
pub struct Paused {
    /// The recipe it was begun with.
    pub recipe: Recipe,
    /// The name or path of its data.
    pub data: String,
    /// Its seed.
    pub seed: u64,
    /// How many classes its model is given one of; 0 for none.
    pub classes: usize,
    /// The file itself, which is large and is read once.
    contents: Contents,
}

/// Whether a folder holds a training that was cut off: the last thing that a training does is to judge its weights.
#[must_use]
pub fn is_unfinished(run: &Run) -> bool {
    let saved =
        checkpoint::beginning(&run.training()).ok().and_then(|(_, extra)| Saved::read(&extra, &run.training()).ok());
    saved.is_some_and(|saved| saved.judged != saved.step)
}

/// The training that was cut off in a folder.
///
/// # Errors
/// If there is none, or it is damaged.
pub fn paused(run: &Run) -> Result<Paused> {
    if !run.training().exists() {
        bail!("{} holds no training to resume: leave out --resume to begin one", run.folder().display());
    }
    let contents = checkpoint::read(&run.training())?;
    let saved = Saved::of(&contents, &run.training())?;
    let header = &contents.header;
    let (data, seed, classes) = (header.data.clone(), header.seed, header.blueprint.classes);
    Ok(Paused { recipe: saved.recipe, data, seed, classes, contents })
}

/// Goes on where a training in the same folder was cut off.
///
/// # Errors
/// As [`start`], and if what the folder holds cannot be resumed.
pub fn resume(plan: &Plan, model: &str, source: &Source, paused: &Paused) -> Result<Outcome> {
    let blueprint = &paused.contents.header.blueprint;
    let folder = plan.run.folder().display();
    if plan.run.teacher().exists() {
        bail!("{folder} holds a distillation: go on with `zoo distill … --resume`, or choose another --out");
    }
    if blueprint.name() != model {
        let holds = blueprint.name();
        bail!("{folder} holds a training of {holds}, not of {model}: resume that, or choose another --out");
    }
    if blueprint.space != source.space() {
        bail!(
            "{folder} was trained on {}, but {} has {}: resume with --data {}",
            blueprint.space.describe(),
            plan.data,
            source.space().describe(),
            paused.data
        );
    }
    source.steps_per_epoch(plan.recipe.batch)?;
    match paused.contents.build(&plan.run.training())? {
        Model::Flow(flow) => go_on(plan, &likelihood(plan, source, blueprint), flow, paused),
        Model::Vae(vae) => go_on(plan, &bound(plan, source, &vae), vae, paused),
    }
}

/// Goes on where a distillation in the same folder was cut off.
///
/// # Errors
/// As [`start_student`], and if what the folder holds cannot be resumed.
pub fn resume_student(plan: &Plan, teacher: &Loaded<Flow<f32>>, paused: &Paused) -> Result<Outcome> {
    // Whether the file holds such a model is seen before a model of its sizes is made.
    let contents = &paused.contents;
    drop(contents.build::<f32>(&plan.run.training())?);
    let (objective, flow) = student(plan, teacher, &contents.header.blueprint)?;
    go_on(plan, objective.as_ref(), flow, paused)
}

fn go_on<M: Trained + Send>(plan: &Plan, objective: &dyn Objective<M>, model: M, paused: &Paused) -> Result<Outcome> {
    let contents = &paused.contents;
    let _lock = plan.run.lock()?;
    parallel::with_threads(plan.threads, || {
        let mut training = Training::new(plan, objective, contents.header.blueprint.clone(), model);
        training.restore(contents)?;
        training.go()
    })
}

/// Gives what stands before a model the statistics of the training rows.
pub(super) fn standardize(before: Option<&dyn Bijection<f32>>, statistics: &Standardization) {
    let Some(layer) = before else { return };
    for ((_, buffer), values) in layer.params().into_iter().zip([&statistics.mean, &statistics.deviation]) {
        buffer.set(Tensor::from_fn([values.len()], |i| values[i] as f32));
    }
}
