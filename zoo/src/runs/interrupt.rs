//! Ctrl-C and termination signals, as requests to finish cleanly.

use crate::stderr;
use anyhow::{Context as _, Result};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// A second signal within this time is the same one, sent both to the process and to its group.
const SAME: Duration = Duration::from_secs(1);

/// From now on an interrupt only sets a flag. A second one ends the program.
pub fn listen() -> Result<()> {
    static LISTENING: OnceLock<()> = OnceLock::new();
    if LISTENING.set(()).is_err() {
        return Ok(());
    }
    let mut first: Option<Instant> = None;
    ctrlc::set_handler(move || {
        REQUESTED.store(true, Ordering::SeqCst);
        match first {
            #[expect(clippy::exit, reason = "a second interrupt asks for just that")]
            Some(first) if first.elapsed() > SAME => std::process::exit(EXIT_CODE),
            Some(_) => return,
            None => first = Some(Instant::now()),
        }
        // After the terminal's own ^C.
        stderr::print_line(format_args!(""));
        stderr::print_line(format_args!(
            "finishing this step, then saving … (interrupt again to stop at once and lose the steps since the last save)"
        ));
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether an interrupt was requested.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// The work was given up because an interrupt was requested. That is no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Fails if an interrupt was requested. What takes long calls it about once a second.
pub fn check() -> Result<(), Interrupted> {
    if CHECKS.fetch_add(1, Ordering::SeqCst) + 1 == PLANNED.load(Ordering::SeqCst) {
        REQUESTED.store(true, Ordering::SeqCst);
    }
    if requested() { Err(Interrupted) } else { Ok(()) }
}

static CHECKS: AtomicU64 = AtomicU64::new(0);
static PLANNED: AtomicU64 = AtomicU64::new(0);

/// How often [`check`] was called.
pub fn checks() -> u64 {
    CHECKS.load(Ordering::SeqCst)
}

/// Takes an earlier request back, and requests an interrupt at a coming call of [`check`], counted as by [`checks`]. For
/// tests: a user can interrupt at any moment.
pub fn plan(check: Option<u64>) {
    REQUESTED.store(false, Ordering::SeqCst);
    PLANNED.store(check.unwrap_or(0), Ordering::SeqCst);
}

/// The exit code of an interrupted program: 128 + SIGINT.
pub const EXIT_CODE: i32 = 130;
