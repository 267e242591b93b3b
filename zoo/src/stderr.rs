//! Standard error: progress and warnings, while standard output holds only results.

use crate::text;
use std::fmt::Arguments;
use std::io::Write as _;

/// Prints one line on standard error, whatever is in it. A closed pipe is not an error.
pub fn print_line(line: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{}", text::message(line));
}

/// Prints an error on one line.
pub fn print_error(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr(), "zoo: {}", text::causes(error));
}
