//! Ctrl-C and termination: a request to finish cleanly.

use anyhow::{Context as _, Result};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// A second signal so soon after the first is the same one, sent to a process and to its group.
const SAME: Duration = Duration::from_secs(1);

/// From now on an interrupt only raises a flag; a second one ends the program at once.
///
/// # Errors
/// If the system refuses the handler.
pub fn listen() -> Result<()> {
    static LISTENING: OnceLock<()> = OnceLock::new();
    if LISTENING.set(()).is_err() {
        return Ok(());
    }
    let mut first: Option<Instant> = None;
    ctrlc::set_handler(move || {
        REQUESTED.store(true, Ordering::SeqCst);
        match first {
            Some(first) if first.elapsed() > SAME => end(EXIT_CODE),
            Some(_) => return,
            None => first = Some(Instant::now()),
        }
        let notice =
            "finishing this step, then saving … (once more to stop at once, losing what came after the last save)";
        let _ = writeln!(std::io::stderr(), "\n{notice}");
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether somebody asked to stop.
#[must_use]
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// What a program that was interrupted ends with: 128 + SIGINT, as shells have it.
pub const EXIT_CODE: i32 = 130;

#[expect(clippy::exit, reason = "a second interrupt asks for just that")]
fn end(code: i32) -> ! {
    std::process::exit(code)
}
