//! Whether the machine is idle apart from this program.
//!
//! Other work slows libraries down by different amounts. OpenMP threads spin while they wait for each other, so a
//! millisecond of work in PyTorch can take whole time slices of the scheduler, ten or twenty times as long. A
//! work-stealing thread pool hardly notices. On a busy machine the ratios are therefore meaningless, and biased in our
//! favor.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

/// If other processes take more than this share of the machine, the ratios do not count.
const TOLERATED: f64 = 0.05;

const WATCH: Duration = Duration::from_millis(400);

/// The share of processor time that other processes take, measured while this program and its peers are idle. `None`
/// if the system does not report it.
pub(crate) fn taken_by_others() -> Option<f64> {
    let (busy, total) = cpu_times()?;
    sleep(WATCH);
    let (busy_after, total_after) = cpu_times()?;
    let passed = total_after.saturating_sub(total);
    (passed > 0).then(|| busy_after.saturating_sub(busy) as f64 / passed as f64)
}

/// The sentence above the table, from the largest share seen.
pub(crate) fn verdict(taken: Option<f64>) -> String {
    match taken {
        None => "It is not known whether the machine was otherwise idle.".to_owned(),
        Some(share) if share <= TOLERATED => format!("Other work took at most {:.0}% of the machine.", 100.0 * share),
        Some(share) => format!(
            "**Do not quote these ratios: other work took up to {:.0}% of the machine, which slows libraries on OpenMP most.**",
            100.0 * share
        ),
    }
}

/// Busy time and total time of all processors since boot, in ticks.
fn cpu_times() -> Option<(u64, u64)> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let all = stat.lines().next()?.strip_prefix("cpu ")?;
    // user, nice, system, idle, iowait, irq, softirq, steal
    let ticks: Vec<u64> = all.split_whitespace().take(8).map(|field| field.parse().ok()).collect::<Option<_>>()?;
    let idle = ticks.get(3)? + ticks.get(4)?;
    let total = ticks.iter().sum::<u64>();
    Some((total - idle, total))
}
