//! `zoo compare-student`: a student beside its teacher, in pictures and in times.

use super::{Output, folder, load_flow, sound, source, threads};
use crate::blueprint::Space;
use crate::data::source::Part;
use crate::measure::score::score;
use crate::measure::timing::{describe, median_seconds};
use crate::pictures::drawing;
use crate::pictures::{Window, scatter, side_by_side, wave};
use crate::runs::checkpoint::Loaded;
use crate::runs::folder::Run;
use anyhow::{Result, bail};
use autograd::{Var, parallel};
use flows::{Context, Flow, Inversion};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Whom to draw, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run folder of a student, as `zoo distill` makes it: its teacher is kept there
    student: PathBuf,
    /// The folder for compare-student.png, and for data.wav, teacher.wav and student.wav of signals [default: the student's]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// Samples that are timed together.
const TIMED: usize = 100;
/// Numbers in the samples that are timed through D passes: those take long. Of signals there is one.
const PASSED: usize = 80_000;
/// Samples in each of the two pictures, of images and of points.
const GRID: usize = 100;
const POINTS: usize = 2_000;
/// Test rows that student and teacher are compared on, and signals, which are long.
const TEST_ROWS: usize = 2_000;
const SIGNALS: usize = 20;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    let instead = "give the run of a student, as zoo distill makes it";
    let student = load_flow::<f32>(&args.student, instead)?;
    let kept = Run::at(&args.student).teacher();
    if !kept.exists() {
        bail!("{} is no student's run folder: give one that `zoo distill` made", args.student.display());
    }
    let teacher = load_flow::<f32>(&kept, instead)?;
    let folder = folder(&args.student, args.out.as_deref())?;
    parallel::with_threads(threads(args.threads), || draw(&teacher, &student, &folder, out))?;
    Ok(ExitCode::SUCCESS)
}

/// What the student has of its teacher: the density of test rows under both, time per sample, and pictures of
/// samples side by side.
pub(super) fn draw(
    teacher: &Loaded<Flow<f32>>,
    student: &Loaded<Flow<f32>>,
    folder: &Path,
    out: &mut Output<'_>,
) -> Result<()> {
    let space = teacher.header.blueprint.space;
    let (of, name) = (teacher.header.blueprint.name(), student.header.blueprint.name());
    // The teacher's data may have gone; the student never needed it.
    let signal = matches!(space, Space::Signal { .. });
    let rows = if signal { SIGNALS } else { TEST_ROWS };
    let test = source(&teacher.header, None).ok().map(|source| source.held_out(Part::Test, Some(rows)));
    if let Some(rows) = &test {
        for (whose, loaded) in [("teacher", teacher), ("student", student)] {
            let found = score(&loaded.model, &space, rows, 0);
            let median = if found.not_finite == 0 { format!(", median {:.2}", found.median) } else { String::new() };
            let name = loaded.header.blueprint.name();
            writeln!(out, "test rows under the {whose}, {name}: {}{median}", found.describe())?;
        }
    }
    let path = folder.join("compare-student.png");
    let passed = if signal { 1 } else { (PASSED / space.dims()).clamp(1, TIMED) };
    let by_passes = seconds_per_sample(&teacher.model, passed, Inversion::ByPasses);
    let in_order = seconds_per_sample(&teacher.model, TIMED, Inversion::InOrder);
    let parallel = seconds_per_sample(&student.model, TIMED, Inversion::InOrder);
    writeln!(out, "time per sample, {} threads, and how many times as fast as by D passes:", parallel::threads())?;
    let mut line = |whose: &str, seconds: f64, rows: usize| {
        let times = by_passes / seconds;
        writeln!(out, "  {whose:<44} {:>12}  {times:>9.1} x  (batch of {rows})", describe(seconds))
    };
    line(&format!("teacher, {of}, by D = {} passes", space.dims()), by_passes, passed)?;
    line(&format!("teacher, {of}, each unit once"), in_order, TIMED)?;
    line(&format!("student, {name}, one pass"), parallel, TIMED)?;
    let samples = |loaded: &Loaded<Flow<f32>>, count: usize| drawing::samples(&loaded.model, None, count, 1.0, 0);
    if let Space::Signal { samples: length, rate } = space {
        let (left, right) = (samples(teacher, SIGNALS), samples(student, SIGNALS));
        let mut columns = vec![("teacher", left), ("student", right)];
        if let Some(rows) = test {
            columns.insert(0, ("data", rows.x().clone()));
        }
        for (title, values) in &columns {
            sound::write(&folder.join(format!("{title}.wav")), values.as_slice(), length, rate, out)?;
        }
        let columns: Vec<_> =
            columns.iter().map(|(title, values)| wave::Column { title, values: values.as_slice() }).collect();
        wave::draw(&columns, length, rate)?.save(&path)?;
    } else if let Space::Table { columns: 2, .. } = space {
        let (left, right) = (samples(teacher, POINTS), samples(student, POINTS));
        let panel = |title, points| scatter::Panel { title, points, groups: &[] };
        let panels = [panel(of, left.as_slice()), panel(name, right.as_slice())];
        // The teacher's window for both.
        let window = Window::around(left.as_slice()).unwrap_or(Window::square(4.0));
        scatter::draw(&panels, &scatter::Layout { window, side: 420, columns: 2 })?.save(&path)?;
    } else if drawing::has_picture(&space) {
        let draw =
            |loaded: &Loaded<Flow<f32>>, title: &str| drawing::picture(&samples(loaded, GRID), title, &space, 10);
        let (left, right) = (draw(teacher, of)?, draw(student, name)?);
        side_by_side::draw(vec![(format!("teacher: {of}"), left), (format!("student: {name}"), right)])?.save(&path)?;
    } else {
        return Ok(());
    }
    writeln!(out, "{}: samples of the teacher and of the student", path.display())
}

/// Seconds that one sample takes among so many.
fn seconds_per_sample(flow: &Flow<f32>, rows: usize, inversion: Inversion) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let condition = drawing::condition(flow, None, 0..rows).map(Var::from);
    let cx = Context { condition: condition.as_ref(), inversion, ..Context::default() };
    median_seconds(1, || drop(flow.sample(rows, cx, 1.0, &mut rng))) / rows as f64
}
