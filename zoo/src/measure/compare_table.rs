//! The measurements of a comparison, as a table for the terminal and as panels to plot.

use crate::judge::judged::Judged;
use crate::judge::report::Report;
use crate::measure::compare::Measured;
use crate::measure::score::with_error;
use crate::measure::timing::three_digits;
use crate::pictures::dot_plot::{Group, Mark, Panel};
use crate::pictures::short_number;
use crate::text::{counted, cut};
use crate::train::Elapsed;

/// The widest line of a table, in characters.
const WIDEST: usize = 120;
/// Spaces between columns.
const GAP: usize = 2;
/// Stands for a value that was not measured.
const NOTHING: &str = "—";

/// How the measurements were made.
pub fn caption(seed: u64, threads: usize) -> String {
    let threads = counted(threads, "thread");
    format!("Less is better. Test rows, ± standard error (s.e.); f32, {threads}, seed {seed}")
}

/// What runs over the same data have in common.
fn title(group: &[&Measured]) -> String {
    let Measured { data, space, measures, .. } = group[0];
    let rows = measures.score.map_or(0, |score| score.n);
    format!("{data}: {space}, {rows} test rows, batches of {} timed", measures.batch)
}

/// A loss and its standard error, if it has one.
fn loss(one: &Measured, decimals: usize) -> Option<String> {
    let (loss, error) = (one.measures.loss?, one.measures.loss_error);
    let decimals = if loss.abs().max(error.unwrap_or(0.0)) < 100.0 { decimals } else { 1 };
    Some(with_error(loss, error, decimals))
}

/// Minutes, with a star if they are not the time to these weights.
fn minutes(one: &Measured) -> Option<String> {
    let Elapsed { seconds, step } = one.training?;
    Some(three_digits(seconds / 60.0) + if step == one.steps { "" } else { "*" })
}

fn error(error: f64) -> String {
    match error {
        0.0 => "0".to_owned(),
        0.01.. => three_digits(error),
        _ => format!("{error:.1e}"),
    }
}

/// A count, rounded to three digits.
fn rounded(count: f64) -> String {
    let unit = 10f64.powf((count.max(1.0).log10().floor() - 2.0).max(0.0));
    short_number((count / unit).round() * unit)
}

/// A column: two lines of heading, and a run's value.
type Column = ([String; 2], fn(&Measured) -> Option<String>);

/// The columns after the run's name and model.
fn columns(unit: &str) -> Vec<Column> {
    let head = |first: &str, second: &str| [first.to_owned(), second.to_owned()];
    let (first, second) = if unit == "bits/dim" { (unit, "± s.e.") } else { ("−log p ± s.e.", unit) };
    vec![
        (head(first, second), |one| loss(one, 4)),
        (head("parameters", ""), |one| one.measures.parameters.map(|count| count.to_string())),
        (head("training", "minutes"), minutes),
        (head("steps", ""), |one| Some(one.steps.to_string())),
        (head("sample", "ms/row"), |one| one.measures.sample_ms.map(three_digits)),
        (head("density", "ms/row"), |one| one.measures.density_ms.map(three_digits)),
        (head("|x′ − x|", "max"), |one| one.measures.round_trip.map(|found| error(found.max_abs))),
        (head("", "rms"), |one| one.measures.round_trip.map(|found| error(found.rms))),
    ]
}

