//! MathML to plain text, for readers of the source and for screen readers.

/// A longer line is broken where the formula has a wide space.
const WIDTH: usize = 100;

/// A wide space, until lines are broken.
const WIDE: char = '\u{2003}';

/// An element, or a leaf with its text.
#[derive(Clone, Debug, Default)]
struct Node {
    tag: String,
    attributes: String,
    children: Vec<Node>,
    text: String,
}

/// The formula in plain text: a line for each row of an aligned formula, or several if a row is long.
pub(crate) fn lines(mathml: &str) -> Vec<String> {
    let mut rest = mathml;
    let mut root = Node::default();
    root.fill(&mut rest);
    let text = root.children.first().map_or_else(String::new, |math| row(&math.children, true));
    text.lines().flat_map(broken).collect()
}

/// One row of a formula as one line, or as several.
fn broken(row: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in row.trim_matches(WIDE).split(WIDE).map(str::trim).filter(|part| !part.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() < WIDTH => {
                line.push_str("   ");
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

impl Node {
    /// Reads children up to the end of this element.
    fn fill(&mut self, rest: &mut &str) {
        while let Some(start) = rest.find('<') {
            self.text.push_str(&rest[..start]);
            let Some(end) = rest[start..].find('>') else { break };
            let tag = &rest[start + 1..start + end];
            *rest = &rest[start + end + 1..];
            if tag.starts_with('/') {
                break;
            }
            let (name, attributes) =
                tag.trim_end_matches('/').split_once(' ').unwrap_or((tag.trim_end_matches('/'), ""));
            let mut child = Self { tag: name.to_owned(), attributes: attributes.to_owned(), ..Self::default() };
            if !tag.ends_with('/') {
                child.fill(rest);
            }
            self.children.push(child);
        }
        self.text = self.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    }

    /// The width of a space, in em.
    fn space(&self) -> f64 {
        let width = self.attributes.split("width=\"").nth(1).and_then(|rest| rest.split("em").next());
        width.and_then(|width| width.parse().ok()).unwrap_or(0.0)
    }

    fn is_sum(&self) -> bool {
        let base = if self.tag == "mo" { Some(self) } else { self.children.first() };
        base.is_some_and(|base| ["∑", "∏", "∫"].contains(&base.text.as_str()))
    }

    fn is_function(&self) -> bool {
        let base = if self.children.is_empty() { Some(self) } else { self.children.first() };
        base.is_some_and(|base| base.tag == "mo" && base.text.chars().count() > 1 && base.text.is_ascii())
    }

    fn is_derivative(&self) -> bool {
        self.tag == "mfrac" && text(&self.children[1]).starts_with(['∂', 'd'])
    }
}

/// Where the previous piece leaves a row.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    /// At its start, after an opening bracket or after an operator: a sign belongs to what follows.
    Start,
    Function,
    Operand,
    Fraction,
    /// A thin space after an operand: a product.
    Product,
}

/// Several nodes side by side. A table at the top is an aligned formula.
fn row(nodes: &[Node], top: bool) -> String {
    let mut out = String::new();
    let mut last = Last::Start;
    for (i, node) in flat(nodes).iter().enumerate() {
        let is = |tag: &str| node.tag == tag;
        if is("mspace") {
            if node.space() >= 0.9 {
                out.push(WIDE);
                last = Last::Start;
            } else if node.space() > 0.1 && matches!(last, Last::Operand | Last::Fraction) {
                last = Last::Product;
            }
            continue;
        }
        if is("mtable") {
            out.push_str(&table(node, top && i == 0));
            last = Last::Operand;
            continue;
        }
        let piece = text(node);
        if piece.is_empty() {
            continue;
        }
        if node.is_sum() {
            separate(&mut out, last);
            out.push_str(&piece);
            out.push(' ');
            last = Last::Start;
        } else if node.is_function() {
            separate(&mut out, last);
            out.push_str(&piece);
            last = Last::Function;
        } else if is("mtext") {
            out.push_str(&piece);
            last = Last::Operand;
        } else if is("mo") || is("mi") && piece == ":" {
            last = operator(&mut out, &piece, node, last);
        } else {
            let numbered = piece.starts_with(|c: char| c.is_ascii_digit());
            let fraction = is("mfrac") && !["½", "¼"].contains(&piece.as_str());
            let product = match last {
                Last::Product if piece.starts_with('d') => {
                    out.push(' ');
                    false
                }
                Last::Product => true,
                Last::Fraction => !piece.starts_with('/'),
                Last::Operand => fraction || numbered || piece.starts_with("exp("),
                Last::Start => false,
                Last::Function if fraction && !node.is_derivative() => {
                    out.push_str(&format!("({piece})"));
                    last = Last::Operand;
                    continue;
                }
                Last::Function => {
                    out.push(' ');
                    false
                }
            };
            if product {
                out.push('·');
            }
            out.push_str(&piece);
            last = if fraction && !node.is_derivative() { Last::Fraction } else { Last::Operand };
        }
    }
    let out = out
        .replace('\u{2063}', "}")
        .replace(" }", "}")
        .replace('\u{2061}', "")
        .replace(". . . ", "… ")
        .replace("···", "⋯");
    out.replace("  ", " ")
}

/// Rows within rows are only brackets around what they contain.
fn flat(nodes: &[Node]) -> Vec<Node> {
    let inner = |node: &Node| if node.tag == "mrow" { flat(&node.children) } else { vec![node.clone()] };
    nodes.iter().flat_map(inner).collect()
}

fn separate(out: &mut String, last: Last) {
    if last != Last::Start && !out.ends_with([' ', WIDE, '(', '[']) {
        out.push(' ');
    }
}

fn operator(out: &mut String, piece: &str, node: &Node, last: Last) -> Last {
    match piece {
        "," | ":" | ";" => {
            out.push_str(piece);
            out.push(' ');
            Last::Start
        }
        "(" | "[" | "{" => {
            if matches!(last, Last::Fraction | Last::Product) {
                out.push('·');
            }
            out.push_str(piece);
            Last::Start
        }
        ")" | "]" | "}" | "!" | "′" => {
            out.push_str(piece);
            Last::Operand
        }
        "‖" | "∥" if last != Last::Product && !node.attributes.contains("stretchy=\"true\"") => {
            out.push('‖');
            if last == Last::Operand { Last::Operand } else { Last::Start }
        }
        "|" => {
            let opens = last == Last::Function && !out.ends_with("|det");
            let last = if opens { Last::Start } else { last };
            out.push('|');
            if last == Last::Start { Last::Start } else { Last::Operand }
        }
        "…" => {
            out.push_str(if last == Last::Start { "…" } else { " … " });
            Last::Start
        }
        "/" => {
            out.push_str(piece);
            Last::Start
        }
        "−" | "+" | "<" if last == Last::Start => {
            out.push_str(piece);
            Last::Start
        }
        _ => {
            let piece = match piece {
                "∣" => "|",
                "∥" => "‖",
                "∼" => "~",
                "⋯" => "⋯",
                "⋅" => "·",
                other => other,
            };
            if ["·", "⋯"].contains(&piece) {
                out.push_str(piece);
                return Last::Start;
            }
            separate(out, Last::Operand);
            out.push_str(piece);
            out.push(' ');
            Last::Start
        }
    }
}

/// One node.
fn text(node: &Node) -> String {
    let child = |i: usize| node.children.get(i).map_or_else(String::new, text);
    match node.tag.as_str() {
        "mi" if node.text == "ϕ" => "φ".to_owned(),
        "mi" if node.text.starts_with('𝒩') => "N".to_owned(),
        "mi" if node.text == "𝔼" => "E".to_owned(),
        "mo" if node.text == "∑" => "Σ".to_owned(),
        "mo" if node.text == "∏" => "Π".to_owned(),
        "mi" | "mn" | "mo" => node.text.clone(),
        "mtext" => node.text.replace('\u{a0}', " "),
        "mspace" => String::new(),
        "msqrt" => {
            let inner = row(&node.children, false);
            if inner.chars().count() == 1 { format!("√{inner}") } else { format!("√({inner})") }
        }
        "mfrac" => match (child(0).as_str(), child(1).as_str()) {
            ("1", "2") => "½".to_owned(),
            ("1", "4") => "¼".to_owned(),
            (over, under) => format!("{}/{}", numerator(over), denominator(under, &node.children[1])),
        },
        "msup" if child(0) == "e" => format!("exp({})", child(1)),
        "msup" => format!("{}{}", child(0), raised(&child(1))),
        "msub" | "munder" => format!("{}{}", child(0), lowered(&child(1))),
        "msubsup" | "munderover" => format!("{}{}{}", child(0), lowered(&child(1)), raised(&child(2))),
        "mover" => match (child(0).as_str(), child(1).as_str()) {
            ("u", "\u{2c6}" | "^" | "\u{302}") => "û".to_owned(),
            (base, "\u{2c6}" | "^" | "\u{302}") => format!("{base}\u{302}"),
            (base, over) => format!("{base}{}", raised(over)),
        },
        _ => row(&node.children, false),
    }
}

/// Rows under each other, or, within a formula, behind each other.
fn table(node: &Node, top: bool) -> String {
    let cells = |row: &Node| row.children.iter().map(text).collect::<Vec<_>>();
    if !top {
        let rows: Vec<String> = node.children.iter().map(|row| cells(row).join(", ")).collect();
        return rows.join("; ");
    }
    let rows = node.children.iter().map(|row| {
        let cells: Vec<Node> = row.children.iter().flat_map(|cell| cell.children.clone()).collect();
        // A second and a third column begin behind a gap, unless they go on with a formula.
        let gaps = row.children.windows(2).any(|pair| pair[0].children.is_empty());
        let mut out = self::row(&cells, false);
        if gaps {
            let filled: Vec<String> = row
                .children
                .split(|cell| cell.children.is_empty())
                .map(|part| self::row(&part.iter().flat_map(|cell| cell.children.clone()).collect::<Vec<_>>(), false))
                .collect();
            out = filled.join(&WIDE.to_string());
        }
        out
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// Whether a binary operator or a space stands outside of all brackets.
fn is_compound(text: &str) -> bool {
    let mut depth = 0;
    text.chars().any(|c| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        depth == 0 && [' ', '/', '·', WIDE].contains(&c)
    })
}

fn numerator(over: &str) -> String {
    let plain = !is_compound(over) || over.contains('|') && over.starts_with('|') || !over.contains([' ', '/']);
    let plain = plain || over.starts_with("log ") || over.starts_with("max");
    if plain { over.to_owned() } else { format!("({over})") }
}

fn denominator(under: &str, node: &Node) -> String {
    let one = flat(std::slice::from_ref(node)).len() == 1;
    let fenced = under.starts_with('|') && under.ends_with('|');
    let applied = under.ends_with(')') && under.find('(').is_some_and(|at| under[..at].chars().count() <= 2);
    let plain = fenced || !is_compound(under) && (one || applied || under.starts_with(['∂', 'd', '‖', '√']));
    if plain { under.to_owned() } else { format!("({under})") }
}

const LOW: [&str; 2] = ["0123456789+−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"];
const HIGH: [&str; 2] = [
    "0123456789+−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW⊤",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵀ",
];

/// The same characters lowered or raised, where there are such for all of them.
fn shifted(text: &str, [from, to]: [&str; 2]) -> Option<String> {
    let compact = text.replace(' ', "");
    compact.chars().map(|c| from.chars().position(|own| own == c).and_then(|at| to.chars().nth(at))).collect()
}

fn lowered(sub: &str) -> String {
    shifted(sub, LOW).unwrap_or_else(|| {
        let compact = sub.replace(' ', "");
        let short = compact.chars().count() == 1 || compact.chars().all(|c| c.is_alphanumeric() || c == '<');
        if short { format!("_{compact}") } else { format!("_{{{compact}}}") }
    })
}

fn raised(sup: &str) -> String {
    if ["′", "'"].contains(&sup) {
        return "′".to_owned();
    }
    shifted(sup, HIGH).unwrap_or_else(|| if sup.chars().count() == 1 { format!("^{sup}") } else { format!("^({sup})") })
}
