//! Axes with ticks, titles, and legends: everything that is drawn around data, in one place.

use super::canvas::{Anchor, Area, Canvas, Color, Paint, Point, SIZE, Shape, length};
use super::raster::too_large;
use super::scale::Scale;
use super::{Raster, Window, nothing};
use anyhow::Result;

/// Free pixels around square axes: on the left for labels, above for the title.
const LEFT: usize = 62;
const RIGHT: usize = 14;
const TOP: usize = 38;
const BOTTOM: usize = 38;
/// The pixels that square axes need around their square, in each direction.
pub(super) const AROUND: usize = LEFT + RIGHT;
const _: () = assert!(AROUND == TOP + BOTTOM);
/// The width of a color bar next to square axes, with its labels.
pub(super) const BAR_WIDTH: usize = 16 + 72;

/// Ticks of an axis.
const TICKS: usize = 6;
/// The radius of a point and the width of a line.
const RADIUS: f64 = 1.3;
const LINE: f64 = 1.2;
/// The length of a dash, and of the gap after it.
const DASH: f64 = 5.0;
/// The length of a tick.
const TICK: f64 = 4.0;

const EDGE: Color = [150; 3];
const GRID: Color = [228; 3];

/// The color of a value from 0 to 1: equal differences look equal, also in gray and to readers with any color
/// vision (nine points of viridis; Smith & van der Walt 2015).
pub(super) fn viridis(value: f64) -> Color {
    const POINTS: [Color; 9] = [
        [68, 1, 84],
        [71, 45, 123],
        [59, 82, 139],
        [44, 114, 142],
        [33, 145, 140],
        [40, 174, 128],
        [94, 201, 98],
        [173, 220, 48],
        [253, 231, 37],
    ];
    let at = value.clamp(0.0, 1.0) * (POINTS.len() - 1) as f64;
    let first = (at as usize).min(POINTS.len() - 2);
    let share = at - first as f64;
    [0, 1, 2]
        .map(|i| (f64::from(POINTS[first][i]) * (1.0 - share) + f64::from(POINTS[first + 1][i]) * share).round() as u8)
}

/// A rectangle of a picture, with a scale along each side.
pub(super) struct Axes<'a> {
    pub(super) canvas: &'a mut Canvas,
    pub(super) area: Area,
    pub(super) scales: [Scale; 2],
}

