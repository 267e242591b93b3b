//! Where a command writes its results.

use anyhow::{Context as _, Result};
use serde::Serialize;
use std::fmt::{self, Arguments};
use std::io::{ErrorKind, Write};

/// A command's results go here, through `writeln!`: to standard output, or to memory when a lecture runs the command.
pub struct Output<'a> {
    writer: &'a mut (dyn Write + Send),
}

impl<'a> Output<'a> {
    /// Output to a writer.
    pub fn new(writer: &'a mut (dyn Write + Send)) -> Self {
        Self { writer }
    }

    /// What `write!` and `writeln!` call. A closed pipe (`zoo list | head`) is not an error.
    /// Fails if the text cannot be written for another reason, such as a full disk.
    pub fn write_fmt(&mut self, text: Arguments<'_>) -> Result<()> {
        match self.writer.write_fmt(text) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).context("cannot write to standard output: redirect it to another place")
            }
            _ => Ok(()),
        }
    }

    /// Writes a value as indented JSON.
    pub fn json(&mut self, value: &impl Serialize) -> Result<()> {
        writeln!(self, "{}", serde_json::to_string_pretty(value)?)
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}
