//! CSV files: with or without a header, separated by commas, semicolons or tabs, perhaps gzipped.
//!
//! A value that is not a finite number is an error, with its line and column. Replacing it by a guess would
//! teach the model something that is not in the data.

use super::{Table, gzip, shortened};
use crate::runs::files;
use crate::runs::memory::{self, Bytes};
use ::csv::{ByteRecord, ErrorKind, ReaderBuilder};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

const FILL_IN: &str = "remove or fill in such rows before loading";

/// The longest row in bytes: room for a million columns. A longer one is not a row of numbers.
const LONGEST: usize = 16 << 20;

/// Reads a table from a CSV file, gzipped or not. Neither the file nor its text is ever in memory as a whole.
pub fn read(path: &Path) -> Result<Table> {
    let (file, _) = files::open(path)?;
    rows(BufReader::new(file), memory::for_data()).with_context(|| path.display().to_string())
}

/// Parses the bytes of a CSV file, gzipped or not. The path is for error messages.
///
/// Columns are separated by tabs if the first line has any, else by semicolons, else by commas.
/// The first line is a header if none of its fields is a number. Empty lines and lines that
/// start with `#` are skipped.
pub fn parse(file: &[u8], path: &Path) -> Result<Table> {
    rows(file, memory::for_data()).with_context(|| path.display().to_string())
}

/// The rows of a file, whose entries may take `most` bytes.
fn rows(file: impl BufRead, most: u64) -> Result<Table> {
    let mut text = gzip::unpacked(file)?;
    let start = start(&mut text)?;
    let delimiter = delimiter(&start);
    let since = Cell::new(0);
    // With a line end at its end, a comment in the last line is one like any other.
    let text = RowByRow { text: Cursor::new(start).chain(text).chain(&b"\n"[..]), since: &since };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .from_reader(text);
    let mut record = ByteRecord::new();
    let (mut rows, mut cols) = (0, None);
    let mut values: Vec<f64> = Vec::new();
    while reader.read_byte_record(&mut record).map_err(cause)? {
        since.set(0);
        // A line of white space. The reader skips empty lines; a quoted empty field is a missing value instead.
        let is_blank = record.len() == 1 && !record[0].is_empty() && record[0].trim_ascii().is_empty();
        if is_blank {
            continue;
        }
        record.trim();
        let line = record.position().map_or(0, ::csv::Position::line);
        let place = |column: usize| format!("line {line}, column {}", column + 1);
        let cols = match cols {
            Some(cols) => cols,
            None => {
                cols = Some(record.len());
                if record.iter().all(|field| !numbers(field)) && !record.iter().all(<[u8]>::is_empty) {
                    ensure!(
                        !record[0].is_empty(),
                        "{}: the header is empty here; name that column, or leave it out if it only numbers the rows (pandas: index=False)",
                        place(0)
                    );
                    continue;
                }
                record.len()
            }
        };
        ensure!(
            record.len() == cols,
            "{}: the line has {} fields and the first line {cols}; give every line the same number of columns",
            place(record.len().min(cols)),
            record.len()
        );
        let needed = (values.len() + cols) * size_of::<f64>();
        ensure!(
            needed as u64 <= most && values.try_reserve(cols).is_ok(),
            "line {line}: its numbers up to here take {}, the most that a table may; use fewer rows or columns, or raise --memory",
            Bytes(needed as f64)
        );
        for (j, field) in record.iter().enumerate() {
            values.push(finite(field).with_context(|| place(j))?);
        }
        rows += 1;
    }
    ensure!(rows > 0, "it holds no rows; choose a file that has rows of numbers");
    Table::new(rows, cols.unwrap_or(0), values)
}

/// Why the text cannot be read, in one line.
fn cause(error: ::csv::Error) -> anyhow::Error {
    match error.into_kind() {
        ErrorKind::Io(why) => why.into(),
        other => anyhow!("{other:?}; save it as plain CSV"),
    }
}

/// Reads text, and refuses a row that never ends before it fills the memory.
struct RowByRow<'a, R> {
    text: R,
    /// The bytes read since the end of the last row, or a little more.
    since: &'a Cell<usize>,
}

impl<R: Read> Read for RowByRow<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.since.get() > LONGEST {
            let longest = Bytes(LONGEST as f64);
            return Err(io::Error::other(format!("a row does not end within {longest}; save it as plain CSV")));
        }
        let read = self.text.read(into)?;
        self.since.set(self.since.get() + read);
        Ok(read)
    }
}

/// The beginning of the text, up to the end of the first line that is neither empty nor a comment.
fn start(text: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    loop {
        let before = start.len();
        let left = (LONGEST + 1 - before) as u64;
        let read = text.by_ref().take(left).read_until(b'\n', &mut start)?;
        if read == 0 || counts(&start[before..]) {
            return Ok(start);
        }
    }
}

/// Whether a line is neither empty nor a comment.
fn counts(line: &[u8]) -> bool {
    !line.trim_ascii().is_empty() && !line.starts_with(b"#")
}

