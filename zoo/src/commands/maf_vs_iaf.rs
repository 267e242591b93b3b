//! `zoo maf-vs-iaf`: how long MAF and IAF take to sample, to compute a density, and to train.

use super::prelude::*;
use crate::measure::maf_vs_iaf::{Sizes, Times, measure};
use crate::measure::timing::three_digits;
use crate::text::counted;

/// Time sampling, density, and training of MAF and IAF as the dimension grows
///
/// The models are untrained and have no normalization layers. A training step is the log-likelihood of a batch, its
/// gradients, and Adam's update. Each time is a median over several batches, after a
/// warm-up, in microseconds per row.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: zoo maf-vs-iaf --dims 2,32,512")]
pub(super) struct Args {
    /// Dimensions D to measure
    #[arg(long, value_name = "D,…", value_delimiter = ',', default_value = "2,8,32,128,512,784,3072",
        value_parser = whole(1..=8192))]
    dims: Vec<usize>,
    /// Units in each network's hidden layer
    #[arg(long, value_name = "N", default_value = "1024", value_parser = whole(1..=8192))]
    hidden: usize,
    /// Number of autoregressive layers
    #[arg(long, value_name = "N", default_value = "1", value_parser = whole(1..=20))]
    layers: usize,
    /// Rows per batch
    #[arg(long, value_name = "N", default_value = "100", value_parser = whole(1..=10_000))]
    rows: usize,
    /// Also time naive sampling, with D passes of the whole network, up to this D
    #[arg(long, value_name = "D", default_value = "784")]
    naive_up_to: usize,
    /// The picture
    #[arg(long, value_name = "FILE.svg", default_value = "maf-vs-iaf.svg")]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

/// A curve: its names in the table and in the plot, its times, and whether it is IAF's.
type Curve = ([&'static str; 2], fn(&Times) -> Option<f64>, bool);

/// The curves, in the order of the table's columns: those of the left plot, and those of the right.
const CURVES: [Curve; 7] = [
    (["MAF density", "MAF density, one pass"], |times| Some(times.maf_density), false),
    (["MAF sample", "MAF sample, in order"], |times| Some(times.maf_sample), false),
    (["IAF sample", "IAF sample, one pass"], |times| Some(times.iaf_sample), true),
    (["IAF density", "IAF density, in order"], |times| Some(times.iaf_density), true),
    (["by D passes", "MAF sample by D passes"], |times| times.by_passes, false),
    (["MAF step", "MAF training step"], |times| Some(times.maf_step), false),
    (["IAF step", "IAF training step"], |times| Some(times.iaf_step), true),
];

/// How many of them are in the left plot.
const LEFT: usize = 5;

pub(super) fn run(args: &Args, out: &mut Output<'_>) -> Result<()> {
    require_extension(Some(&args.out), "svg")?;
    // Before the minutes of measuring.
    check_place(&args.out)?;
    let mut dims = args.dims.clone();
    dims.sort_unstable();
    dims.dedup();
    let sizes = Sizes { hidden: args.hidden, layers: args.layers, rows: args.rows };
    let threads = args.threads.count();
    let caption = caption(&sizes, threads);

    if !args.json {
        let names = CURVES.map(|([name, _], ..)| format!("{name:>14}")).join("");
        writeln!(out, "Microseconds per row: {caption}")?;
        writeln!(out, "{:>6}{names}", "D")?;
    }
    let mut all = Vec::new();
    for dims in dims {
        let times = args.threads.run(|| measure(dims, &sizes, dims <= args.naive_up_to))?;
        if !args.json {
            let cells = CURVES.map(|(_, time, _)| format!("{:>14}", time(&times).map_or("-".to_owned(), three_digits)));
            writeln!(out, "{dims:>6}{}", cells.join(""))?;
        }
        all.push(times);
    }

    let series = CURVES.map(|([_, name], time, dashed)| Series {
        name: name.to_owned(),
        points: all.iter().filter_map(|times| Some((times.dims as f64, time(times)?))).collect(),
        dashed,
    });
    let labels = |title: &str| Labels {
        title: title.to_owned(),
        note: caption.clone(),
        x: "dimensions D".to_owned(),
        y: "time per row (µs)".to_owned(),
        log_x: true,
        log_y: true,
    };
    let (left, right) = series.split_at(LEFT);
    let titles = ["MAF has fast densities, IAF fast samples", "Both learn from data"].map(labels);
    curve::draw_all(&[(left, &titles[0]), (right, &titles[1])])?.save(&args.out)?;
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
        writeln!(out, "{}: the same, plotted", args.out.display())?;
    }
    Ok(())
}

/// What is measured, in words.
fn caption(sizes: &Sizes, threads: usize) -> String {
    format!(
        "batches of {}, {} of {}, {}, f32",
        counted(sizes.rows, "row"),
        counted(sizes.layers, "layer"),
        counted(sizes.hidden, "hidden unit"),
        counted(threads, "thread")
    )
}
