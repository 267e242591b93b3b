//! Small multiples: a panel for each measure, and in each of them a dot for each of the same rows, in the same order
//! and colors, with its number beside it.

use super::plane::ticks;
use super::{PALETTE, PictureError, cut, save_svg};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

/// What one row has of one measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Where the dot is.
    pub value: f64,
    /// How far a line reaches from it on both sides.
    pub spread: f64,
    /// Where a ring is, if there is one.
    pub second: Option<f64>,
    /// What is written beside it.
    pub text: String,
}

/// A measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What it is, with its unit.
    pub title: String,
    /// Whether every power of ten gets the same width. Numbers at or below zero have no dot then.
    pub log: bool,
    /// One for each row; None is drawn as "—".
    pub marks: Vec<Option<Mark>>,
}

/// Rows that are drawn together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Above its panels.
    pub title: String,
    /// The rows' names, and what is written below each in smaller letters.
    pub names: Vec<[String; 2]>,
    /// The measures.
    pub panels: Vec<Panel>,
}

/// Pixels from left to right: of the whole, of the rows' names, and of a panel's axis with its dots. What a panel has
/// beyond its axis is for the numbers beside them.
const WIDTH: i32 = 700;
const NAMES: i32 = 128;
const AXIS: i32 = 86;
/// Panels in a line.
const COLUMNS: usize = 3;
const PANEL: i32 = (WIDTH - NAMES) / COLUMNS as i32;
/// Pixels from top to bottom: of the picture's head, a group's title, a panel's title, a row, the numbers at an
/// axis, and the air below.
const HEAD: i32 = 58;
const GROUP: i32 = 28;
const TITLE: i32 = 22;
const ROW: i32 = 27;
const NUMBERS: i32 = 16;
const AIR: i32 = 16;
/// Letters that a name has room for.
const LETTERS: [usize; 2] = [19, 22];
/// Numbers at an axis, at most.
const LABELS: usize = 3;
/// The air on both sides of the dots on an axis that is not logarithmic, as a part of their range.
const BESIDE: f64 = 0.1;

const INK: RGBColor = RGBColor(40, 40, 40);
const PALE: RGBColor = RGBColor(120, 120, 120);
const GRID: RGBColor = RGBColor(226, 226, 226);

type Page<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// An axis from one number to another, as logarithms if it is logarithmic.
#[derive(Debug, Clone, Copy)]
struct Axis {
    log: bool,
    low: f64,
    high: f64,
}

impl Axis {
    /// None where there is nothing to place.
    fn around(panel: &Panel) -> Option<Self> {
        let log = panel.log;
        let ends = panel.marks.iter().flatten().flat_map(|mark| {
            let spread = if log { 0.0 } else { mark.spread };
            [Some(mark.value - spread), Some(mark.value + spread), mark.second]
        });
        let places = ends.flatten().map(|value| place(value, log)).filter(|place| place.is_finite());
        let (low, high) = places.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            return None;
        }
        let (low, high) = if log {
            (low.floor(), high.ceil().max(low.floor() + 1.0))
        } else {
            let air = ((high - low) * BESIDE).max(1e-3 * low.abs().max(high.abs()).max(1e-6));
            (low - air, high + air)
        };
        Some(Self { log, low, high })
    }

    /// Pixels from the axis' left.
    fn pixel(&self, value: f64) -> Option<i32> {
        let share = (place(value, self.log) - self.low) / (self.high - self.low);
        share.is_finite().then(|| (share.clamp(0.0, 1.0) * f64::from(AXIS)).round() as i32)
    }

    /// Numbers with their names.
    fn labels(&self) -> Vec<(f64, String)> {
        if !self.log {
            // One number alone would not say how far it is to another.
            let of = |most: usize| ticks([self.low, self.high], most);
            let few = of(LABELS);
            return if few.len() > 1 { few } else { of(LABELS + 1) };
        }
        let decades = (self.high - self.low) as usize;
        let every = decades.div_ceil(LABELS).max(1);
        let powers = (0..=decades).step_by(every).map(|i| self.low as i32 + i as i32);
        powers.map(|power| (10f64.powi(power), power_of_ten(power))).collect()
    }
}

fn place(value: f64, log: bool) -> f64 {
    if log { value.log10() } else { value }
}

