//! The program. Its subcommands are in `commands/`, one per file.

use std::process::ExitCode;
use zoo::commands::{self, Cli, Output};
use zoo::stderr;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    let cli = match Cli::read(&words) {
        Ok(cli) => cli,
        Err(unread) => return unread.report(),
    };
    match commands::run(cli, &mut Output::new(&mut std::io::stdout())) {
        Ok(code) => code,
        Err(error) => {
            stderr::print_error(&error);
            ExitCode::FAILURE
        }
    }
}
