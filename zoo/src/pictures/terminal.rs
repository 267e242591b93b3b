//! A picture in the terminal, two pixels a character: an upper half block has one color as its foreground and another as
//! its background. Without colors, shades of ASCII.
//!
//! A hundred lines here replace crates that depend on image decoders.

use std::fmt::Write;
use std::io::IsTerminal;

use super::Raster;

/// The colors an output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// Any color: 24 bits.
    True,
    /// The usual 256 colors.
    Fixed256,
    /// Characters alone: for a file, a pipe, or a user who asked for no colors.
    Ascii,
}

impl Colors {
    /// The colors `output` can show, from its kind and from environment variables.
    pub fn detect(output: &impl IsTerminal) -> Self {
        Self::choose(output.is_terminal(), |name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    fn choose(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let unwanted = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        if !terminal || unwanted || term.is_empty() || term == "dumb" {
            return Self::Ascii;
        }
        let colors = variable("COLORTERM").unwrap_or_default();
        if matches!(colors.as_str(), "truecolor" | "24bit") || term.ends_with("direct") {
            Self::True
        } else {
            Self::Fixed256
        }
    }
}

/// Shades from black to white.
const SHADES: &[u8] = b" .:-=+*#%@";

/// The picture as lines of text, at most `columns` characters wide; larger pictures are averaged down. Every line ends
/// with a line feed and resets the terminal's colors.
pub fn render(picture: &Raster, colors: Colors, columns: usize) -> String {
    let width = picture.width().min(columns.max(1));
    // A character is about twice as tall as wide, so it stands for two rows.
    let height = (picture.height() * width).div_ceil(picture.width()).max(1);
    let pixel = |x: usize, y: usize| average(picture, x, y, width, height);
    let mut text = String::new();
    for top in (0..height).step_by(2) {
        let bottom = Some(top + 1).filter(|&y| y < height);
        for x in 0..width {
            let upper = pixel(x, top);
            let lower = bottom.map(|y| pixel(x, y));
            match colors {
                Colors::Ascii => text.push(shade(upper, lower)),
                Colors::True => block(&mut text, upper, lower, |[r, g, b]| format!("2;{r};{g};{b}")),
                Colors::Fixed256 => block(&mut text, upper, lower, |rgb| format!("5;{}", fixed(rgb))),
            }
        }
        if colors == Colors::Ascii {
            // Trailing spaces carry nothing.
            text.truncate(text.trim_end_matches(' ').len());
        } else {
            text.push_str("\x1b[0m");
        }
        text.push('\n');
    }
    text
}

/// The mean color of the pixels that become pixel (`x`, `y`) of a smaller picture.
fn average(picture: &Raster, x: usize, y: usize, width: usize, height: usize) -> [u8; 3] {
    let span = |i: usize, small: usize, large: usize| {
        let start = (i * large / small).min(large - 1);
        start..((i + 1) * large / small).clamp(start + 1, large)
    };
    let (columns, rows) = (span(x, width, picture.width()), span(y, height, picture.height()));
    let count = columns.len() * rows.len();
    let mut sums = [0usize; 3];
    for y in rows {
        for x in columns.clone() {
            for (sum, value) in sums.iter_mut().zip(picture.rgb(x, y)) {
                *sum += usize::from(value);
            }
        }
    }
    sums.map(|sum| (sum / count) as u8)
}

fn block(text: &mut String, upper: [u8; 3], lower: Option<[u8; 3]>, code: impl Fn([u8; 3]) -> String) {
    let under = lower.map_or_else(|| "\x1b[49m".to_owned(), |rgb| format!("\x1b[48;{}m", code(rgb)));
    // Writing into a string cannot fail.
    let _ = write!(text, "\x1b[38;{}m{under}▀", code(upper));
}

fn shade(upper: [u8; 3], lower: Option<[u8; 3]>) -> char {
    // The eye's weights for red, green and blue, in thousandths.
    let light = |[r, g, b]: [u8; 3]| (299 * usize::from(r) + 587 * usize::from(g) + 114 * usize::from(b)) / 1000;
    let mean = usize::midpoint(light(upper), light(lower.unwrap_or(upper)));
    char::from(SHADES[mean * SHADES.len() / 256])
}

/// The nearest of the 6×6×6 colors or the 24 grays between them.
fn fixed(rgb: [u8; 3]) -> usize {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let distance = |other: [u8; 3]| -> u32 {
        let channels = rgb.iter().zip(other);
        channels.map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let steps = rgb.map(|value| {
        let levels = LEVELS.iter().enumerate();
        levels.min_by_key(|(_, level)| level.abs_diff(value)).map_or(0, |(i, _)| i)
    });
    let cube = (distance(steps.map(|i| LEVELS[i])), 16 + 36 * steps[0] + 6 * steps[1] + steps[2]);
    let mean = rgb.iter().map(|&value| usize::from(value)).sum::<usize>() / 3;
    let step = (mean.saturating_sub(3) / 10).min(23);
    let gray = (distance([8 + 10 * step as u8; 3]), 232 + step);
    cube.min(gray).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(values: &[u8]) -> Raster {
        let mut picture = Raster::new(values.len(), 2, [0; 3]).unwrap();
        for (x, &value) in values.iter().enumerate() {
            *picture.pixel_mut(x, 0) = [value; 3];
            *picture.pixel_mut(x, 1) = [value; 3];
        }
        picture
    }

    #[test]
    fn ascii_goes_from_dark_to_light() {
        let picture = columns(&[0, 30, 60, 90, 120, 150, 170, 190, 220, 255]);
        assert_eq!(render(&picture, Colors::Ascii, 80), " .:-=+*#%@\n");
        assert_eq!(render(&columns(&[255, 0, 0]), Colors::Ascii, 80), "@\n");
    }

    #[test]
    fn half_blocks_carry_two_pixels() {
        let mut picture = Raster::new(1, 3, [0, 0, 0]).unwrap();
        *picture.pixel_mut(0, 1) = [1, 2, 3];
        assert_eq!(
            render(&picture, Colors::True, 80),
            "\x1b[38;2;0;0;0m\x1b[48;2;1;2;3m▀\x1b[0m\n\x1b[38;2;0;0;0m\x1b[49m▀\x1b[0m\n"
        );
    }

    #[test]
    fn large_pictures_are_averaged_to_the_width() {
        let picture = Raster::new(582, 582, [200; 3]).unwrap();
        let text = render(&picture, Colors::Ascii, 60);
        assert_eq!(text.lines().count(), 30);
        assert!(text.lines().all(|line| line == "#".repeat(60)));
        assert_eq!(render(&columns(&[0, 255, 0, 255]), Colors::Ascii, 2), "==\n");
        for columns in [0, 1, 7] {
            assert!(!render(&picture, Colors::Fixed256, columns).is_empty());
        }
        assert_eq!(render(&Raster::new(500, 1, [255; 3]).unwrap(), Colors::Ascii, 10), "@@@@@@@@@@\n");
    }

    #[test]
    fn the_fixed_colors_are_found() {
        assert_eq!(fixed([0, 0, 0]), 16);
        assert_eq!(fixed([255, 255, 255]), 231);
        assert_eq!(fixed([255, 0, 0]), 196);
        assert_eq!(fixed([128, 128, 128]), 244);
        assert_eq!(fixed([10, 9, 8]), 232);
    }

    #[test]
    fn colors_are_used_only_where_they_are_wanted() {
        let with = |terminal, set: &[(&str, &str)]| {
            Colors::choose(terminal, |name| {
                let found = set.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let xterm = ("TERM", "xterm-256color");
        assert_eq!(with(true, &[xterm]), Colors::Fixed256);
        assert_eq!(with(true, &[xterm, ("COLORTERM", "truecolor")]), Colors::True);
        assert_eq!(with(false, &[xterm, ("COLORTERM", "truecolor")]), Colors::Ascii);
        assert_eq!(with(true, &[xterm, ("NO_COLOR", "1")]), Colors::Ascii);
        assert_eq!(with(true, &[("TERM", "dumb")]), Colors::Ascii);
        assert_eq!(with(true, &[]), Colors::Ascii);
    }
}
