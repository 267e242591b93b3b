//! `zoo distill`: a student that samples in one pass learns from a teacher that does not.

use super::compare_student;
use super::prelude::*;
use crate::models::{Lesson, Lessons};
use crate::train::Weights;
use clap::{ArgMatches, Command, FromArgMatches, ValueEnum};

/// The teacher, and the training of the student.
#[derive(Debug)]
pub(super) struct Args {
    common: Common,
    /// The student's own options.
    options: ArgMatches,
}

/// The options of every student.
#[derive(Debug, clap::Args)]
struct Common {
    /// The teacher, a made, a maf or a wavenet: a shipped model, a run folder, or a .safetensors file
    teacher: PathBuf,
    /// The student's model [default: iaf; for a wavenet, parallel-wavenet]
    #[arg(long, value_name = "MODEL")]
    student: Option<String>,
    /// What a student of a made or a maf minimizes, in this order: guided, forward, with-data, reverse and jeffreys, each
    /// with its share of the training, as in guided=1,forward=8,jeffreys=1 [default: the preset's]
    #[arg(long, value_name = "LOSSES", value_parser = lessons)]
    losses: Option<Lessons>,
    /// Start from the weights in a run folder or checkpoint of the student's model and sizes, as from an iaf that was
    /// trained on data
    #[arg(long, value_name = "WEIGHTS", conflicts_with = "resume")]
    from: Option<PathBuf>,
    #[command(flatten)]
    train: TrainArgs,
    /// The folder of the student's run [default: runs/STUDENT-of-TEACHER]
    #[arg(long)]
    out: Option<PathBuf>,
}

impl clap::Args for Args {
    fn augment_args(command: Command) -> Command {
        let students: Vec<_> = models::students().collect();
        options::add(Common::augment_args(command), &students, "Options of the student")
            .mut_arg("layers", |arg| {
                arg.help(
                    "Autoregressive layers, or layers in each cycle of dilations [default: as the teacher's preset]",
                )
            })
            .after_help("Example: zoo distill runs/maf-two-moons --preset quick")
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { common: Common::from_arg_matches(matches)?, options: matches.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Parses lessons with their shares.
fn lessons(text: &str) -> Result<Lessons, String> {
    let known = Lesson::value_variants().iter().filter_map(|lesson| lesson.to_possible_value());
    let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
    let lesson = |part: &str| {
        let (name, share) = part.split_once('=').unwrap_or((part, "1"));
        let lesson = Lesson::from_str(name.trim(), true)
            .map_err(|_| format!("{name:?} is no loss: choose of {}", models::join(&known)))?;
        Ok((lesson, positive(share.trim())?))
    };
    text.split(',').map(lesson).collect()
}

/// The models that can be distilled.
const TEACHERS: &str = "distill a made, a maf or a wavenet";

pub(super) fn run(Args { common, options }: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let teacher = load_flow::<f32>(&common.teacher, TEACHERS)?;
    let (train, data) = (&common.train, teacher.header.data.clone());
    let (mut blueprint, mut recipe) =
        models::student(&teacher.header.blueprint, common.student.as_deref(), train.preset())?;
    options::check(blueprint.kind, options)?;
    if let Some(losses) = &common.losses {
        if recipe.lessons.is_empty() {
            bail!("{} has a loss of its own: leave out --losses", blueprint.name());
        }
        if train.resume {
            bail!("a resumed training keeps its --losses: leave it out, or start a new one with another --out");
        }
        recipe.lessons.clone_from(losses);
    }
    let folder = common.out.clone().unwrap_or_else(|| {
        let teacher = &common.teacher;
        let path = if teacher.is_file() { teacher.with_file_name("") } else { teacher.clone() };
        let called = plain(&path.display().to_string());
        let called = if called.is_empty() { "teacher" } else { &called };
        PathBuf::from("runs").join(format!("{}-of-{called}", blueprint.name()))
    });
    let weights = common.from.as_deref().map(Weights::read).transpose()?;
    // Before anything else is looked at: another program may be about to save there.
    let run = Run::at(&folder).lock()?;
    run.check_writable()?;
    run.forget_demo()?;
    let (outcome, threads) = if train.resume {
        let paused = Paused::read(&run)?;
        train::check_log(&run)?;
        train.check_resumed(&run, &paused, &options::given(options))?;
        let (recipe, seed, threads) = (paused.recipe().clone(), paused.contents.header.seed, train.threads(&paused));
        let config = train.config(paused.contents.header.blueprint.clone(), recipe, data, seed, threads, &run);
        (train::resume_student(&config, &teacher, &paused)?, threads)
    } else {
        train_args::check_new(&run)?;
        let (seed, threads) = (train.seed(), train.threads.count());
        blueprint.adjust(options, seed)?;
        let config = train.config(blueprint, recipe, data, seed, threads, &run);
        (train::start_student(&config, &teacher, weights.as_ref())?, threads)
    };
    let code = train_args::report(&run, &outcome, out)?;
    if !outcome.interrupted {
        let student = load_flow::<f32>(&folder::checkpoint(&folder)?, TEACHERS)?;
        parallel::with_threads(threads, || {
            compare_student::draw(&teacher, &student, &|name| Ok(folder.join(name)), out)
        })?;
    }
    Ok(code)
}
