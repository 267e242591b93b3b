//! Dot plots as small multiples: a panel for each measure, and in each a dot for each of the same rows, in the same order
//! and colors, with its value next to it.

use super::canvas::{Anchor, Area, Canvas, Color, INK, PALE, Paint, Point, Shape};
use super::scale::Scale;
use super::{PALETTE, nothing};
use crate::text::cut;
use anyhow::Result;

/// The value of one row in one measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Where the dot is.
    pub value: f64,
    /// How far an error bar reaches on both sides.
    pub spread: f64,
    /// Where a ring is, if there is one.
    pub second: Option<f64>,
    /// The text next to it.
    pub text: String,
}

/// A measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Its name, with its unit.
    pub title: String,
    /// Whether the axis is logarithmic. Values at or below zero have no dot then.
    pub log: bool,
    /// One for each row; None is drawn as "—".
    pub marks: Vec<Option<Mark>>,
}

/// Rows that are drawn together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub title: String,
    /// The rows' names, and what is written below each in smaller letters.
    pub names: Vec<[String; 2]>,
    pub panels: Vec<Panel>,
}

/// Widths in pixels: of the whole, of the rows' names, and of a panel's axis. The rest of a panel is for the values
/// next to the dots.
const WIDTH: usize = 700;
const NAMES: usize = 128;
const AXIS: f64 = 86.0;
/// Panels side by side.
const COLUMNS: usize = 3;
const PANEL: usize = (WIDTH - NAMES) / COLUMNS;
/// Heights in pixels: of the picture's head, a group's title, a panel's title, a row, the labels of an axis, and the
/// space below.
const HEAD: usize = 58;
const GROUP: usize = 28;
const TITLE: f64 = 22.0;
const ROW: usize = 27;
const BELOW: usize = 32;
/// Letters that fit of each name.
const LETTERS: [usize; 2] = [19, 22];
/// Ticks of an axis.
const TICKS: usize = 3;
/// The margin on both sides of the dots on a linear axis, as a share of their range.
const MARGIN: f64 = 0.1;

const GRID: Color = [226; 3];

/// Draws groups below each other.
pub fn draw(title: &str, note: &str, groups: &[Group]) -> Result<Canvas> {
    if groups.is_empty() {
        return Err(nothing(format_args!("{title:?}")));
    }
    let line = |group: &Group| TITLE as usize + ROW * group.names.len() + BELOW;
    let height = |group: &Group| GROUP + line(group) * group.panels.len().div_ceil(COLUMNS);
    let mut canvas = Canvas::new(WIDTH, HEAD + groups.iter().map(height).sum::<usize>())?;
    canvas.write_as([12.0, 20.0], Anchor::Start, title, 19.0, INK);
    canvas.write_as([12.0, 43.0], Anchor::Start, note, 12.0, PALE);
    let mut top = HEAD;
    for group in groups {
        canvas.write_as([12.0, top as f64 + 10.0], Anchor::Start, &cut(&group.title, 100), 14.0, INK);
        for (i, panels) in group.panels.chunks(COLUMNS).enumerate() {
            let top = (top + GROUP + line(group) * i) as f64;
            for (row, [name, below]) in group.names.iter().enumerate() {
                let middle = row_middle(top, row);
                canvas.write_as([12.0, middle - 6.0], Anchor::Start, &cut(name, LETTERS[0]), 12.0, INK);
                canvas.write_as([12.0, middle + 7.0], Anchor::Start, &cut(below, LETTERS[1]), 10.0, PALE);
            }
            for (column, panel) in panels.iter().enumerate() {
                fill(&mut canvas, [(NAMES + PANEL * column) as f64, top], panel);
            }
        }
        top += height(group);
    }
    Ok(canvas)
}

fn row_middle(top: f64, row: usize) -> f64 {
    top + TITLE + ROW as f64 * (row as f64 + 0.5)
}

/// None if no mark has a value.
fn scale(panel: &Panel) -> Option<Scale> {
    let ends = panel.marks.iter().flatten().flat_map(|mark| {
        let spread = if panel.log { 0.0 } else { mark.spread };
        [Some(mark.value - spread), Some(mark.value + spread), mark.second]
    });
    Scale::around(ends.flatten(), panel.log, MARGIN)
}

