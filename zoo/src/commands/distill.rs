//! `zoo distill`: a student that samples fast learns from a teacher that does not.

use super::how::{self, How, plain};
use super::{load, say, source};
use crate::checkpoint::Loaded;
use crate::pictures::beside;
use crate::recipes;
use crate::run::{self, Run};
use crate::score::score;
use crate::source::Part;
use crate::timing::{describe, median_seconds};
use crate::{drawing, train};
use anyhow::{Result, bail};
use autograd::{Var, parallel};
use flows::{Context, Flow, Inversion};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Whom to learn from, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The teacher's run folder or .safetensors file: a made or a maf
    teacher: PathBuf,
    /// The student's model [default: iaf]
    #[arg(long, value_name = "MODEL")]
    student: Option<String>,
    #[command(flatten)]
    how: How,
    /// Where to keep the student [default: runs/STUDENT-of-TEACHER]
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Samples that are timed together.
const TIMED: usize = 100;
/// Numbers in the samples that are timed through D passes: those take long.
const PASSED: usize = 8_000;
/// Samples in each of the two pictures.
const GRID: usize = 100;
/// Test rows that student and teacher are compared on.
const TEST_ROWS: usize = 2_000;

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let teacher = load::<f32>(&args.teacher)?;
    let blueprint = &teacher.header.blueprint;
    let (how, data) = (&args.how, teacher.header.data.clone());
    let mut recipe = recipes::student(blueprint, args.student.as_deref(), how.preset())?;
    let folder = args.out.clone().unwrap_or_else(|| {
        let of =
            if args.teacher.is_dir() { args.teacher.as_path() } else { args.teacher.parent().unwrap_or(Path::new("")) };
        let called = plain(&of.display().to_string());
        PathBuf::from("runs").join(format!("{}-of-{}", "iaf", if called.is_empty() { "teacher" } else { &called }))
    });
    let run = Run::at(&folder);
    let outcome = if how.resume {
        let paused = train::paused(&run)?;
        how.check_resumed(&run, &paused)?;
        if !run.teacher().exists() {
            bail!(
                "{} holds no distillation: go on with `zoo train … --resume`, or choose another --out",
                folder.display()
            );
        }
        if load::<f32>(&run.teacher())?.header != teacher.header {
            bail!(
                "{} was begun with another teacher than {}: choose another --out",
                folder.display(),
                args.teacher.display()
            );
        }
        let (mut recipe, seed) = (paused.recipe.clone(), paused.seed);
        how.adjust(&mut recipe);
        train::resume_student(&how.plan(recipe, data, seed, &run), &teacher, &paused)?
    } else {
        How::check_begun(&run)?;
        if let Some(layers) = how.layers {
            recipe.architecture = recipe.architecture.with_layers(usize::try_from(layers)?)?;
        }
        how.adjust(&mut recipe);
        train::start_student(&how.plan(recipe, data, how.seed(), &run), &teacher)?
    };
    how::report(&run, &outcome)?;
    if !outcome.interrupted {
        let student = load::<f32>(&run::checkpoint(&folder)?)?;
        parallel::with_threads(how.threads(), || compare(&teacher, &student, &folder))?;
    }
    Ok(how::code(&outcome))
}

/// What the student has of its teacher: the density of test rows under both, time per sample, and pictures of
/// samples side by side.
fn compare(teacher: &Loaded<f32>, student: &Loaded<f32>, folder: &Path) -> Result<()> {
    let space = teacher.header.blueprint.space;
    let (of, name) = (teacher.header.blueprint.name(), student.header.blueprint.name());
    // The teacher's data may have gone; the student never needed it.
    if let Ok(source) = source(&teacher.header, None) {
        let rows = source.held_out(Part::Test, Some(TEST_ROWS));
        for (whose, loaded) in [("teacher", teacher), ("student", student)] {
            let found = score(&loaded.flow, &space, &rows, 0);
            say(&format!("test rows under the {whose}, {}: {}", loaded.header.blueprint.name(), found.describe()))?;
        }
    }
    let passed = (PASSED / space.dims()).clamp(1, TIMED);
    let by_passes = seconds_per_sample(&teacher.flow, passed, Inversion::ByPasses);
    let in_order = seconds_per_sample(&teacher.flow, TIMED, Inversion::InOrder);
    let parallel = seconds_per_sample(&student.flow, TIMED, Inversion::InOrder);
    say(&format!("time per sample, {} threads:", parallel::threads()))?;
    let line = |whose: &str, seconds: f64, rows: usize| {
        let times = by_passes / seconds;
        say(&format!("  {whose:<44} {:>12}  {times:>8.0} x  (batch of {rows})", describe(seconds)))
    };
    line(&format!("teacher, {of}, by D = {} passes", space.dims()), by_passes, passed)?;
    line(&format!("teacher, {of}, each unit once"), in_order, TIMED)?;
    line(&format!("student, {name}, one pass"), parallel, TIMED)?;
    if drawing::has_picture(&space) {
        let draw = |loaded: &Loaded<f32>, title: &str| {
            drawing::picture(&drawing::samples(&loaded.flow, None, GRID, 1.0, 0), title, &space, 10)
        };
        let (left, right) = (draw(teacher, of)?, draw(student, name)?);
        let picture = beside::draw(&[(&format!("teacher: {of}"), left), (&format!("student: {name}"), right)])?;
        let path = folder.join("beside.png");
        picture.save_png(&path)?;
        say(&format!("{}: samples of the teacher and of the student", path.display()))?;
    }
    Ok(())
}

/// Seconds that one sample takes among so many.
fn seconds_per_sample(flow: &Flow<f32>, rows: usize, inversion: Inversion) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let condition = drawing::condition(flow, None, 0..rows).map(Var::from);
    let cx = Context { condition: condition.as_ref(), inversion, ..Context::default() };
    median_seconds(1, || drop(flow.sample(rows, cx, 1.0, &mut rng))) / rows as f64
}
