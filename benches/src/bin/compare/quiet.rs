//! Whether the machine is ours.
//!
//! Libraries suffer differently from other work beside them. OpenMP's threads spin where they wait
//! for each other, so that a millisecond's work in PyTorch takes whole time slices of the scheduler,
//! ten or twenty times as long; a thread pool that steals work hardly notices. On a busy machine the
//! ratios therefore say nothing, and err in our favor.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

/// More than this share of the machine in other hands, and ratios do not count.
const TOLERATED: f64 = 0.05;

const WATCH: Duration = Duration::from_millis(400);

/// The share of the machine's time that goes to others, seen while this program and its peers
/// rest. `None` where the system does not tell.
pub(crate) fn taken_by_others() -> Option<f64> {
    let (busy, total) = cpu_times()?;
    sleep(WATCH);
    let (busy_after, total_after) = cpu_times()?;
    let passed = total_after.saturating_sub(total);
    (passed > 0).then(|| busy_after.saturating_sub(busy) as f64 / passed as f64)
}

/// What the table's reader has to know, from the largest share seen.
pub(crate) fn verdict(taken: Option<f64>) -> String {
    match taken {
        None => "Whether the machine was otherwise idle is not known.".to_owned(),
        Some(share) if share <= TOLERATED => format!("Other work took at most {:.0}% of the machine.", 100.0 * share),
        Some(share) => format!(
            "**Not to be quoted: other work took up to {:.0}% of the machine, which slows OpenMP's libraries most.**",
            100.0 * share
        ),
    }
}

/// Time that the processors spent on something, and on anything or nothing, in ticks.
fn cpu_times() -> Option<(u64, u64)> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let all = stat.lines().next()?.strip_prefix("cpu ")?;
    // user, nice, system, idle, waiting for devices, two kinds of interrupts, and taken by the host
    let ticks: Vec<u64> = all.split_whitespace().take(8).map(|field| field.parse().ok()).collect::<Option<_>>()?;
    let idle = ticks.get(3)? + ticks.get(4)?;
    let total = ticks.iter().sum::<u64>();
    Some((total - idle, total))
}
