//! `zoo compare-student`: samples and timings of a student and its teacher.

use super::prelude::*;
use crate::measure::speech::{self, Comparison};
use crate::measure::timing::{describe, median_seconds};
use crate::pictures::{side_by_side, wave};
use flows::layers::{Reference, with_reference};

/// Plot samples from a student next to its teacher's, and time both
///
/// `zoo distill` does the same when it ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo compare-student runs/iaf-of-maf-mnist")]
pub(super) struct Args {
    /// Run folder of a student; `zoo distill` keeps its teacher there
    student: PathBuf,
    #[command(flatten)]
    out: OutFolder,
    #[command(flatten)]
    threads: Threads,
}

/// Samples that are timed together.
const TIMED: usize = 100;
/// Pixels or entries to sample with D passes, which is slow. Of signals, one is sampled.
const NAIVE: usize = 80_000;
/// Samples in each picture, of images and of points.
const GRID: usize = 100;
const POINTS: usize = 2_000;
/// Test rows to compare the densities on, and signals, which are long.
const TEST_ROWS: usize = 2_000;
const SIGNALS: usize = 20;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let advice = "give the run folder of a student, as zoo distill makes it";
    let student = load_flow::<f32>(&args.student, advice)?;
    let kept = Run::at(&args.student).teacher();
    if !kept.exists() {
        bail!("{} is not the run folder of a student: give one that zoo distill made", args.student.display());
    }
    let teacher = load_flow::<f32>(&kept, advice)?;
    let folder = args.out.path(&args.student)?;
    args.threads.run(|| draw(&teacher, &student, &folder, out))
}

/// Prints the density of test rows under both models and the time per sample, and draws samples of both.
pub(super) fn draw(
    teacher: &Loaded<Flow<f32>>,
    student: &Loaded<Flow<f32>>,
    folder: &Path,
    out: &mut Output<'_>,
) -> Result<()> {
    let space = teacher.header.blueprint.space;
    let (of, name) = (teacher.header.blueprint.name(), student.header.blueprint.name());
    let rows = if matches!(space, Space::Signal { .. }) { SIGNALS } else { TEST_ROWS };
    // The teacher's data may be gone. The student never needed it.
    let test = source(teacher, None).ok().map(|source| source.held_out(Part::Test, Some(rows)));
    if let Some(rows) = test.as_ref().filter(|_| !matches!(space, Space::Signal { .. })) {
        for (whose, name, loaded) in [("teacher", of, teacher), ("student", name, student)] {
            let found = score(&loaded.model, &space, rows, 0)?;
            let median = if found.not_finite == 0 { format!(", median {:.2}", found.median) } else { String::new() };
            writeln!(out, "test rows under the {whose}, {name}: {}{median}", found.describe())?;
        }
    }
    print_times(teacher, student, out)?;
    let units = Standardization::of(&teacher.model);
    let samples = |loaded: &Loaded<Flow<f32>>, count: usize| {
        let samples = sampling::samples(&loaded.model, None, count, 1.0, 0)?;
        Ok::<_, anyhow::Error>(drawing::plotted(units.as_ref(), samples))
    };
    let picture = if let Space::Signal { samples: length, rate } = space {
        let rows = test.with_context(|| format!("{} is no speech to compare with", teacher.header.data))?;
        let Comparison { teacher, student, lines } =
            speech::compare([&teacher.model, &student.model], &space, &rows, 0)?;
        speech::table(&lines).iter().try_for_each(|line| writeln!(out, "{line}"))?;
        speech::write(&folder.join("comparison.json"), &lines)?;
        let columns = [("data", rows.x().clone()), ("teacher", teacher), ("student", student)];
        for (title, values) in &columns {
            sound::write(&folder.join(format!("{title}.wav")), values.as_slice(), length, rate, out)?;
        }
        let columns: Vec<_> = columns.iter().map(|(title, values)| (*title, values.as_slice())).collect();
        wave::draw(&columns, length, rate)?
    } else if let Space::Table { columns: 2, .. } = space {
        let (left, right) = (samples(teacher, POINTS)?, samples(student, POINTS)?);
        let panel = |title, points| scatter::Panel { title, points, groups: &[] };
        let panels = [panel(of, left.as_slice()), panel(name, right.as_slice())];
        // Both panels use the teacher's window.
        let window = Window::around(left.as_slice()).unwrap_or(Window::square(4.0));
        scatter::draw(&panels, &scatter::Layout { window, side: 420, columns: 2 })?
    } else if drawing::has_picture(&space) {
        let draw =
            |loaded: &Loaded<Flow<f32>>, title: &str| drawing::picture(&samples(loaded, GRID)?, title, &space, 10);
        let (left, right) = (draw(teacher, of)?, draw(student, name)?);
        side_by_side::draw(vec![(format!("teacher: {of}"), left), (format!("student: {name}"), right)])?
    } else {
        return Ok(());
    };
    let path = folder.join("compare-student.png");
    picture.save(&path)?;
    writeln!(out, "{}: samples of the teacher and of the student", path.display())
}

/// Prints the time per sample of the teacher, with D passes and in order, and of the student.
fn print_times(teacher: &Loaded<Flow<f32>>, student: &Loaded<Flow<f32>>, out: &mut Output<'_>) -> Result<()> {
    let space = teacher.header.blueprint.space;
    let (of, name, dims) = (teacher.header.blueprint.name(), student.header.blueprint.name(), space.dims());
    let passed = if matches!(space, Space::Signal { .. }) { 1 } else { (NAIVE / dims).clamp(1, TIMED) };
    let timed = [
        (format!("teacher, {of}, by D = {dims} passes"), teacher, passed),
        (format!("teacher, {of}, each unit once"), teacher, TIMED),
        (format!("student, {name}, one pass"), student, TIMED),
    ];
    let slowest = with_reference(&teacher.model, Reference::WholePasses, || seconds_per_sample(&teacher.model, passed));
    let seconds = [slowest, seconds_per_sample(&teacher.model, TIMED), seconds_per_sample(&student.model, TIMED)];
    writeln!(out, "time per sample, {} threads, and the speed-up over D passes:", parallel::threads())?;
    for ((what, _, rows), time) in timed.iter().zip(seconds) {
        let times = seconds[0] / time;
        writeln!(out, "  {what:<44} {:>12}  {times:>9.1} x  (batch of {rows})", describe(time))?;
    }
    Ok(())
}

/// Seconds per sample, in a batch of `rows` samples.
fn seconds_per_sample(flow: &Flow<f32>, rows: usize) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let condition = sampling::condition(flow, None, 0..rows, 0).map(Var::from);
    let cx = Context { condition: condition.as_ref(), ..Context::default() };
    median_seconds(1, || drop(flow.sample(rows, cx, 1.0, &mut rng))) / rows as f64
}
