//! LaTeX to MathML Core, which browsers show by themselves.

use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Fonts with the tables that stretched brackets and raised scripts need; `math` alone is any font on some machines.
const FONTS: &str = "'Latin Modern Math','STIX Two Math','Cambria Math','DejaVu Math TeX Gyre',math";

/// A formula that is wider than the page is scrolled by itself.
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

/// One `div` on one line: Markdown takes it as it is up to the next blank line.
///
/// The source's first line is a comment, the formula in plain text, for readers who cannot see it; the rest is LaTeX
/// in display style.
pub(crate) fn html(source: &str) -> Result<String, String> {
    let (reading, latex) = source
        .split_once('\n')
        .and_then(|(first, rest)| Some((first.strip_prefix("% ")?, rest.trim())))
        .ok_or("the first line is to be a comment with the formula in plain text")?;
    let converter = LatexToMathML::new(MathCoreConfig::default()).map_err(|error| format!("{error:?}"))?;
    let mathml =
        converter.convert_with_local_counter(latex, MathDisplay::Block).map_err(|error| format!("{error:?}"))?;
    let opening = format!(r#"<math display="block" style="font-family:{FONTS}" alttext="{}">"#, escaped(reading));
    // As a mark of its own over a letter: the combining one stands beside it in most fonts.
    let mathml = mathml.replacen(r#"<math display="block">"#, &opening, 1).replace('\u{302}', "\u{2c6}");
    Ok(format!("<div class=\"formula\" style=\"{BOX}\">{mathml}</div>\n"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
