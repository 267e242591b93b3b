//! The Markdown table.

use benches::Workload;
use benches::times::Times;
use std::fmt::Write;

/// Our times at one workload, and those of at most one peer.
pub(crate) struct Row {
    pub(crate) workload: &'static Workload,
    pub(crate) ours: Times,
    /// The peer's name and its times.
    pub(crate) theirs: Option<(&'static str, Times)>,
    /// GFLOP/s of the best large matrix product in the same rounds.
    pub(crate) peak: Option<f64>,
}

/// GFLOP/s of `flops` floating-point operations in `milliseconds`.
pub(crate) fn gigaflops(flops: f64, milliseconds: f64) -> f64 {
    flops / milliseconds / 1e6
}

/// The rows as a Markdown table.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut out = "| workload | ours | peer | theirs | ours / theirs | GFLOP/s | GEMM peak | of peak |\n".to_owned();
    out.push_str("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |\n");
    for Row { workload, ours, theirs, peak } in rows {
        let (lib, times) = theirs.as_ref().map_or(("–", None), |(lib, times)| (lib, Some(times)));
        let ratio = times.and_then(Times::median).zip(ours.median()).map(|(theirs, ours)| ours / theirs);
        let rate = workload.flops.zip(ours.median()).map(|(flops, ms)| gigaflops(flops, ms));
        let share = rate.zip(*peak).map(|(rate, peak)| 100.0 * rate / peak);
        let cells = [
            workload.name.to_owned(),
            milliseconds(Some(ours)),
            lib.to_owned(),
            milliseconds(times),
            cell(ratio, |ratio| format!("{ratio:.2}")),
            cell(rate, |rate| format!("{rate:.1}")),
            cell(*peak, |peak| format!("{peak:.1}")),
            cell(share, |share| format!("{share:.0}%")),
        ];
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

fn cell(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), show)
}

/// Median and minimum, with three or four digits.
fn milliseconds(times: Option<&Times>) -> String {
    let digits = |ms: f64| if ms < 10.0 { format!("{ms:.2}") } else { format!("{ms:.1}") };
    let times = times.and_then(|times| Some((times.median()?, times.min()?)));
    times.map_or_else(|| "–".to_owned(), |(median, min)| format!("{} ({})", digits(median), digits(min)))
}
