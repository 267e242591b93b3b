//! Starting a training, or resuming one. Everything that can be refused is refused before a file is written.

use super::lessons::Taught;
use super::prelude::*;
use super::signals::SignalLoss;
use crate::models::{Model, ParallelWaveNet};
use crate::runs::memory;
use crate::runs::place::Place;
use crate::text::counted;
use autograd::pool;
use flows::check::copy_params;

/// Weights to start from in place of random ones.
#[derive(Debug)]
pub struct Weights {
    place: Place,
    /// The file: the weights' model, data, and seed.
    pub contents: Contents,
}

impl Weights {
    /// Reads shipped weights, a run folder's model, or a checkpoint file.
    /// Fails if there is none, or it is damaged.
    pub fn read(run: &Path) -> Result<Self> {
        let place = Place::of(run)?;
        Ok(Self { contents: checkpoint::read_model(&place)?, place })
    }

    /// How the announcement of a training names them.
    fn words(&self) -> String {
        format!(" from the weights in {},", self.place.path().display())
    }

    /// The model that goes on from them. What holds no weights may be new: its base, and learned noise, which starts as
    /// uniform noise.
    /// Fails if the file does not hold what it says.
    fn carried_on(&self, config: &TrainConfig) -> Result<Model<f32>> {
        let Self { place, contents } = self;
        let rng = &mut ChaCha8Rng::seed_from_u64(config.seed);
        let mut same = config.blueprint.clone();
        same.dequantizer = contents.header.blueprint.dequantizer;
        let mut model = contents.model("", place.path())?;
        if same != contents.header.blueprint {
            model = same.build(rng)?;
            checkpoint::fill(&model, &contents.tensors, "", place.path())?;
        }
        Ok(match model {
            Model::Flow(flow) if flow.dequantizer().is_none() => Model::Flow(config.blueprint.dequantized(flow, rng)),
            model => model,
        })
    }

    /// Notes in a training that it starts from these weights, and what was spent on them.
    fn begin<M: Trained>(&self, training: &mut Training<'_, M>) {
        training.from = Some(self.place.path().display().to_string());
        training.saved.before = spent_on(&self.place, &self.contents);
    }
}

/// Trains a new model on data: by maximum likelihood, or by its lower bound.
/// Fails if the data does not suit the model, the loss stops being finite, or a file cannot be written.
pub fn start(config: &TrainConfig, source: &Source, weights: Option<&Weights>) -> Result<Outcome> {
    let blueprint = &config.blueprint;
    source.steps_per_epoch(config.recipe.batch)?;
    let model = match weights {
        Some(weights) => weights.carried_on(config)?,
        None => {
            let rng = &mut ChaCha8Rng::seed_from_u64(config.seed);
            let model = blueprint.build(rng).with_context(|| config.data.clone())?;
            if let Some(statistics) = source.standardization() {
                statistics.store(&model);
            }
            model
        }
    };
    let given = match blueprint.classes {
        0 if blueprint.track() > 0 => " given its track".to_owned(),
        0 => String::new(),
        classes => format!(" conditioned on {classes} classes"),
    };
    let from = weights.map_or_else(String::new, Weights::words);
    let what = format!("training {} on {}{given}{from}", blueprint.name(), config.data);
    if let Some(warning) = blueprint.warning() {
        stderr::print_line(format_args!("{warning}"));
    }
    on_data(config, source, model, &weights.map_or(Start::Random, Start::Weights), &what)
}

