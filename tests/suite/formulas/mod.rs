//! The formulas of the documentation are those of their LaTeX sources.

mod plain;
mod render;
mod sources;

use std::collections::BTreeSet;
use std::fs;

const MAKE: &str = "generate them again: cargo run -p tests --example formulas";

fn tex(name: &str) -> String {
    fs::read_to_string(render::folder().join(format!("{name}.tex"))).unwrap_or_else(|why| panic!("{name}.tex: {why}"))
}

#[test]
fn every_formula_is_what_its_source_says() {
    let names = render::names("tex").unwrap();
    assert_eq!(names, render::names("html").unwrap(), "a .tex beside every .html and the reverse; {MAKE}");
    assert!(!names.is_empty());
    for name in names {
        let html = render::html(&tex(&name)).unwrap_or_else(|why| panic!("{name}: {why}"));
        let path = render::folder().join(format!("{name}.html"));
        assert!(fs::read_to_string(path).unwrap() == html, "{name}.html is not {name}.tex; {MAKE}");
    }
}

#[test]
fn the_plain_text_above_each_formula_is_what_its_source_says_and_each_is_included_somewhere() {
    let mut used = BTreeSet::new();
    for path in sources::all().unwrap() {
        let source = fs::read_to_string(&path).unwrap();
        let lines = |name: &str| {
            used.insert(name.to_owned());
            render::lines(&tex(name))
        };
        let expected = sources::rewritten(&source, lines).unwrap();
        assert!(source == expected, "{}: the plain text of a formula is out of date; {MAKE}", path.display());
    }
    assert_eq!(used, render::names("tex").unwrap(), "formulas that documentation includes, and those that there are");
}

#[test]
fn a_formula_is_one_block_of_markdown() {
    let html = render::html("\\begin{aligned}\na &< b \\\\\n\\hat b &= 1\n\\end{aligned}\n").unwrap();
    assert_eq!(html.lines().count(), 1);
    assert!(html.starts_with("<div class=\"formula\"") && html.ends_with("</math></div>\n"), "{html}");
    assert!(html.contains("alttext=\"a &lt; b; ") && html.contains("<mtable"), "{html}");
    let [_, math] = html.splitn(2, "\">").collect::<Vec<_>>()[..] else { panic!("{html}") };
    assert!(!math.rsplit("alttext").next().unwrap().split('>').skip(1).any(|rest| rest.contains('\u{302}')), "{html}");
    assert!(render::html("\\nothing\n").is_err());
}

#[test]
fn plain_text_reads_like_the_formula() {
    for (latex, plain) in [
        (r"x_i = e^{\alpha_i(x_{<i})}\,z_i + \mu_i", "xᵢ = exp(αᵢ(x_<i))·zᵢ + μᵢ"),
        (r"\log\left|\det\frac{\partial z}{\partial x}\right| = -\sum_{i=1}^{D} s_i", "log|det ∂z/∂x| = −Σᵢ₌₁ᴰ sᵢ"),
        (r"z = \gamma \odot \frac{x - m}{\sqrt{v + \varepsilon}}", "z = γ ⊙ (x − m)/√(v + ε)"),
        (r"\hat u = \frac{1}{2}\,\frac{w}{\|w\|^2}, \qquad f^{-1}(x)", "û = ½·w/‖w‖²,   f⁻¹(x)"),
    ] {
        assert_eq!(render::lines(latex).unwrap(), [plain], "{latex}");
    }
    let aligned = "\\begin{aligned}\na &= b & & \\text{at once} \\\\\nc &= d\n\\end{aligned}";
    assert_eq!(render::lines(aligned).unwrap(), ["a = b   at once", "c = d"]);
}

#[test]
fn stale_and_missing_plain_text_is_replaced() {
    let include = "    #[doc = include_str!(\"../formulas/a.html\")]\n";
    let expected = format!("    /// Text:\n    ///\n    /// <!-- new -->\n{include}    ///\n    /// More.\n");
    let rewritten = |source: &str| sources::rewritten(source, |_| Ok(vec!["new".to_owned()])).unwrap();
    for above in
        ["", "    ///\n", "    ///\n    /// <!--\n    /// old\n    /// -->\n    ///\n", "    /// <!-- old -->\n"]
    {
        assert_eq!(
            rewritten(&format!("    /// Text:\n{above}{include}    ///\n    /// More.\n")),
            expected,
            "{above:?}"
        );
    }
    assert_eq!(rewritten(&expected), expected);
    let several = sources::rewritten(include, |_| Ok(vec!["a".to_owned(), "b".to_owned()])).unwrap();
    assert_eq!(several, format!("    /// <!--\n    /// a\n    /// b\n    /// -->\n{include}"));
}