fn power_of_ten(power: i32) -> String {
    match power {
        -3..=3 => format!("{}", 10f64.powi(power)),
        4..=5 => format!("{}k", 10f64.powi(power - 3)),
        6..=8 => format!("{}M", 10f64.powi(power - 6)),
        _ => format!("1e{power}"),
    }
}

/// Draws groups below each other and writes them as SVG, whole or not at all.
///
/// # Errors
/// If there is no group, or the file cannot be written.
pub fn save(path: &Path, title: &str, note: &str, groups: &[Group]) -> Result<(), PictureError> {
    save_svg(path, &svg(title, note, groups)?)
}

/// The same as SVG text.
///
/// # Errors
/// If there is no group.
pub fn svg(title: &str, note: &str, groups: &[Group]) -> Result<String, PictureError> {
    if groups.is_empty() {
        return Err(PictureError::Nothing { what: format!("{title:?}") });
    }
    let height = HEAD + groups.iter().map(tall).sum::<i32>();
    let mut text = String::new();
    {
        let page = SVGBackend::with_string(&mut text, (WIDTH as u32, height as u32)).into_drawing_area();
        page.fill(&WHITE).map_err(drawing)?;
        write(&page, (12, 20), title, 19, INK, HPos::Left)?;
        write(&page, (12, 43), note, 12, PALE, HPos::Left)?;
        let mut top = HEAD;
        for group in groups {
            draw(&page, top, group)?;
            top += tall(group);
        }
        page.present().map_err(drawing)?;
    }
    Ok(text)
}

/// Pixels of a line of panels, and of all of a group.
fn line(group: &Group) -> i32 {
    TITLE + ROW * group.names.len() as i32 + NUMBERS + AIR
}

fn tall(group: &Group) -> i32 {
    GROUP + line(group) * group.panels.len().div_ceil(COLUMNS) as i32
}

fn draw(page: &Page<'_>, top: i32, group: &Group) -> Result<(), PictureError> {
    write(page, (12, top + 10), &cut(&group.title, 100), 14, INK, HPos::Left)?;
    for (i, panels) in group.panels.chunks(COLUMNS).enumerate() {
        let top = top + GROUP + line(group) * i as i32;
        for (row, names) in group.names.iter().enumerate() {
            let middle = top + TITLE + ROW * row as i32 + ROW / 2;
            write(page, (12, middle - 6), &cut(&names[0], LETTERS[0]), 12, INK, HPos::Left)?;
            write(page, (12, middle + 7), &cut(&names[1], LETTERS[1]), 10, PALE, HPos::Left)?;
        }
        for (column, panel) in panels.iter().enumerate() {
            let left = NAMES + PANEL * column as i32;
            fill(page, (left, top), panel, group.names.len() as i32)?;
        }
    }
    Ok(())
}

fn fill(page: &Page<'_>, (left, top): (i32, i32), panel: &Panel, rows: i32) -> Result<(), PictureError> {
    write(page, (left, top + 8), &panel.title, 12, INK, HPos::Left)?;
    let (first, last) = (top + TITLE, top + TITLE + ROW * rows);
    let axis = Axis::around(panel);
    for (value, label) in axis.iter().flat_map(Axis::labels) {
        let Some(x) = axis.and_then(|axis| axis.pixel(value)) else { continue };
        stroke(page, [(left + x, first), (left + x, last)], GRID, 1)?;
        write(page, (left + x, last + 8), &label, 10, PALE, HPos::Center)?;
    }
    for (row, mark) in panel.marks.iter().enumerate() {
        let y = first + ROW * row as i32 + ROW / 2;
        let Some(mark) = mark else {
            write(page, (left, y), "—", 11, PALE, HPos::Left)?;
            continue;
        };
        let [r, g, b] = PALETTE[row % PALETTE.len()];
        let color = RGBColor(r, g, b);
        let pixel = |value: f64| Some(left + axis?.pixel(value)?);
        if let Some(x) = pixel(mark.value) {
            stroke(page, [(left, y), (x, y)], GRID, 2)?;
            if let (false, Some(from), Some(to)) =
                (panel.log, pixel(mark.value - mark.spread), pixel(mark.value + mark.spread))
            {
                stroke(page, [(from, y), (to, y)], color, 2)?;
            }
            if let Some(second) = mark.second.and_then(pixel) {
                page.draw(&Circle::new((second, y), 4, color.stroke_width(1))).map_err(drawing)?;
            }
            page.draw(&Circle::new((x, y), 4, color.filled())).map_err(drawing)?;
        }
        let beside = pixel(mark.value + mark.spread).or_else(|| pixel(mark.value)).unwrap_or(left);
        write(page, (beside + 8, y), &mark.text, 11, INK, HPos::Left)?;
    }
    Ok(())
}

