//! Where a command writes its results.

use crate::text;
use anyhow::{Context as _, Result};
use serde::Serialize;
use std::fmt::{self, Arguments};
use std::io::{ErrorKind, Write};

/// A command's results go here, through `writeln!`: to standard output, or to memory when a lecture runs the command.
///
/// A closed pipe (`zoo list | head`) is not an error: the command goes on, prints nothing more, and succeeds.
pub struct Output<'a> {
    writer: &'a mut (dyn Write + Send),
}

impl<'a> Output<'a> {
    /// Output to a writer.
    pub fn new(writer: &'a mut (dyn Write + Send)) -> Self {
        Self { writer }
    }

    /// What `writeln!` calls: writes one line, whatever is in it. What a terminal would obey is escaped.
    /// Fails if it cannot be written, because the disk is full, say.
    pub fn write_fmt(&mut self, line: Arguments<'_>) -> Result<()> {
        let line = line.to_string();
        self.write(&(text::one_line(line.strip_suffix('\n').unwrap_or(&line)) + "\n"))
    }

    /// Writes a value as indented JSON.
    pub fn json(&mut self, value: &impl Serialize) -> Result<()> {
        self.write(&(text::json(value)? + "\n"))
    }

    /// Writes a picture made of characters and colors, as it is.
    pub fn picture(&mut self, picture: &str) -> Result<()> {
        self.write(picture)
    }

    fn write(&mut self, text: &str) -> Result<()> {
        match self.writer.write_all(text.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).context("cannot write to standard output: redirect it to another place")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        let mut written = Vec::new();
        let mut out = Output::new(&mut written);
        for name in ["name\n\x1b]0;title\x07", "ends in a line feed\n"] {
            writeln!(out, "{name}").unwrap();
        }
        out.json(&["a\u{9b}b"]).unwrap();
        out.picture("\x1b[0m▀\n").unwrap();
        let expected = "name\\n\\u{1b}]0;title\\u{7}\nends in a line feed\\n\n[\n  \"a\\u009bb\"\n]\n\x1b[0m▀\n";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}