/// The table of runs over the same data, and below it the notes on each run.
pub fn lines(group: &[&Measured]) -> Vec<String> {
    let mut table: Vec<Vec<String>> = vec![vec![String::new()], vec!["run".to_owned()]];
    table.extend(group.iter().map(|one| vec![one.name.clone()]));
    let mut add = |heads: &[String; 2], cell: &dyn Fn(&Measured) -> Option<String>| {
        let cells = group.iter().map(|one| cell(one).unwrap_or_else(|| NOTHING.to_owned()));
        for (row, cell) in table.iter_mut().zip(heads.iter().cloned().chain(cells)) {
            row.push(cell);
        }
    };
    add(&[String::new(), "model".to_owned()], &|one| Some(one.model.to_owned()));
    for (heads, cell) in columns(group[0].unit) {
        add(&heads, &cell);
    }

    let letters = |cell: &String| cell.chars().count();
    let mut widths: Vec<usize> =
        (0..table[0].len()).map(|i| table.iter().map(|row| letters(&row[i])).max().unwrap_or(0)).collect();
    let others: usize = widths[1..].iter().map(|width| width + GAP).sum();
    widths[0] = widths[0].min(WIDEST.saturating_sub(others));
    let mut lines = vec![title(group)];
    for row in &table {
        let mut line = String::new();
        for (i, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            // Names are left-aligned, values right-aligned.
            line += &match i {
                0 => format!("{:<width$}", cut(cell, width)),
                1 => format!("{:GAP$}{cell:<width$}", ""),
                _ => format!("{:GAP$}{cell:>width$}", ""),
            };
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.extend(judged(group, widths[0]));
    for one in group {
        lines.extend(one.notes.iter().map(|note| format!("{}: {note}", one.name)));
    }
    lines
}

/// What the judge says about the samples of runs, and about real images; empty if it judged none.
fn judged(group: &[&Measured], width: usize) -> Vec<String> {
    let all = || group.iter().filter_map(|one| Some((one, one.measures.judged.as_ref()?)));
    let Some((_, Judged { samples, real, chance })) = all().next() else { return Vec::new() };
    let real_images = format!("{} real images", real.n);
    let width = width.max(real_images.chars().count());
    let line = |name: &str, cells: [String; 4]| {
        let [sure, distance, frechet, bursts] = cells;
        format!("{:<width$}  {sure:>8}  {distance:>14}  {frechet:>16}  {bursts:>15}", cut(name, width))
    };
    let figures = |report: &Report| {
        let Report { sure, class_distance, frechet, bursts, .. } = report;
        [three_digits(100.0 * sure), format!("{class_distance:.3}"), three_digits(*frechet), format!("{bursts:.1}")]
    };
    let heads = ["sure (%)", "class distance", "Fréchet distance", "bursts in 1,000"].map(str::to_owned);
    let mut lines = vec![
        String::new(),
        format!("{} samples of each run, judged; by chance the class distance is {chance:.3}", samples.n),
        line("run", heads),
    ];
    lines.extend(all().map(|(one, judged)| line(&one.name, figures(&judged.samples))));
    lines.push(line(&real_images, figures(real)));
    lines
}

/// The same measurements as panels.
pub fn panels(group: &[&Measured]) -> Group {
    let panel = |title: String, log: bool, mark: &dyn Fn(&Measured) -> Option<Mark>| Panel {
        title,
        log,
        marks: group.iter().map(|one| mark(one)).collect(),
    };
    let plain = |value: f64, text: String| Mark { value, spread: 0.0, second: None, text };
    let time = |ms: Option<f64>| ms.map(|ms| plain(ms, three_digits(ms)));
    let measure = match group[0].unit {
        "nats" => "−log p, nats ± s.e.",
        "bits/dim" => "bits/dim ± s.e.",
        _ => "−log p, nats a step ± s.e.",
    };
    let panels = vec![
        panel(measure.to_owned(), false, &|one| {
            let spread = one.measures.loss_error.unwrap_or(0.0);
            Some(Mark { spread, ..plain(one.measures.loss?, loss(one, 3)?) })
        }),
        panel("parameters".to_owned(), true, &|one| {
            let count = one.measures.parameters? as f64;
            Some(plain(count, rounded(count)))
        }),
        panel("training, minutes".to_owned(), true, &|one| Some(plain(one.training?.seconds / 60.0, minutes(one)?))),
        panel("time per sample, ms".to_owned(), true, &|one| time(one.measures.sample_ms)),
        panel("time per density, ms".to_owned(), true, &|one| time(one.measures.density_ms)),
        panel("|x′ − x|: ● max, ○ rms".to_owned(), true, &|one| {
            let found = one.measures.round_trip?;
            let mark = plain(found.max_abs, format!("{}, {}", error(found.max_abs), error(found.rms)));
            Some(Mark { second: Some(found.rms), ..mark })
        }),
    ];
    let names = group.iter().map(|one| [one.name.clone(), one.model.to_owned()]).collect();
    Group { title: title(group), names, panels }
}