fn fill(canvas: &mut Canvas, [left, top]: Point, panel: &Panel) {
    canvas.write_as([left, top + 8.0], Anchor::Start, &panel.title, 12.0, INK);
    let (first, height) = (top + TITLE, (ROW * panel.marks.len()) as f64);
    let scale = scale(panel);
    let place = |value: f64| {
        let share = scale?.share(value);
        share.is_finite().then(|| left + share.clamp(0.0, 1.0) * AXIS)
    };
    for (value, label) in scale.iter().flat_map(ticks) {
        let Some(x) = place(value) else { continue };
        let area = Area { left: x.floor(), top: first, width: 1.0, height };
        canvas.add(Shape::Rect(area, GRID.into()));
        canvas.write_as([x, first + height + 8.0], Anchor::Middle, &label, 10.0, PALE);
    }
    for (row, mark) in panel.marks.iter().enumerate() {
        let y = row_middle(top, row);
        let Some(mark) = mark else {
            canvas.write_as([left, y], Anchor::Start, "—", 11.0, PALE);
            continue;
        };
        let paint = Paint::from(PALETTE[row % PALETTE.len()]);
        let level = |from: f64, to: f64, paint| Shape::Path(vec![vec![[from, y], [to, y]]], 2.0, paint);
        if let Some(x) = place(mark.value) {
            canvas.add(level(left, x, GRID.into()));
            if let (false, Some(from), Some(to)) =
                (panel.log, place(mark.value - mark.spread), place(mark.value + mark.spread))
            {
                canvas.add(level(from, to, paint));
            }
            if let Some(second) = mark.second.and_then(place) {
                canvas.add(Shape::Ring([second, y], 4.0, paint));
            }
            canvas.add(Shape::Disc([x, y], 4.0, paint));
        }
        let beside = place(mark.value + mark.spread).or_else(|| place(mark.value)).unwrap_or(left);
        canvas.write_as([beside + 8.0, y], Anchor::Start, &mark.text, 11.0, INK);
    }
}

/// At least two ticks: one alone would not say how far it is to another value.
fn ticks(scale: &Scale) -> Vec<(f64, String)> {
    let few = scale.ticks(TICKS);
    if few.len() > 1 { few } else { scale.ticks(TICKS + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(title: &str, note: &str, groups: &[Group]) -> Result<String> {
        Ok(draw(title, note, groups)?.svg())
    }

    fn mark(value: f64) -> Option<Mark> {
        Some(Mark { value, spread: 0.0, second: None, text: format!("<{value}>") })
    }

    fn group(log: bool, marks: Vec<Option<Mark>>) -> Group {
        let names = (0..marks.len()).map(|row| [format!("run-{row}"), format!("model-{row}")]).collect();
        Group { title: "data".into(), names, panels: vec![Panel { title: "measure".into(), log, marks }] }
    }

    /// Where the discs are, from the left and from the top, with their colors.
    fn discs(svg: &str) -> Vec<(f64, f64, String)> {
        let attribute = |text: &str, name: &str| {
            text.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned()
        };
        let number = |text: &str, name| attribute(text, name).parse().unwrap();
        let circles = svg.split("<circle ").skip(1).filter(|circle| attribute(circle, "fill") != "none");
        circles.map(|circle| (number(circle, "cx"), number(circle, "cy"), attribute(circle, "fill"))).collect()
    }

    #[test]
    fn dots_are_at_their_values_and_rows_have_their_colors() {
        let even = discs(&svg("", "", &[group(true, vec![mark(1.0), mark(10.0), mark(100.0)])]).unwrap());
        assert_eq!(even[1].0 - even[0].0, AXIS / 2.0);
        assert_eq!(even[2].0 - even[0].0, AXIS);
        assert_eq!([even[1].1 - even[0].1, even[2].1 - even[1].1], [ROW as f64; 2]);
        assert_eq!(even.iter().map(|disc| &*disc.2).collect::<Vec<_>>(), ["#0072B2", "#D55E00", "#009E73"]);
        let linear = discs(&svg("", "", &[group(false, vec![mark(-1.0), mark(10.0), mark(100.0)])]).unwrap());
        assert!((linear[1].0 - linear[0].0) * 8.0 < linear[2].0 - linear[0].0, "{linear:?}");
    }

    #[test]
    fn values_without_a_dot_are_still_written() {
        let marks = vec![None, mark(0.0), mark(f64::NAN), mark(5.0)];
        let text = svg("<title>", "a note", &[group(true, marks)]).unwrap();
        assert_eq!(discs(&text).len(), 1);
        for part in
            [">—<", "&lt;0&gt;", "&lt;NaN&gt;", "&lt;5&gt;", "&lt;title&gt;", "a note", "run-3", "model-0", "measure"]
        {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        // No mark at all has no axis either.
        assert_eq!(discs(&svg("", "", &[group(false, vec![None, None])]).unwrap()).len(), 0);
        assert!(svg("", "", &[]).is_err());
    }
}