impl Axes<'_> {
    /// The pixel position of a pair of values.
    pub(super) fn at(&self, [x, y]: Point) -> Point {
        let Area { left, top, width, height } = self.area;
        [left + self.scales[0].share(x) * width, top + (1.0 - self.scales[1].share(y)) * height]
    }

    /// Ticks below, with lines through the area, and their labels.
    pub(super) fn x_ticks(&mut self, most: usize, labeled: bool) {
        let Area { left, top, width, height } = self.area;
        for (at, label) in self.scales[0].ticks(most) {
            let x = left + whole(self.scales[0].share(at) * width, width);
            self.rect([x, top, 1.0, height], GRID);
            if labeled {
                self.rect([x, top + height, 1.0, TICK], EDGE);
                self.canvas.write([x + 0.5, top + height + 14.0], Anchor::Middle, &label);
            }
        }
    }

    /// The same on the left.
    pub(super) fn y_ticks(&mut self, most: usize) {
        let Area { left, top, width, height } = self.area;
        for (at, label) in self.scales[1].ticks(most) {
            let y = top + whole((1.0 - self.scales[1].share(at)) * height, height);
            self.rect([left, y, width, 1.0], GRID);
            self.rect([left - TICK, y, TICK, 1.0], EDGE);
            self.canvas.write([left - 8.0, y + 0.5], Anchor::End, &label);
        }
    }

    /// A line around the area.
    pub(super) fn edge(&mut self) {
        let Area { left, top, width, height } = self.area;
        for side in [[left, top, width, 1.0], [left, top + height - 1.0, width, 1.0]] {
            self.rect(side, EDGE);
        }
        for side in [[left, top, 1.0, height], [left + width - 1.0, top, 1.0, height]] {
            self.rect(side, EDGE);
        }
    }

    fn rect(&mut self, [left, top, width, height]: [f64; 4], color: Color) {
        self.canvas.add(Shape::Rect(Area { left, top, width, height }, color.into()));
    }

    /// Adds shapes, cut off at the edge.
    pub(super) fn inside(&mut self, shapes: impl IntoIterator<Item = Shape>) {
        self.canvas.inside(self.area, shapes);
    }

    /// A point, unless it is outside.
    pub(super) fn dot(&mut self, [x, y]: Point, paint: Paint) {
        if self.scales[0].holds(x) && self.scales[1].holds(y) {
            let at = self.at([x, y]);
            self.inside([Shape::Disc(at, RADIUS, paint)]);
        }
    }

    /// A line through points. It is broken where a point is not finite.
    pub(super) fn line(&mut self, points: impl IntoIterator<Item = Point>, paint: Paint) {
        self.line_of(points, LINE, paint, false);
    }

    pub(super) fn line_of(
        &mut self,
        points: impl IntoIterator<Item = Point>,
        width: f64,
        paint: Paint,
        is_dashed: bool,
    ) {
        let places: Vec<Point> = points.into_iter().map(|point| self.at(point)).collect();
        let pieces = places.split(|at| !at.iter().all(|x| x.is_finite())).map(<[Point]>::to_vec);
        let pieces: Vec<_> =
            if is_dashed { pieces.flat_map(|piece| dashed(&piece)).collect() } else { pieces.collect() };
        self.inside([Shape::Path(pieces.into_iter().filter(|piece| piece.len() > 1).collect(), width, paint)]);
    }

    /// Bars of equal width from 0 up, side by side from one value to another.
    pub(super) fn bars(&mut self, heights: &[f64], [low, high]: [f64; 2], paint: Paint) {
        let x = |i: usize| low + (high - low) * i as f64 / heights.len() as f64;
        for (i, &height) in heights.iter().enumerate() {
            let ([left, top], [right, bottom]) = (self.at([x(i), height]), self.at([x(i + 1), 0.0]));
            // Whole pixels: between them, neighbors would both be pale.
            let [left, right] = [left.round(), right.round()];
            self.inside([Shape::Rect(Area { left, top, width: right - left, height: bottom - top }, paint)]);
        }
    }

    /// Fills the area with one color a pixel, chosen by its column and row.
    pub(super) fn fill(&mut self, color: impl Fn(usize, usize) -> Color) -> Result<()> {
        let Area { left, top, width, height } = self.area;
        let mut raster = Raster::new(width as usize, height as usize, [0; 3])?;
        for y in 0..raster.height() {
            for x in 0..raster.width() {
                *raster.pixel_mut(x, y) = color(x, y);
            }
        }
        self.canvas.add(Shape::Image([left as usize, top as usize], raster));
        Ok(())
    }

    /// A legend in the corner that `right` and `high` say.
    pub(super) fn legend(&mut self, entries: &[(&str, Key)], [right, high]: [bool; 2]) {
        const ROW: f64 = 18.0;
        const KEY: f64 = 24.0;
        let longest = entries.iter().map(|(name, _)| 1.1 * length(name, SIZE)).fold(0.0, f64::max);
        let [width, height] = [longest + KEY + 26.0, ROW * entries.len() as f64 + 10.0];
        let Area { left, top, .. } = self.area;
        let left = if right { left + self.area.width - width - 10.0 } else { left + 10.0 };
        let top = if high { top + 10.0 } else { top + self.area.height - height - 10.0 };
        self.rect([left, top, width, height], [190; 3]);
        self.rect([left + 1.0, top + 1.0, width - 2.0, height - 2.0], [255; 3]);
        for (i, (name, key)) in entries.iter().enumerate() {
            let (x, y) = (left + 9.0, top + 5.0 + ROW * (i as f64 + 0.5));
            let ends = [[x, y], [x + KEY, y]];
            self.canvas.add(match *key {
                Key::Line(color, false) => Shape::Path(vec![ends.to_vec()], 2.0, color.into()),
                Key::Line(color, true) => Shape::Path(dashed(&ends), 2.0, color.into()),
                Key::Area(paint) => Shape::Rect(Area { left: x, top: y - 5.0, width: KEY, height: 10.0 }, paint),
            });
            self.canvas.write([x + KEY + 7.0, y], Anchor::Start, name);
        }
    }
}

/// How an entry of a legend is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    /// A line, and whether it is dashed.
    Line(Color, bool),
    Area(Paint),
}

/// The whole pixel at a place, the last one at the end.
fn whole(at: f64, length: f64) -> f64 {
    at.floor().clamp(0.0, length - 1.0)
}

