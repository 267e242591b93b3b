//! The program. What it does is in `commands/`, one subcommand a file.

use clap::Parser as _;
use std::process::ExitCode;
use zoo::commands::{self, Cli, Output};
use zoo::stderr;

fn main() -> ExitCode {
    match commands::run(Cli::parse(), &mut Output::new(&mut std::io::stdout())) {
        Ok(code) => code,
        Err(error) => {
            // One line, whatever the causes: outermost first.
            stderr::print_line(format_args!("zoo: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
