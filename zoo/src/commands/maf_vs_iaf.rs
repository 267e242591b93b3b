//! `zoo maf-vs-iaf`: what MAF and IAF gain and lose, in microseconds.

use super::{Output, require_ending, threads};
use crate::measure::maf_vs_iaf::{Sizes, Times, measure};
use crate::pictures::curve::{self, Labels, Series};
use crate::runs::files::check_place;
use anyhow::Result;
use autograd::parallel;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to measure, and where to draw it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Numbers of dimensions
    #[arg(long, value_name = "D,…", value_delimiter = ',', default_value = "2,8,32,128,512,784,3072",
        value_parser = dims)]
    dims: Vec<usize>,
    /// Units in the hidden layer of each network
    #[arg(long, default_value = "1024", value_parser = clap::value_parser!(u16).range(1..=8192))]
    hidden: u16,
    /// Autoregressive layers
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u16).range(1..=20))]
    layers: u16,
    /// Rows in a batch
    #[arg(long, default_value = "100", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    rows: u16,
    /// The most dimensions at which D whole passes are measured too, as other libraries take them for a sample
    #[arg(long, value_name = "D", default_value = "784")]
    naive_up_to: usize,
    /// The picture
    #[arg(long, value_name = "FILE.svg", default_value = "maf-vs-iaf.svg")]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Threads [default: all cores]
    #[arg(long, value_parser = super::thread_count)]
    threads: Option<usize>,
}

/// The most dimensions: a network's weights are their number times the hidden units'.
const MOST_DIMS: usize = 8192;

fn dims(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(dims @ 1..=MOST_DIMS) => Ok(dims),
        _ => Err(format!("{text:?} is not a number of dimensions between 1 and {MOST_DIMS}")),
    }
}

/// A curve: its name in the table and in the picture, its times, and whether it is of IAF.
type Curve = ([&'static str; 2], fn(&Times) -> Option<f64>, bool);

/// The curves, in the order of the table's columns.
const CURVES: [Curve; 5] = [
    (["MAF density", "MAF density, one pass"], |times| Some(times.maf_density), false),
    (["MAF sample", "MAF sample, in order"], |times| Some(times.maf_sample), false),
    (["IAF sample", "IAF sample, one pass"], |times| Some(times.iaf_sample), true),
    (["IAF density", "IAF density, in order"], |times| Some(times.iaf_density), true),
    (["by D passes", "MAF sample by D passes"], |times| times.by_passes, false),
];

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<ExitCode> {
    require_ending(Some(&args.out), "svg")?;
    // Before the minutes that it takes to fill it.
    check_place(&args.out)?;
    let mut dims = args.dims.clone();
    dims.sort_unstable();
    dims.dedup();
    let sizes = Sizes { hidden: args.hidden.into(), layers: args.layers.into(), rows: args.rows.into() };
    let threads = threads(args.threads);
    let caption = caption(&sizes, threads);

    if !args.json {
        let names = CURVES.map(|([name, _], ..)| format!("{name:>14}")).join("");
        writeln!(out, "Microseconds per row: {caption}")?;
        writeln!(out, "{:>6}{names}", "D")?;
    }
    let mut all = Vec::new();
    for dims in dims {
        let times = parallel::with_threads(threads, || measure(dims, &sizes, dims <= args.naive_up_to))?;
        if !args.json {
            let cells = CURVES.map(|(_, time, _)| format!("{:>14}", time(&times).map_or("-".to_owned(), number)));
            writeln!(out, "{dims:>6}{}", cells.join(""))?;
        }
        all.push(times);
    }

    let series = CURVES.map(|([_, name], time, dashed)| Series {
        name: name.to_owned(),
        points: all.iter().filter_map(|times| Some((times.dims as f64, time(times)?))).collect(),
        dashed,
    });
    let measured: Vec<Series> = series.into_iter().filter(|series| !series.points.is_empty()).collect();
    let labels = Labels {
        title: "The trade-off of autoregressive flows".to_owned(),
        note: caption,
        x: "dimensions D".to_owned(),
        y: "time per row (µs)".to_owned(),
        log_x: true,
        log_y: true,
    };
    curve::save(&args.out, &measured, &labels)?;
    if args.json {
        let Sizes { hidden, layers, rows } = sizes;
        let object = json!({
            "unit": "microseconds per row",
            "rows": rows,
            "layers": layers,
            "hidden": hidden,
            "threads": threads,
            "times": all,
            "picture": args.out,
        });
        out.json(&object)?;
    } else {
        writeln!(out, "{}: the same as curves", args.out.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is measured, in words.
fn caption(sizes: &Sizes, threads: usize) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    format!(
        "batches of {}, {} of {}, {}, f32",
        count(sizes.rows, "row"),
        count(sizes.layers, "layer"),
        count(sizes.hidden, "hidden unit"),
        count(threads, "thread")
    )
}

/// A time with three digits that count.
pub(super) fn number(time: f64) -> String {
    let decimals = 2i32.saturating_sub(time.log10().floor() as i32).clamp(0, 4) as usize;
    format!("{time:.decimals$}")
}
