//! CSV as people have it: a header or none, commas, semicolons or tabs, perhaps gzipped.
//!
//! Whatever is not a finite number is an error with its line and column. Guessing would teach a
//! model something that is not in the data.

use std::borrow::Cow;
use std::path::Path;

use ::csv::{ByteRecord, ReaderBuilder, Trim};

use super::{DataError, Table, gzip, shortened};
use crate::runs::files;

const FILL_IN: &str = "remove or fill in such rows before loading";

/// Reads a table from a CSV file, gzipped or not: its first bytes tell, not its name.
pub fn read(path: &Path) -> Result<Table, DataError> {
    let bytes = files::read(path)?;
    if !gzip::is_gzip(&bytes) {
        return parse(&bytes, path);
    }
    let unpacked = gzip::unpack(&bytes, gzip::MOST).map_err(|e| {
        let remedy = "fetch the file again, it is incomplete or damaged";
        DataError::malformed(path, format!("gzip cannot unpack it: {e}"), remedy)
    })?;
    if unpacked.len() as u64 >= gzip::MOST {
        let problem = "there is more in it than is unpacked into memory";
        return Err(DataError::malformed(path, problem, "unpack the file first with gunzip"));
    }
    parse(&unpacked, path)
}

/// Understands the text of a CSV file; `path` is for messages only.
///
/// Columns are separated by tabs if the first line has any, else by semicolons, else by commas.
/// The first line is a header when none of its fields is a number. Empty lines and lines that
/// start with `#` are skipped.
pub fn parse(text: &[u8], path: &Path) -> Result<Table, DataError> {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .comment(Some(b'#'))
        .from_reader(text);
    let mut record = ByteRecord::new();
    let (mut rows, mut cols, mut first) = (0, 0, true);
    let mut values = Vec::new();
    loop {
        let more = reader
            .read_byte_record(&mut record)
            .map_err(|e| DataError::malformed(path, format!("it cannot be read: {e}"), "save it as plain CSV"))?;
        if !more {
            break;
        }
        if is_blank(text, &record) {
            continue;
        }
        let line = record.position().map_or(0, ::csv::Position::line);
        let cell = |column: usize, problem: String, remedy| DataError::Cell {
            path: path.to_owned(),
            place: format!("line {line}, column {}", column + 1),
            problem,
            remedy,
        };
        if first {
            first = false;
            cols = record.len();
            if record.iter().all(|field| !numbers(field)) && !all_blank(&record) {
                if record.get(0).is_some_and(<[u8]>::is_empty) {
                    let remedy = "name that column, or leave it out if it only numbers the rows (pandas: index=False)";
                    return Err(cell(0, "the header is empty here".into(), remedy));
                }
                continue;
            }
        }
        if record.len() != cols {
            let problem = format!("the line has {} fields and the first line {cols}", record.len());
            let remedy = "give every line the same number of columns";
            return Err(cell(record.len().min(cols), problem, remedy));
        }
        for (j, field) in record.iter().enumerate() {
            values.push(finite(field).map_err(|(problem, remedy)| cell(j, problem, remedy))?);
        }
        rows += 1;
    }
    if rows == 0 {
        let remedy = "choose a file that has rows of numbers";
        return Err(DataError::malformed(path, "it holds no rows", remedy));
    }
    Table::new(rows, cols, values)
}

/// Decides by the first line that is neither empty nor a comment, outside quotes.
fn delimiter(text: &[u8]) -> u8 {
    let lines = text.split(|&byte| byte == b'\n' || byte == b'\r');
    let mut lines = lines.filter(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"));
    let line = lines.next().unwrap_or_default();
    let mut quoted = false;
    let (mut tab, mut semicolon) = (false, false);
    for &byte in line {
        match byte {
            b'"' => quoted = !quoted,
            b'\t' if !quoted => tab = true,
            b';' if !quoted => semicolon = true,
            _ => {}
        }
    }
    match (tab, semicolon) {
        (true, _) => b'\t',
        (_, true) => b';',
        _ => b',',
    }
}

/// Whether a record is only white space, or a comment that ends the file without ending its line:
/// both reach us as one empty field. A quoted nothing (`""`) is neither: it is a missing value.
fn is_blank(text: &[u8], record: &ByteRecord) -> bool {
    if record.len() != 1 || !record[0].is_empty() {
        return false;
    }
    let start = record.position().map_or(0, ::csv::Position::byte);
    let rest = usize::try_from(start).ok().and_then(|at| text.get(at..));
    let line = rest.and_then(|rest| rest.split(|&byte| byte == b'\n').next());
    line.is_none_or(|line| line.trim_ascii().is_empty() || line.starts_with(b"#"))
}

fn all_blank(record: &ByteRecord) -> bool {
    record.iter().all(<[u8]>::is_empty)
}

fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// Whether a field is a number, or several between spaces, which is no header either.
fn numbers(field: &[u8]) -> bool {
    let mut words = field.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).peekable();
    words.peek().is_some() && words.all(|word| number(word).is_some())
}

