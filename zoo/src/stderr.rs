//! Standard error: progress and warnings, while standard output holds only results.

use std::fmt::Arguments;
use std::io::Write as _;

/// Prints a line on standard error. A closed pipe is not an error.
pub fn print_line(line: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
