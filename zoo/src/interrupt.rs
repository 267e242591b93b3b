//! Ctrl-C and termination: a request to finish cleanly.

use anyhow::{Context as _, Result};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From now on an interrupt only raises a flag; a second one ends the program at once.
///
/// # Errors
/// If the system refuses the handler.
pub fn listen() -> Result<()> {
    static LISTENING: OnceLock<()> = OnceLock::new();
    if LISTENING.set(()).is_err() {
        return Ok(());
    }
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::SeqCst) {
            end(EXIT_CODE);
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
