//! A square of pixels that shows a part of the plane, with numbers at its axes.

use super::plane::ticks;
use super::{Raster, Window, text};

/// Pixels around the square, for the title and the numbers.
const LEFT: usize = 62;
const RIGHT: usize = 14;
const TOP: usize = 38;
const BOTTOM: usize = 38;
/// What a frame needs in all, both ways, beyond its square.
pub(super) const AROUND: usize = LEFT + RIGHT;
const _: () = assert!(AROUND == TOP + BOTTOM);

/// Marks along an axis, at most.
const MARKS: usize = 6;
/// The radius of a point, in pixels.
const RADIUS: f64 = 1.3;
/// Half the width of a line.
const HALF: f64 = 0.6;

const LETTERS: [u8; 3] = [70; 3];
const EDGE: [u8; 3] = [150; 3];
const GRID: [u8; 3] = [232; 3];

/// A frame that is being filled.
pub(super) struct Frame<'a> {
    picture: &'a mut Raster,
    left: usize,
    top: usize,
    side: usize,
    window: Window,
}

impl<'a> Frame<'a> {
    /// Begins a frame whose outermost corner is at (`left`, `top`), and whose square is `side` pixels wide:
    /// its title, its marks with their numbers, and a grid.
    pub(super) fn new(
        picture: &'a mut Raster,
        (left, top): (usize, usize),
        side: usize,
        window: Window,
        title: &str,
    ) -> Self {
        let frame = Self { picture, left: left + LEFT, top: top + TOP, side, window };
        let (left, top) = (frame.left, frame.top);
        let middle = (left + side / 2).saturating_sub(text::width(title) / 2);
        text::write(frame.picture, (middle, top - (TOP + text::HEIGHT) / 2), title, LETTERS);
        let outermost = side as f64 - 0.5;
        let pixel = |at: f64| at.clamp(0.0, outermost).round().min((side - 1) as f64) as usize;
        for (at, label) in ticks(window.x, MARKS) {
            let x = left + pixel(frame.pixel_x(at));
            for y in 0..side + 4 {
                frame.picture.blend(x, top + y, if y < side { GRID } else { EDGE }, 1.0);
            }
            let start = x.saturating_sub(text::width(&label) / 2);
            text::write(frame.picture, (start, top + side + 6), &label, LETTERS);
        }
        for (at, label) in ticks(window.y, MARKS) {
            let y = top + pixel(frame.pixel_y(at));
            for x in 0..side + 4 {
                frame.picture.blend(left + x - 4, y, if x < 4 { EDGE } else { GRID }, 1.0);
            }
            let start = (left - 8).saturating_sub(text::width(&label));
            text::write(frame.picture, (start, y - text::HEIGHT / 2), &label, LETTERS);
        }
        frame
    }

    /// The pixel, counted from the square's left, in whose middle a number lies.
    fn pixel_x(&self, x: f64) -> f64 {
        let [low, high] = self.window.x;
        (x - low) / (high - low) * self.side as f64 - 0.5
    }

    /// The same from the square's top.
    fn pixel_y(&self, y: f64) -> f64 {
        let [low, high] = self.window.y;
        (high - y) / (high - low) * self.side as f64 - 0.5
    }

    /// Whole pixels of an axis up to `reach` around a stretch, as far as they are in the square.
    fn span(&self, from: f64, to: f64, reach: f64) -> std::ops::Range<usize> {
        let first = (from.min(to) - reach).floor().max(0.0) as usize;
        let last = (from.max(to) + reach).ceil().max(-1.0) + 1.0;
        first..(last as usize).min(self.side)
    }

    /// Fills the square with colors of its pixels' places, row after row from the top.
    pub(super) fn fill(&mut self, color: impl Fn(usize, usize) -> [u8; 3]) {
        for y in 0..self.side {
            for x in 0..self.side {
                self.picture.pixel_mut(self.left + x, self.top + y).copy_from_slice(&color(x, y));
            }
        }
    }

