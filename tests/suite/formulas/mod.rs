//! The formulas of the documentation are those of their LaTeX sources.

mod render;

use std::fs;

const MAKE: &str = "make them anew: cargo run -p tests --example formulas";

#[test]
fn every_formula_is_what_its_source_says() {
    let names = render::names("tex").unwrap();
    assert_eq!(names, render::names("html").unwrap(), "a .tex beside every .html and the reverse; {MAKE}");
    assert!(!names.is_empty());
    for name in names {
        let path = |extension| render::folder().join(format!("{name}.{extension}"));
        let html =
            render::html(&fs::read_to_string(path("tex")).unwrap()).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(fs::read_to_string(path("html")).unwrap() == html, "{name}.html is not {name}.tex; {MAKE}");
    }
}

#[test]
fn a_formula_is_one_block_of_markdown() {
    let html = render::html("% a < b\n\\begin{aligned}\na &< b \\\\\n\\hat b &= 1\n\\end{aligned}\n").unwrap();
    assert_eq!(html.lines().count(), 1);
    assert!(html.starts_with("<div class=\"formula\"") && html.ends_with("</math></div>\n"), "{html}");
    assert!(html.contains("alttext=\"a &lt; b\"") && html.contains("<mtable") && !html.contains('\u{302}'), "{html}");
    assert!(render::html("a < b\n").is_err() && render::html("% a\n\\nothing\n").is_err());
}
