//! LaTeX to MathML Core, which browsers show without a script, and to plain text.

use super::plain;
use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Fonts with the tables needed for stretched brackets and raised scripts; on some machines `math` alone is any font.
const FONTS: &str = "'Latin Modern Math','STIX Two Math','Cambria Math','DejaVu Math TeX Gyre',math";

/// A formula that is wider than the page scrolls by itself.
const BOX: &str = "overflow:auto hidden;padding:.5em 0";

/// Where the formulas are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/formulas")
}

/// The names of all files there with this extension.
pub(crate) fn names(extension: &str) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension)
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

/// The formula as one `div` on one line: Markdown takes it as it is up to the next blank line.
///
/// The source is LaTeX in display style. Lines that begin with `%` are comments.
pub(crate) fn html(source: &str) -> Result<String, String> {
    let mathml = mathml(source)?;
    let reading = plain::lines(&mathml).join("; ").replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let opening = format!(r#"<math display="block" style="font-family:{FONTS}" alttext="{reading}">"#);
    // The hat as a character of its own: most fonts draw the combining one beside the letter.
    let mathml = mathml.replacen(r#"<math display="block">"#, &opening, 1).replace('\u{302}', "\u{2c6}");
    Ok(format!("<div class=\"formula\" style=\"{BOX}\">{mathml}</div>\n"))
}

/// The formula as lines of plain text.
pub(crate) fn lines(source: &str) -> Result<Vec<String>, String> {
    Ok(plain::lines(&mathml(source)?))
}

fn mathml(source: &str) -> Result<String, String> {
    let latex: Vec<&str> = source.lines().filter(|line| !line.starts_with('%')).collect();
    let converter = LatexToMathML::new(MathCoreConfig::default()).map_err(|error| format!("{error:?}"))?;
    let mathml = converter.convert_with_local_counter(latex.join("\n").trim(), MathDisplay::Block);
    mathml.map_err(|error| format!("{error:?}"))
}
