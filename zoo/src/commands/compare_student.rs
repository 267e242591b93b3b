//! `zoo compare-student`: samples and timings of a student and its teacher.

use super::prelude::*;
use crate::measure::shipped::Entry;
use crate::measure::student;
use crate::pictures::{side_by_side, wave};
use crate::runs::files::replace_atomically;
use crate::runs::shipped;
use crate::text;
use std::io::Write;

/// Plot samples from a student next to its teacher's, and time both
///
/// `zoo distill` does the same when it ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo compare-student runs/iaf-of-maf-mnist")]
pub(super) struct Args {
    /// Run folder of a student, where `zoo distill` keeps its teacher, or a shipped student
    student: PathBuf,
    #[command(flatten)]
    out: OutFolder,
    #[command(flatten)]
    threads: Threads,
}

/// Samples in each picture, of images and of points.
const GRID: usize = 100;
const POINTS: usize = 2_000;
/// Signals in the sounds and in the picture, without data.
const SIGNALS: usize = 20;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    let advice = "give the run folder of a student, as zoo distill makes it";
    let student = load_flow::<f32>(&args.student, advice)?;
    let teacher = match shipped::named(&args.student) {
        None => Run::at(&args.student).teacher(),
        // It has no folder with a copy of its teacher.
        Some(_) => PathBuf::from(shipped_teacher(&student.header)?),
    };
    if shipped::named(&teacher).is_none() && !teacher.exists() {
        bail!("{} is not the run folder of a student: give one that zoo distill made", args.student.display());
    }
    let teacher = load_flow::<f32>(&teacher, advice)?;
    let place = |name: &str| args.out.file(&args.student, name);
    args.threads.run(|| draw(&teacher, &student, &place, out))
}

/// The name of the shipped weights that can be the teacher of a shipped student.
fn shipped_teacher(student: &Header) -> Result<String> {
    let Blueprint { kind, space, classes, .. } = &student.blueprint;
    let teachers = kind.about().teachers;
    let suits = |entry: &Entry| {
        let Header { blueprint, data, .. } = &entry.header;
        let same = (&blueprint.space, &blueprint.classes, data) == (space, classes, &student.data);
        same && teachers.contains(&blueprint.name())
    };
    let entries = crate::measure::shipped::all().into_iter().filter_map(Result::ok);
    // Of a MADE and a MAF the later one.
    let found = entries
        .filter(suits)
        .max_by_key(|entry| teachers.iter().position(|name| *name == entry.header.blueprint.name()));
    let name = student.blueprint.name();
    found
        .map(|entry| entry.name.clone())
        .with_context(|| format!("no teacher of {name} is shipped: give the run folder of a student"))
}

/// Prints the density of test rows under both models and the time per sample, and draws samples of both.
pub(super) fn draw(
    teacher: &Loaded<Flow<f32>>,
    student: &Loaded<Flow<f32>>,
    place: &(dyn Fn(&str) -> Result<PathBuf> + Sync),
    out: &mut Output<'_>,
) -> Result<()> {
    let space = teacher.header.blueprint.space;
    let (of, name) = (teacher.header.blueprint.name(), student.header.blueprint.name());
    // The teacher's data may be gone. The student never needed it.
    let source = source(teacher, None).ok();
    let found = student::compare(teacher, student, source.as_ref(), 0)?;
    for line in found.lines() {
        writeln!(out, "{line}")?;
    }
    let path = place("comparison.json")?;
    let json = text::json(&found)? + "\n";
    replace_atomically(&path, |file| file.write_all(json.as_bytes()))?;
    writeln!(out, "{}: the same numbers", path.display())?;
    let units = Standardization::of(&teacher.model);
    let samples = |loaded: &Loaded<Flow<f32>>, count: usize| {
        let samples = sampling::samples(&loaded.model, None, count, 1.0, 0)?;
        Ok::<_, anyhow::Error>(drawing::plotted(units.as_ref(), samples))
    };
    let picture = if let Space::Signal { samples: length, rate } = space {
        let columns = match found.signals {
            Some([real, ours, theirs]) => vec![("data", real), ("teacher", ours), ("student", theirs)],
            None => vec![("teacher", samples(teacher, SIGNALS)?), ("student", samples(student, SIGNALS)?)],
        };
        for (title, values) in &columns {
            sound::write(&place(&format!("{title}.wav"))?, values.as_slice(), length, rate, out)?;
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
    let path = place("compare-student.png")?;
    picture.save(&path)?;
    writeln!(out, "{}: samples of the teacher and of the student", path.display())
}