/// Distills a teacher into a new student, or into one that has these weights at first. The run keeps a copy of the
/// teacher.
/// Fails if teacher, student and weights do not fit, the loss stops being finite, or a file cannot be written.
pub fn start_student(config: &TrainConfig, teacher: &Loaded<Flow<f32>>, weights: Option<&Weights>) -> Result<Outcome> {
    let (objective, flow) = student(config, teacher)?;
    objective.steps_per_epoch()?;
    let from = weights.map_or_else(String::new, Weights::words);
    if let Some(Weights { place, contents }) = weights {
        let mut like = contents.header.blueprint.clone();
        if like.kind == config.blueprint.kind {
            like.renew(&config.blueprint)?;
        }
        if like != config.blueprint {
            let path = place.path().display();
            bail!("{path} has weights of another model or of other sizes than this student: leave out --from");
        }
        checkpoint::fill(&flow, &contents.tensors, "", place.path())?;
    }
    let (name, of) = (config.blueprint.name(), teacher.header.blueprint.name());
    let id = keep_teacher(config, teacher, None)?;
    // Student and teacher see the same data: they share the statistics of the preprocessing.
    if let (Some(theirs), Some(ours)) = (teacher.model.preprocessing(), flow.preprocessing()) {
        copy_params(theirs, ours)?;
    }
    let start = Start::Student { teacher: id, from: weights };
    train(config, objective.as_ref(), flow, &start, &format!("distilling {of} into {name}{from}"))
}

/// Writes the copy of the teacher, unless it is there, and returns the teacher's checksum.
/// Fails if it is not the teacher `of` the student, or another file stands in its place.
fn keep_teacher(config: &TrainConfig, teacher: &Loaded<Flow<f32>>, of: Option<&Paused>) -> Result<String> {
    let (path, weights) = (config.run.teacher(), checkpoint::weights(&teacher.model));
    let id = checkpoint::checksum(&teacher.header, &[], &weights)?;
    let id_there = || -> Result<String> {
        let Contents { header, tensors, .. } = checkpoint::read(&path)?;
        checkpoint::checksum(&header, &[], &tensors.into_iter().collect::<Vec<_>>())
    };
    let there = is_there(&path).then(id_there);
    // The states of older versions do not name it.
    let named = of.and_then(|paused| paused.saved.teacher.as_ref());
    let expected = named.or_else(|| of.and(there.as_ref()?.as_ref().ok()));
    if expected.is_some_and(|expected| *expected != id) {
        bail!("{} was started with another teacher: give that, or choose another --out", config.run.folder().display());
    }
    match there {
        None => {
            let constants = checkpoint::constants(&teacher.header.blueprint, &teacher.model)?;
            checkpoint::write(&path, &teacher.header, &[constants], &weights)?;
        }
        Some(Ok(there)) if there == id => {}
        Some(_) => bail!("{} is not this teacher: move it away, or choose another --out", path.display()),
    }
    Ok(id)
}

/// What a student minimizes, and the student.
type Student = (Box<dyn Objective<Flow<f32>>>, Flow<f32>);

fn student(config: &TrainConfig, teacher: &Loaded<Flow<f32>>) -> Result<Student> {
    let (batch, seed) = (config.recipe.batch, config.seed);
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    if let Some(sizes) = config.blueprint.config::<ParallelWaveNet>() {
        let source = Source::open(&config.data, seed)?.with_track_of(config.blueprint.track())?;
        let (objective, flow) = SignalLoss::new(teacher, (&config.blueprint, &sizes), source, batch, seed, rng)?;
        return Ok((Box::new(objective), flow));
    }
    let lessons = config.recipe.lessons.clone();
    let normalized = config.blueprint.uses_batch_statistics();
    let data =
        lessons.iter().any(|(lesson, _)| *lesson == Lesson::WithData).then(|| data(config, teacher)).transpose()?;
    Ok((Box::new(Taught::new(teacher, lessons, data, normalized, batch, seed)), config.blueprint.flow(rng)?))
}

/// The data that the teacher learned from, for a student that learns from both.
fn data(config: &TrainConfig, teacher: &Loaded<Flow<f32>>) -> Result<Source> {
    let advice = "this student learns from the teacher's data too: make them readable, or choose --losses forward";
    let source = Source::open(&config.data, config.seed).context(advice)?;
    let source = source.with_classes_of(teacher.header.blueprint.classes)?.in_units_of(&teacher.model);
    if source.space() != teacher.header.blueprint.space {
        bail!("{} is not what the teacher learned from: {advice}", config.data);
    }
    source.steps_per_epoch((config.recipe.batch / 2).max(1))?;
    Ok(source)
}

