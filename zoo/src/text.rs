//! Text that may come from a file or a path, made safe to show.
//!
//! A terminal obeys control characters: they retitle it, erase lines, or forge a second message. So every line that the
//! program prints, and every text in its pictures and pages, passes through here.

use anyhow::Result;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::{Display, Write as _};

/// The longest line of a message, and the longest of the causes in it, in characters.
const LONGEST: usize = 1000;
const LONGEST_CAUSE: usize = 400;

/// Whether a terminal or a browser obeys this character instead of showing it: controls, line and paragraph separators,
/// and what changes the direction of text.
const fn is_obeyed(letter: char) -> bool {
    matches!(letter,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with those characters escaped as in Rust, except for the ones to keep.
pub fn escaped<'a>(text: &'a str, keep: &[char]) -> Cow<'a, str> {
    let is_safe = |letter: char| !is_obeyed(letter) || keep.contains(&letter);
    if text.chars().all(is_safe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_safe(letter) { safe.push(letter) } else { safe.extend(letter.escape_default()) }
    }
    Cow::Owned(safe)
}

/// The text on one line that a terminal only shows.
pub fn one_line(text: impl Display) -> String {
    escaped(&text.to_string(), &[]).into_owned()
}

/// A message on one line, cut if it is very long.
pub fn message(text: impl Display) -> String {
    cut(&one_line(text), LONGEST)
}

/// An error with all its causes on one line, outermost first. Very long causes are cut.
pub fn causes(error: &anyhow::Error) -> String {
    error.chain().map(|cause| cut(&one_line(cause), LONGEST_CAUSE)).collect::<Vec<_>>().join(": ")
}

/// A value as indented JSON that a terminal only shows.
pub fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        // Outside of strings, JSON has no such characters but line feeds; inside, these are escaped already.
        if letter != '\n' && is_obeyed(letter) {
            write!(safe, "\\u{:04x}", u32::from(letter))?;
        } else {
            safe.push(letter);
        }
    }
    Ok(safe)
}

/// `1 row`, `2 rows`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A text in at most this many characters: of a longer one, the beginning and the end.
pub fn cut(text: &str, most: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (first, last) = (kept.div_ceil(2), kept / 2);
    letters[..first].iter().chain(&['…']).chain(&letters[letters.len() - last..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind that must not reach a terminal.
    const OBEYED: &str = "\0\x07\t\n\r\x1b\x7f\u{80}\u{9b}\u{61c}\u{200f}\u{2028}\u{2029}\u{202e}\u{2066}\u{2069}";

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert!(OBEYED.chars().all(is_obeyed));
        let safe = one_line(OBEYED);
        assert!(!safe.chars().any(is_obeyed), "{safe:?}");
        assert!(safe.contains("\\t\\n\\r\\u{1b}\\u{7f}\\u{80}") && safe.contains("\\u{202e}"), "{safe}");
        assert_eq!(one_line("−λ “1×2” … 😀 \\n"), "−λ “1×2” … 😀 \\n");
        assert_eq!(escaped("a\nb\tc", &['\n']), "a\nb\\tc");
    }

    #[test]
    fn json_is_safe_and_means_the_same() {
        let value = serde_json::json!({ OBEYED: [OBEYED, "ä😀"] });
        let text = json(&value).unwrap();
        assert!(!text.chars().any(|letter| letter != '\n' && is_obeyed(letter)), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn long_causes_are_cut_and_each_stays() {
        let error = anyhow::anyhow!("inner\n{}end", "x".repeat(100_000)).context("outer");
        let line = causes(&error);
        assert!(line.starts_with("outer: inner\\nxxx") && line.ends_with("xxxend") && line.contains('…'), "{line}");
        assert!(line.chars().count() < 450);
    }

    #[test]
    fn long_texts_lose_their_middle() {
        let texts = [("short", 5), ("abcdefgh", 5), ("äöüß", 4), ("äöüß", 3), ("abc", 1)];
        assert_eq!(texts.map(|(text, most)| cut(text, most)), ["short", "ab…gh", "äöüß", "ä…ß", "…"]);
    }
}