fn finite(field: &[u8]) -> Result<f32, (String, &'static str)> {
    let text: Cow<'_, str> = String::from_utf8_lossy(field);
    match number(field) {
        Some(value) if value.is_finite() && (value as f32).is_finite() => Ok(value as f32),
        Some(value) if value.is_finite() => {
            Err((format!("{} is too large for 32 bits", shortened(&text)), "rescale that column"))
        }
        Some(_) => Err((format!("{} is no finite number", shortened(&text)), FILL_IN)),
        None if field.is_empty() => Err(("the field is empty".into(), FILL_IN)),
        None => Err((
            format!("{:?} is no number", shortened(&text)),
            "numbers look like -1.5e3, with a point, between commas, semicolons or tabs",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::tests::assert_message;
    use super::super::gzip::tests::pack;
    use super::*;
    use proptest::prelude::*;

    fn read_text(text: &str) -> Result<Table, DataError> {
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
    fn a_bad_cell_is_named_by_line_and_column() {
        refused("a,b\n1,2\n3,x\n", &["line 3", "column 2", "\"x\" is no number"]);
        refused("1,2\n3,\n", &["line 2", "column 2", "empty"]);
        refused("1\n\"\"\n", &["line 2", "column 1", "empty"]);
        refused("1,nan\n", &["line 1", "column 2", "nan is no finite"]);
        refused("1,2\n-inf,2\n", &["line 2", "column 1"]);
        refused("1,2\n1e39,2\n", &["line 2", "column 1", "too large"]);
        refused("1;2\n1,5;2\n", &["line 2", "column 1", "1,5", "with a point"]);
        refused("1 2\n3 4\n5,6", &["line 1", "column 1", "\"1 2\" is no number", "between commas"]);
    }

    #[test]
    fn a_first_line_that_is_half_numbers_is_no_header() {
        refused("1,abc\n2,3\n", &["line 1", "column 2", "abc"]);
    }

    #[test]
    fn a_pandas_index_is_not_taken_for_data() {
        refused(",a,b\n0,1,2\n1,3,4\n", &["line 1", "column 1", "index=False"]);
    }

    #[test]
    fn ragged_rows_are_named() {
        refused("1,2\n3\n", &["line 2", "has 1 fields and the first line 2"]);
        refused("a,b\n1,2\n1,2,3\n", &["line 3", "column 3"]);
        refused("a,b,c\n1,2\n", &["line 2", "first line 3"]);
    }

    #[test]
    fn nothing_to_read_is_an_error() {
        for text in ["", "\n\n", "a,b\n", "# only this", " \n\t\n"] {
            refused(text, &["no rows"]);
        }
    }

    #[test]
    fn long_fields_and_control_characters_stay_short_and_plain() {
        let text = format!("1\n\u{1b}[31m{}\n", "y".repeat(1_000));
        let message = read_text(&text).unwrap_err().to_string();
        assert!(message.len() < 250 && !message.contains('\u{1b}'), "{message}");
    }

    #[test]
    fn gzip_is_unpacked_and_its_damage_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv.gz");
        let packed = pack(b"1,2\n3,4\n");
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(read(&path).unwrap().values, [1.0, 2.0, 3.0, 4.0]);
        std::fs::write(&path, &packed[..packed.len() - 3]).unwrap();
        assert_message(&read(&path).unwrap_err(), &["x.csv.gz", "gzip cannot unpack"]);
    }

    proptest! {
        #[test]
        fn numbers_survive_the_text(values in prop::collection::vec(-1e30f32..1e30, 1..40)) {
            let text: String = values.iter().map(|v| format!("{v},{}\n", -v)).collect();
            let table = read_text(&text).unwrap();
            let pairs: Vec<f32> = values.iter().flat_map(|&v| [v, -v]).collect();
            prop_assert_eq!(table.values, pairs);
        }

        #[test]
        fn no_text_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes, Path::new("x"));
        }
    }
}