/// What a training starts from.
enum Start<'a> {
    Random,
    /// A student of the teacher with this checksum, and the weights that it has already.
    Student {
        teacher: String,
        from: Option<&'a Weights>,
    },
    Weights(&'a Weights),
    Paused(&'a Paused),
}

fn on_data(config: &TrainConfig, source: &Source, model: Model<f32>, start: &Start<'_>, what: &str) -> Result<Outcome> {
    let (batch, seed, calibrated) = (config.recipe.batch, config.seed, config.blueprint.uses_batch_statistics());
    let source = &source.in_units_of(&model);
    let objective = |discrete: bool| OnData { source, batch, seed, calibrated, discrete };
    match model {
        Model::Flow(flow) => train(config, &objective(false), flow, start, what),
        Model::Vae(vae) => train(config, &objective(vae.likelihood().is_discrete()), vae, start, what),
    }
}

fn train<M: Trained + Send>(
    config: &TrainConfig,
    objective: &dyn Objective<M>,
    model: M,
    start: &Start<'_>,
    what: &str,
) -> Result<Outcome> {
    parallel::with_threads(config.threads, || {
        require_memory(config.recipe.batch, objective, &model)?;
        if matches!(start, Start::Random | Start::Student { from: None, .. }) {
            objective.initialize(&model)?;
        }
        let origin = match start {
            Start::Random | Start::Paused(_) => None,
            Start::Student { teacher, .. } => Some(teacher.clone()),
            Start::Weights(Weights { contents, .. }) => {
                Some(checkpoint::checksum(&contents.header, &[], &checkpoint::weights(&model))?)
            }
        };
        let saved = match start {
            Start::Paused(paused) => Saved::of(config, paused),
            _ => Saved::new(config, origin.as_deref())?,
        };
        let mut training = Training::new(config, objective, model, saved);
        match start {
            Start::Random => {}
            Start::Student { teacher, from } => {
                training.saved.teacher = Some(teacher.clone());
                from.iter().for_each(|weights| weights.begin(&mut training));
            }
            Start::Weights(weights) => weights.begin(&mut training),
            Start::Paused(paused) => training.restore(&paused.contents)?,
        }
        announce(what, config);
        training.run()
    })
}

/// Refuses a batch whose steps take too much memory, before the first of them. The rows of a step are evaluated together,
/// and their activations kept for the gradients. How many there are is seen from one row and from two.
fn require_memory<M: Trained>(batch: usize, objective: &dyn Objective<M>, model: &M) -> Result<()> {
    let bytes = |rows: usize| -> Result<f64> {
        let before = pool::bytes_taken::<f32>();
        objective.trial(model, rows)?;
        Ok((pool::bytes_taken::<f32>() - before) as f64)
    };
    let one = bytes(1)?;
    let more = if batch > 1 { (batch - 1) as f64 * (bytes(2)? - one).max(0.0) } else { 0.0 };
    let what = format!("a training step of {batch} rows");
    memory::require(KEPT * (one + more), &what, "choose a smaller --batch, a smaller model or shorter rows")
}

/// About the part of all intermediate results that is kept for the gradients.
const KEPT: f64 = 0.6;

/// Prints what is about to happen, for how long, and where the results go.
fn announce(what: &str, config: &TrainConfig) {
    let TrainConfig { recipe, run, threads, .. } = config;
    let long = match recipe.budget {
        Budget::Steps(steps) => format!("{steps} steps"),
        Budget::Epochs(epochs) => format!("{epochs} epochs"),
        Budget::Minutes(minutes) => format!("{minutes} minutes"),
    };
    let folder = run.folder().display();
    let (batch, threads) = (recipe.batch, counted(*threads, "thread"));
    let half = match (recipe.half, parallel::has_half_precision()) {
        (true, true) => ", in half precision",
        (true, false) => " (--half changes nothing: this processor has no matrix units)",
        (false, _) => "",
    };
    stderr::print_line(format_args!("{what} for {long}, {batch} rows a step, {threads}{half}, into {folder}"));
}

/// An interrupted training, as its folder has it.
#[derive(Debug)]
pub struct Paused {
    pub(super) saved: Saved,
    /// The file itself, which is large and is read once.
    pub contents: Contents,
}

/// Whether a folder holds an interrupted training: the last thing a training does is to evaluate its weights.
pub fn is_unfinished(run: &Run) -> bool {
    let saved =
        checkpoint::beginning(run.training()).ok().and_then(|(_, extra)| Saved::read(&extra, &run.training()).ok());
    saved.is_some_and(|saved| saved.evaluated != saved.step)
}

impl Paused {
    /// The training in a folder.
    /// Fails if there is none, or it is damaged.
    pub fn read(run: &Run) -> Result<Self> {
        if !is_there(&run.training()) {
            bail!("{} holds no training to resume: leave out --resume to start one", run.folder().display());
        }
        let contents = checkpoint::read(run.training())?;
        Ok(Self { saved: Saved::read(&contents.extra, &run.training())?, contents })
    }

    /// The recipe it was started with.
    pub const fn recipe(&self) -> &Recipe {
        &self.saved.recipe
    }

    /// The threads it computed on, if its state names them.
    pub const fn threads(&self) -> Option<usize> {
        self.saved.threads
    }
}

/// Resumes the training in the same folder.
/// Fails as [`start`], and if what the folder holds cannot be resumed.
pub fn resume(config: &TrainConfig, model: &str, source: &Source, paused: &Paused) -> Result<Outcome> {
    paused.check(config, model, source)?;
    source.steps_per_epoch(config.recipe.batch)?;
    // With its parameters: the data are standardized by the statistics among them.
    let model = paused.contents.model("model.", &config.run.training())?;
    on_data(config, source, model, &Start::Paused(paused), &paused.describe())
}

/// Resumes the distillation in the same folder. A copy of the teacher that was removed is written again.
/// Fails as [`start_student`], and if what the folder holds cannot be resumed.
pub fn resume_student(config: &TrainConfig, teacher: &Loaded<Flow<f32>>, paused: &Paused) -> Result<Outcome> {
    if !paused.is_student(&config.run) {
        let folder = config.run.folder().display();
        bail!("{folder} holds no distillation: resume it with `zoo train … --resume`, or choose another --out");
    }
    // Before a model of these sizes is made: does the file hold one?
    paused.contents.check(&config.run.training())?;
    keep_teacher(config, teacher, Some(paused))?;
    let (objective, flow) = student(config, teacher)?;
    train(config, objective.as_ref(), flow, &Start::Paused(paused), &paused.describe())
}

impl Paused {
    fn is_student(&self, run: &Run) -> bool {
        self.saved.teacher.is_some() || (self.saved.threads.is_none() && run.teacher().exists())
    }

    fn describe(&self) -> String {
        let Header { blueprint, data, .. } = &self.contents.header;
        format!("resuming {} on {data} at step {}", blueprint.name(), self.saved.step)
    }

    /// Refuses to resume it as another model, or with other data.
    pub(super) fn check(&self, config: &TrainConfig, model: &str, source: &Source) -> Result<()> {
        let blueprint = &self.contents.header.blueprint;
        let folder = config.run.folder().display();
        if self.is_student(&config.run) {
            bail!("{folder} holds a distillation: resume it with `zoo distill … --resume`, or choose another --out");
        }
        if blueprint.name() != model {
            let holds = blueprint.name();
            bail!("{folder} holds a training of {holds}, not of {model}: resume that, or choose another --out");
        }
        if blueprint.space != source.space() {
            let (trained, has) = (blueprint.space.describe(), source.space().describe());
            let (data, other) = (&self.contents.header.data, &config.data);
            bail!("{folder} was trained on {trained}, but {other} has {has}: resume with --data {data}");
        }
        Ok(())
    }
}
