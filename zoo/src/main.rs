//! The program. What it does is in `commands/`, one subcommand a file.

use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;
use zoo::commands::{self, Cli};

fn main() -> ExitCode {
    match commands::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            // One line, whatever the causes: outermost first.
            let _ = writeln!(std::io::stderr(), "zoo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
