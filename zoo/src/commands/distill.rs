//! `zoo distill`: a student that samples fast learns from a teacher that does not.

use super::how::{self, How, plain};
use super::{Output, compare_student, load_flow};
use crate::blueprint::Blueprint;
use crate::recipes;
use crate::runs::folder::{self, Run};
use crate::train;
use anyhow::{Result, bail};
use autograd::parallel;
use std::path::PathBuf;
use std::process::ExitCode;

/// Whom to learn from, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The teacher's run folder or .safetensors file: a made, a maf or a wavenet
    teacher: PathBuf,
    /// The student's model [default: iaf; of a wavenet, parallel-wavenet]
    #[arg(long, value_name = "MODEL")]
    student: Option<String>,
    #[command(flatten)]
    how: How,
    /// Where to keep the student [default: runs/STUDENT-of-TEACHER]
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What can be distilled.
const FLOWS: &str = "distil a made, a maf or a wavenet";

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let teacher = load_flow::<f32>(&args.teacher, FLOWS)?;
    let blueprint = &teacher.header.blueprint;
    let (how, data) = (&args.how, teacher.header.data.clone());
    let mut recipe = recipes::student(blueprint, args.student.as_deref(), how.preset())?;
    let student = Blueprint { architecture: recipe.architecture.clone(), ..blueprint.clone() }.name();
    let folder = args.out.clone().unwrap_or_else(|| {
        let file = args.teacher.is_file();
        let called =
            plain(&if file { args.teacher.with_file_name("") } else { args.teacher.clone() }.display().to_string());
        PathBuf::from("runs").join(format!("{student}-of-{}", if called.is_empty() { "teacher" } else { &called }))
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
        if load_flow::<f32>(&run.teacher(), FLOWS)?.header != teacher.header {
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
        recipe.architecture = how.sized(recipe.architecture)?;
        how.adjust(&mut recipe);
        train::start_student(&how.plan(recipe, data, how.seed(), &run), &teacher)?
    };
    how::report(&run, &outcome, out)?;
    if !outcome.interrupted {
        let student = load_flow::<f32>(&folder::checkpoint(&folder)?, FLOWS)?;
        parallel::with_threads(how.threads(), || compare_student::draw(&teacher, &student, &folder, out))?;
    }
    Ok(how::code(&outcome))
}