fn stroke(page: &Page<'_>, ends: [(i32, i32); 2], color: RGBColor, width: u32) -> Result<(), PictureError> {
    page.draw(&PathElement::new(ends, color.stroke_width(width))).map_err(drawing)
}

/// Writes a line; `across` says which part of it is at the place, whose height is its middle's.
fn write(
    page: &Page<'_>,
    at: (i32, i32),
    text: &str,
    size: i32,
    color: RGBColor,
    across: HPos,
) -> Result<(), PictureError> {
    let style = ("sans-serif", size).into_font().color(&color).pos(Pos::new(across, VPos::Center));
    page.draw(&Text::new(text.to_owned(), at, style)).map_err(drawing)
}

fn drawing(error: impl std::fmt::Display) -> PictureError {
    PictureError::Drawing(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(value: f64) -> Option<Mark> {
        Some(Mark { value, spread: 0.0, second: None, text: format!("<{value}>") })
    }

    fn group(log: bool, marks: Vec<Option<Mark>>) -> Group {
        let names = (0..marks.len()).map(|row| [format!("run-{row}"), format!("model-{row}")]).collect();
        Group { title: "data".into(), names, panels: vec![Panel { title: "measure".into(), log, marks }] }
    }

    /// Where the discs are, from the left and from the top, with their colors.
    fn discs(svg: &str) -> Vec<(i32, i32, String)> {
        let attribute = |text: &str, name: &str| {
            text.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned()
        };
        let number = |text: &str, name| attribute(text, name).parse().unwrap();
        let circles = svg.split("<circle ").skip(1).filter(|circle| attribute(circle, "fill") != "none");
        circles.map(|circle| (number(circle, "cx"), number(circle, "cy"), attribute(circle, "fill"))).collect()
    }

    #[test]
    fn dots_lie_by_their_numbers_and_rows_have_their_colors() {
        let even = discs(&svg("", "", &[group(true, vec![mark(1.0), mark(10.0), mark(100.0)])]).unwrap());
        assert_eq!(even[1].0 - even[0].0, AXIS / 2);
        assert_eq!(even[2].0 - even[0].0, AXIS);
        assert_eq!([even[1].1 - even[0].1, even[2].1 - even[1].1], [ROW; 2]);
        assert_eq!(even.iter().map(|disc| &*disc.2).collect::<Vec<_>>(), ["#0072B2", "#D55E00", "#009E73"]);
        let linear = discs(&svg("", "", &[group(false, vec![mark(-1.0), mark(10.0), mark(100.0)])]).unwrap());
        assert!((linear[1].0 - linear[0].0) * 8 < linear[2].0 - linear[0].0, "{linear:?}");
    }

    #[test]
    fn what_has_no_place_is_still_written() {
        let marks = vec![None, mark(0.0), mark(f64::NAN), mark(5.0)];
        let text = svg("<title>", "a note", &[group(true, marks)]).unwrap();
        assert_eq!(discs(&text).len(), 1);
        for part in
            ["\n—\n", "&lt;0&gt;", "&lt;NaN&gt;", "&lt;5&gt;", "&lt;title&gt;", "a note", "run-3", "model-0", "measure"]
        {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        // No mark at all has no axis either.
        assert_eq!(discs(&svg("", "", &[group(false, vec![None, None])]).unwrap()).len(), 0);
        assert!(svg("", "", &[]).is_err());
    }

    #[test]
    fn an_axis_has_two_numbers_or_more() {
        for (low, high) in [(3.5, 3.66), (1.0, 1.001), (-2.9, 0.7), (0.0, 0.0), (1e9, 1.1e9)] {
            let panel = &group(false, vec![mark(low), mark(high)]).panels[0];
            let labels = Axis::around(panel).unwrap().labels();
            assert!((2..=4).contains(&labels.len()), "{low} {high}: {labels:?}");
        }
        for (low, high) in [(1.0, 1.0), (1e-12, 1e12), (0.02, 30.0)] {
            let panel = &group(true, vec![mark(low), mark(high)]).panels[0];
            let labels = Axis::around(panel).unwrap().labels();
            assert!((2..=LABELS + 1).contains(&labels.len()), "{low} {high}: {labels:?}");
        }
    }
}