/// The delimiter of the first line that is neither empty nor a comment. Quoted characters do not count.
fn delimiter(text: &[u8]) -> u8 {
    let mut lines = text.split(|&byte| byte == b'\n' || byte == b'\r').filter(|line| counts(line));
    let line = lines.next().unwrap_or_default();
    // Every second piece between quotes is quoted.
    let outside = || line.split(|&byte| byte == b'"').step_by(2);
    let found = [b'\t', b';'].into_iter().find(|mark| outside().any(|piece| piece.contains(mark)));
    found.unwrap_or(b',')
}

fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// Whether a field is one number, or several separated by spaces, which is not a header either.
fn numbers(field: &[u8]) -> bool {
    let mut words = field.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).peekable();
    words.peek().is_some() && words.all(|word| number(word).is_some())
}

fn finite(field: &[u8]) -> Result<f64> {
    let text = String::from_utf8_lossy(field);
    let text = shortened(&text);
    match number(field) {
        Some(value) if value.is_finite() => Ok(value),
        Some(_) if field.iter().any(u8::is_ascii_digit) => {
            bail!("{text} is too large for 64 bits; rescale that column")
        }
        Some(_) => bail!("{text} is not a finite number; {FILL_IN}"),
        None if field.is_empty() => bail!("the field is empty; {FILL_IN}"),
        None => bail!(
            "{text:?} is not a number; numbers look like -1.5e3, with a decimal point, between commas, semicolons or tabs"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::gzip::tests::pack;
    use super::super::tests::assert_message;
    use super::*;
    use proptest::prelude::*;

    fn read_text(text: &str) -> Result<Table> {
        parse(text.as_bytes(), Path::new("some.csv"))
    }

    fn refused(text: &str, parts: &[&str]) {
        assert_message(&read_text(text).unwrap_err(), &[parts, &["some.csv"]].concat());
    }

    #[test]
    fn separators_headers_and_line_ends() {
        let expected = Table::new(2, 2, vec![1.0, -2.5, 300.0, 4.0]).unwrap();
        for text in [
            "1,-2.5\n3e2,4\n",
            "1;-2.5\r\n3e2;4",
            "a\tb\n1\t-2.5\n3e2\t4\n",
            "\u{feff}a,b\n1,-2.5\n\n3e2,4\n\n",
            "# made today; by hand\n\"a;b\", c\n\"1\" , -2.5\n3e2,4",
            "1,-2.5\n   \n3e2,4\n# the end",
            "\r\n\r\n1,-2.5\r\n3e2,4\r\n",
        ] {
            assert_eq!(read_text(text).unwrap(), expected, "{text:?}");
        }
        assert_eq!(read_text("x\n1\n2\n3").unwrap().rows, 3);
        assert_eq!(read_text("5").unwrap().values, [5.0]);
    }

    #[test]
    fn errors_have_line_and_column() {
        refused("1\n\"\"\n", &["line 2", "column 1", "empty"]);
        refused("1;2\n1,5;2\n", &["line 2", "column 1", "1,5", "with a decimal point"]);
        refused("1 2\n3 4\n5,6", &["line 1", "column 1", "\"1 2\" is not a number", "between commas"]);
    }

    #[test]
    fn a_first_line_with_some_numbers_is_not_a_header() {
        refused("1,abc\n2,3\n", &["line 1", "column 2", "abc"]);
        refused("a,b,c\n1,2\n", &["line 2", "first line 3"]);
    }

    #[test]
    fn a_pandas_index_is_not_mistaken_for_data() {
        refused(",a,b\n0,1,2\n1,3,4\n", &["line 1", "column 1", "index=False"]);
    }

    #[test]
    fn messages_shorten_and_escape_fields() {
        let text = format!("1\n\u{1b}[31m{}\n", "y".repeat(1_000));
        let message = read_text(&text).unwrap_err().to_string();
        assert!(message.len() < 250 && !message.contains('\u{1b}'), "{message}");
    }

    #[test]
    fn tables_beyond_the_limit_and_endless_rows_are_refused() {
        let limited = |text: &str, most| rows(text.as_bytes(), most);
        assert_eq!(limited("a,b\n1,2\n3,4\n", 32).unwrap().rows, 2);
        assert_message(&limited("a,b\n1,2\n3,4\n", 31).unwrap_err(), &["line 3: ", "fewer rows", "--memory"]);
        // Endless text of each kind. If it were read to its end, this test would never end.
        for endless in [b' ', b'0', b',', b'"', b'#', b'\n'] {
            let error = rows(BufReader::new(io::repeat(endless)), u64::MAX).unwrap_err();
            assert_message(&error, &["a row does not end within 16.8 MB"]);
        }
    }

    #[test]
    fn gzip_is_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv.gz");
        std::fs::write(&path, pack(b"1,2\n3,4\n")).unwrap();
        assert_eq!(read(&path).unwrap().values, [1.0, 2.0, 3.0, 4.0]);
    }

    proptest! {
        #[test]
        fn numbers_survive_a_round_trip(values in prop::collection::vec(-1e300f64..1e300, 1..40)) {
            let text: String = values.iter().map(|v| format!("{v},{}\n", -v)).collect();
            let table = read_text(&text).unwrap();
            let pairs: Vec<f64> = values.iter().flat_map(|&v| [v, -v]).collect();
            prop_assert_eq!(table.values, pairs);
        }

        #[test]
        fn no_text_causes_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes, Path::new("x"));
        }
    }
}