/// A line cut into dashes.
fn dashed(points: &[Point]) -> Vec<Vec<Point>> {
    let mut dashes = vec![];
    let (mut dash, mut left) = (points.iter().take(1).copied().collect::<Vec<_>>(), DASH);
    let mut drawing = true;
    for ends in points.windows(2) {
        let [mut from, to] = [ends[0], ends[1]];
        loop {
            let rest = (to[0] - from[0]).hypot(to[1] - from[1]);
            // Lines that end far outside of the picture would be cut almost without end.
            let share = if rest > left && rest < 1e5 { left / rest } else { 1.0 };
            from = [0, 1].map(|i| from[i] + share * (to[i] - from[i]));
            dash.push(from);
            if share == 1.0 {
                left -= rest;
                break;
            }
            let ended = std::mem::replace(&mut dash, vec![from]);
            dashes.extend(drawing.then_some(ended));
            (drawing, left) = (!drawing, DASH);
        }
    }
    dashes.extend(drawing.then_some(dash));
    dashes
}

/// Square axes of a window, with ticks, a title above, and what `draw` puts between grid and edge. The corner is that
/// of the whole, labels included.
pub(super) fn square<R>(
    canvas: &mut Canvas,
    [left, top]: [usize; 2],
    side: usize,
    (title, window): (&str, Window),
    draw: impl FnOnce(&mut Axes<'_>) -> R,
) -> R {
    let area = Area { left: (left + LEFT) as f64, top: (top + TOP) as f64, width: side as f64, height: side as f64 };
    let scales = [window.x, window.y].map(Scale::linear);
    canvas.write([area.left + 0.5 * area.width, area.top - 0.5 * TOP as f64], Anchor::Middle, title);
    let mut axes = Axes { canvas, area, scales };
    axes.x_ticks(TICKS, true);
    axes.y_ticks(TICKS);
    let drawn = draw(&mut axes);
    axes.edge();
    drawn
}

/// Square axes in rows, one for each of `all`, which has a title and a window. The first row is filled first.
pub(super) fn panels<P>(
    all: &[P],
    [side, columns]: [usize; 2],
    frame: impl Fn(&P) -> (&str, Window),
    mut draw: impl FnMut(&mut Axes<'_>, &P) -> Result<()>,
) -> Result<Canvas> {
    if all.is_empty() || !all.iter().all(|panel| frame(panel).1.is_sound()) {
        return Err(nothing("panels without a range"));
    }
    let columns = columns.clamp(1, all.len());
    let step = side.saturating_add(AROUND);
    let [width, height] = [columns, all.len().div_ceil(columns)].map(|count| count.saturating_mul(step));
    if side < 16 {
        return Err(too_large(width, height));
    }
    let mut canvas = Canvas::new(width, height)?;
    for (i, panel) in all.iter().enumerate() {
        let corner = [i % columns * step, i / columns * step];
        square(&mut canvas, corner, side, frame(panel), |axes| draw(axes, panel))?;
    }
    Ok(canvas)
}

/// A bar of colors from low to high, with ticks on its right.
pub(super) fn color_bar(canvas: &mut Canvas, bar: Area, ends: [f64; 2], unit: &str) -> Result<()> {
    let scale = Scale::linear(ends);
    let mut axes = Axes { canvas, area: bar, scales: [Scale::linear([0.0, 1.0]), scale] };
    axes.fill(|_, y| viridis(1.0 - y as f64 / (bar.height - 1.0)))?;
    axes.edge();
    let right = bar.left + bar.width;
    for (at, label) in scale.ticks(if bar.height > 200.0 { TICKS } else { 4 }) {
        let y = bar.top + whole((1.0 - scale.share(at)) * bar.height, bar.height);
        axes.rect([right, y, TICK, 1.0], EDGE);
        axes.canvas.write([right + 8.0, y + 0.5], Anchor::Start, &label);
    }
    canvas.write([bar.left, bar.top - 18.0], Anchor::Start, unit);
    Ok(())
}

/// A color bar next to square axes.
pub(super) fn color_bar_beside(canvas: &mut Canvas, left: usize, side: usize, most: f64) -> Result<()> {
    let area = Area { left: left as f64, top: TOP as f64, width: 16.0, height: side as f64 };
    color_bar(canvas, area, [0.0, most], "")
}
