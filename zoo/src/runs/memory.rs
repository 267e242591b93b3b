//! How much memory the program may use. What needs more is refused before it is allocated, in one line.
//!
//! A file of a few bytes may promise terabytes, and a few words on the command line may ask for them. An allocation that
//! fails would end the program, and one that succeeds may end others.

use anyhow::{Result, bail};
use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

/// What `--memory` asked for, in bytes; 0 if it was not given.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// The most that the values of one data set take, unless `--memory` is given.
const DATA: u64 = 2_000_000_000;
/// What is assumed to be free where the system does not say.
const UNKNOWN: u64 = 16_000_000_000;

/// Sets the limit that the user asked for, in bytes.
pub fn set_limit(bytes: u64) {
    ASKED.store(bytes, Ordering::Relaxed);
}

/// The bytes that the program may use: what the user asked for, or else four fifths of what is free now.
pub fn limit() -> u64 {
    match ASKED.load(Ordering::Relaxed) {
        0 => free().unwrap_or(UNKNOWN) / 5 * 4,
        asked => asked,
    }
}

/// The bytes that the values of a data set may take: half of [`limit`], because there are copies for a while; at most
/// 2 GB unless the user asked for a limit.
pub fn for_data() -> u64 {
    match ASKED.load(Ordering::Relaxed) {
        0 => (limit() / 2).min(DATA),
        asked => asked / 2,
    }
}

/// Refuses what needs more than [`limit`]. The advice says what to do, other than to raise the limit.
pub fn require(bytes: f64, what: &dyn fmt::Display, advice: &str) -> Result<()> {
    let limit = limit();
    if bytes > limit as f64 {
        let (needed, limit) = (Bytes(bytes), Bytes(limit as f64));
        bail!("{what} needs about {needed} of memory, and {limit} may be used: {advice}, or raise --memory");
    }
    Ok(())
}

/// Bytes in words, as in "1.5 GB".
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub f64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scale, unit) = match self.0 {
            ..1e6 => (1e3, "kB"),
            ..1e9 => (1e6, "MB"),
            ..1e12 => (1e9, "GB"),
            _ => (1e12, "TB"),
        };
        write!(f, "{:.1} {unit}", self.0 / scale)
    }
}

/// The memory that is free for this process, in bytes: what the machine has, and what limits on the process and its
/// group leave. None where the system does not say.
fn free() -> Option<u64> {
    let machine = field(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:").map(|kib| kib * 1024);
    let space = fs::read_to_string("/proc/self/limits").ok().and_then(|text| field(&text, "Max address space"));
    let number = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok()?.trim().parse().ok();
    let group = number("max").zip(number("current")).map(|(most, now): (u64, u64)| most.saturating_sub(now));
    [machine, space, group].into_iter().flatten().min()
}

/// The first number after a name.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_more_than_there_is_is_refused() {
        assert!(require(1e3, &"a small thing", "").is_ok());
        let error = require(1e15, &"a model", "take a smaller one").unwrap_err().to_string();
        assert!(
            error.contains("a model needs about 1000.0 TB of memory, and ") && error.contains(" --memory"),
            "{error}"
        );
        assert!(for_data() <= DATA && for_data() <= limit());
    }

    #[test]
    fn fields_are_found_by_name() {
        let text = "MemTotal:  9 kB\nMemAvailable:   123 kB\nMax address space  unlimited  unlimited  bytes\n";
        assert_eq!(field(text, "MemAvailable:"), Some(123));
        assert_eq!((field(text, "Max address space"), field(text, "MemFree:")), (None, None));
    }
}