    /// A point: a small disc, softened at its edge, of which `share` covers what is below. Points that are
    /// not finite or not in the window are left out.
    pub(super) fn dot(&mut self, [x, y]: [f32; 2], color: [u8; 3], share: f64) {
        let [x, y] = [f64::from(x), f64::from(y)];
        let inside = |at: f64, [low, high]: [f64; 2]| (low..=high).contains(&at);
        if !inside(x, self.window.x) || !inside(y, self.window.y) {
            return;
        }
        let (x, y) = (self.pixel_x(x), self.pixel_y(y));
        for row in self.span(y, y, RADIUS) {
            for column in self.span(x, x, RADIUS) {
                let distance = (column as f64 - x).hypot(row as f64 - y);
                let share = share * (RADIUS + 0.5 - distance).clamp(0.0, 1.0);
                self.picture.blend(self.left + column, self.top + row, color, share);
            }
        }
    }

    /// Bars of equal width that stand side by side on the bottom of the window, from one number to another.
    pub(super) fn bars(&mut self, heights: &[f64], [low, high]: [f64; 2], color: [u8; 3], share: f64) {
        for column in 0..self.side {
            let [left, right] = self.window.x;
            let x = left + (column as f64 + 0.5) / self.side as f64 * (right - left);
            let bar = (x - low) / (high - low) * heights.len() as f64;
            if !(0.0..heights.len() as f64).contains(&bar) {
                continue;
            }
            let top = self.pixel_y(heights[bar as usize]).ceil().max(0.0) as usize;
            for row in top..self.side {
                self.picture.blend(self.left + column, self.top + row, color, share);
            }
        }
    }

    /// A line through points, x and y in turn, as far as it is in the window. It breaks off where a point is
    /// not finite.
    pub(super) fn line(&mut self, points: &[f32], color: [u8; 3], share: f64) {
        // What a pixel has of the line is collected first: laid on piece by piece, the joints would be darker.
        let mut cover = vec![0.0f64; self.side * self.side];
        let at = |point: &[f32]| [self.pixel_x(f64::from(point[0])), self.pixel_y(f64::from(point[1]))];
        let ends = points.chunks_exact(2).zip(points.chunks_exact(2).skip(1));
        for (a, b) in ends.map(|(a, b)| (at(a), at(b))) {
            if !a.iter().chain(&b).all(|x| x.is_finite()) {
                continue;
            }
            for row in self.span(a[1], b[1], HALF) {
                for column in self.span(a[0], b[0], HALF) {
                    let distance = distance([column as f64, row as f64], a, b);
                    let cover = &mut cover[row * self.side + column];
                    *cover = cover.max((HALF + 0.5 - distance).clamp(0.0, 1.0));
                }
            }
        }
        for (i, cover) in cover.into_iter().enumerate().filter(|(_, cover)| *cover > 0.0) {
            let (x, y) = (self.left + i % self.side, self.top + i / self.side);
            self.picture.blend(x, y, color, share * cover);
        }
    }

    /// Draws the edge, over everything that was drawn inside.
    pub(super) fn close(self) {
        for k in 0..self.side {
            for (x, y) in [(k, 0), (k, self.side - 1), (0, k), (self.side - 1, k)] {
                self.picture.blend(self.left + x, self.top + y, EDGE, 1.0);
            }
        }
    }
}

/// How far a place is from the line between two others.
fn distance(from: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let along = [b[0] - a[0], b[1] - a[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let to = [from[0] - a[0], from[1] - a[1]];
    let share = if length > 0.0 { ((to[0] * along[0] + to[1] * along[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
    (to[0] - share * along[0]).hypot(to[1] - share * along[1])
}

/// Beside a frame of the same height: a bar of colors, the last uppermost, with numbers from 0 to `highest`.
pub(super) fn color_bar(
    picture: &mut Raster,
    (left, top): (usize, usize),
    side: usize,
    highest: f64,
    color: impl Fn(f64) -> [u8; 3],
) {
    let top = top + TOP;
    for y in 0..side {
        for x in 0..BAR {
            let edge = y == 0 || y == side - 1 || x == 0 || x == BAR - 1;
            let inside = color(1.0 - y as f64 / (side - 1) as f64);
            picture.blend(left + x, top + y, if edge { EDGE } else { inside }, 1.0);
        }
    }
    for (at, label) in ticks([0.0, highest], MARKS) {
        let y = top + ((1.0 - at / highest) * (side - 1) as f64).round() as usize;
        for x in 0..4 {
            picture.blend(left + BAR + x, y, EDGE, 1.0);
        }
        text::write(picture, (left + BAR + 8, y - text::HEIGHT / 2), &label, LETTERS);
    }
}

/// The width of a bar of colors.
const BAR: usize = 16;
/// What such a bar needs beside a frame.
pub(super) const BESIDE: usize = BAR + 72;
