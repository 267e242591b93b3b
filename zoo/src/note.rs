//! What is told on standard error while something is made.

use std::io::Write as _;

/// A line on standard error. A closed one is no reason not to go on.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
