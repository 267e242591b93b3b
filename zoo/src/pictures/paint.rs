//! Shapes painted into pixels, with soft edges.

use super::canvas::{Anchor, Area, Paint, Point, SIZE, Shape, Text};
use super::raster::Raster;
use anyhow::Result;
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster};

/// Pixels of a letter as the font has it, and the size at which it is drawn half as large.
const LETTER: [f64; 2] = [14.0, 32.0];

pub(super) fn paint(width: usize, height: usize, shapes: &[(Area, Shape)]) -> Result<Raster> {
    let mut raster = Raster::new(width, height, [255; 3])?;
    for (clip, shape) in shapes {
        draw(&mut raster, *clip, shape);
    }
    Ok(raster)
}

fn draw(raster: &mut Raster, clip: Area, shape: &Shape) {
    match shape {
        Shape::Rect(Area { left, top, width, height }, paint) => {
            let bounds = [[*left, *top], [left + width, top + height]];
            let overlap = |at: f64, low: f64, size: f64| (at + 0.5).min(low + size) - (at - 0.5).max(low);
            cover(raster, clip, bounds, *paint, |[x, y]| {
                overlap(x, *left, *width).clamp(0.0, 1.0) * overlap(y, *top, *height).clamp(0.0, 1.0)
            });
        }
        Shape::Disc(center, radius, paint) => {
            let edge = radius + 0.5;
            cover(raster, clip, around(*center, edge), *paint, |at| edge - distance(at, *center, *center));
        }
        Shape::Ring(center, radius, paint) => {
            let bounds = around(*center, radius + 1.0);
            cover(raster, clip, bounds, *paint, |at| 1.0 - (distance(at, *center, *center) - radius).abs());
        }
        Shape::Path(pieces, width, paint) => path(raster, clip, pieces, 0.5 * width + 0.5, *paint),
        Shape::Polygon(corners, paint) => polygon(raster, clip, corners, *paint),
        Shape::Text(text) => write(raster, clip, text),
        Shape::Image([left, top], image) => {
            for y in 0..image.height() {
                for x in 0..image.width() {
                    *raster.pixel_mut(left + x, top + y) = image.rgb(x, y);
                }
            }
        }
    }
}

/// The pixels between two corners that are inside an area and the picture.
fn pixels(raster: &Raster, clip: Area, [low, high]: [Point; 2]) -> impl Iterator<Item = [usize; 2]> + use<> {
    // Casts saturate, and take NaN to 0.
    let first = |low: f64, clip: f64| low.max(clip).floor().max(0.0) as usize;
    let last = |high: f64, clip: f64, most: usize| (high.min(clip).ceil().max(0.0) as usize).min(most);
    let columns = first(low[0], clip.left)..last(high[0], clip.left + clip.width, raster.width());
    let rows = first(low[1], clip.top)..last(high[1], clip.top + clip.height, raster.height());
    rows.flat_map(move |y| columns.clone().map(move |x| [x, y]))
}

/// Lays a color over the pixels between two corners, as much of it as covers each by its middle.
fn cover(raster: &mut Raster, clip: Area, bounds: [Point; 2], paint: Paint, share: impl Fn(Point) -> f64) {
    for [x, y] in pixels(raster, clip, bounds) {
        let share = share(middle([x, y])).clamp(0.0, 1.0);
        if share > 0.0 {
            raster.blend(x, y, paint.color, paint.opacity * share);
        }
    }
}

fn middle(pixel: [usize; 2]) -> Point {
    pixel.map(|at| at as f64 + 0.5)
}

fn around([x, y]: Point, reach: f64) -> [Point; 2] {
    [[x - reach, y - reach], [x + reach, y + reach]]
}

fn path(raster: &mut Raster, clip: Area, pieces: &[Vec<Point>], edge: f64, paint: Paint) {
    // The most that any segment covers of each pixel: laid on one by one, the joints would be darker.
    let mut shares = vec![0.0f64; raster.width() * raster.height()];
    for ends in pieces.iter().flat_map(|piece| piece.windows(2)) {
        let [a, b] = [ends[0], ends[1]];
        let bounds = [[0, 1].map(|i| a[i].min(b[i]) - edge), [0, 1].map(|i| a[i].max(b[i]) + edge)];
        for [x, y] in pixels(raster, clip, bounds) {
            let share = &mut shares[y * raster.width() + x];
            *share = share.max((edge - distance(middle([x, y]), a, b)).clamp(0.0, 1.0));
        }
    }
    let width = raster.width();
    for (i, share) in shares.into_iter().enumerate().filter(|(_, share)| *share > 0.0) {
        raster.blend(i % width, i / width, paint.color, paint.opacity * share);
    }
}

fn polygon(raster: &mut Raster, clip: Area, corners: &[Point], paint: Paint) {
    let ends = || corners.iter().zip(corners.iter().cycle().skip(1));
    // How far each place is inside of each side, were the corners clockwise.
    let turn = ends().map(|(a, b)| a[0] * b[1] - a[1] * b[0]).sum::<f64>().signum();
    let inside = |at: Point| {
        let depth = |(a, b): (&Point, &Point)| {
            let [along, to] = [[b[0] - a[0], b[1] - a[1]], [at[0] - a[0], at[1] - a[1]]];
            turn * (along[0] * to[1] - along[1] * to[0]) / along[0].hypot(along[1]).max(f64::MIN_POSITIVE)
        };
        ends().map(depth).fold(f64::INFINITY, f64::min)
    };
    let bound =
        |pick: fn(f64, f64) -> f64, start: f64| [0, 1].map(|i| corners.iter().map(|at| at[i]).fold(start, pick));
    let bounds = [bound(f64::min, f64::INFINITY), bound(f64::max, f64::NEG_INFINITY)];
    cover(raster, clip, bounds, paint, |at| inside(at) + 0.5);
}

/// How far a place is from the line between two others.
fn distance(from: Point, a: Point, b: Point) -> f64 {
    let [along, to] = [[b[0] - a[0], b[1] - a[1]], [from[0] - a[0], from[1] - a[1]]];
    let length = along[0] * along[0] + along[1] * along[1];
    let share = if length > 0.0 { ((to[0] * along[0] + to[1] * along[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
    (to[0] - share * along[0]).hypot(to[1] - share * along[1])
}

/// Letters of one width, scaled from the font's only size by averaging its pixels.
fn write(raster: &mut Raster, clip: Area, text: &Text) {
    let shape = |letter| get_raster(letter, FontWeight::Regular, RasterHeight::Size32);
    let plain = |letter| match letter {
        '−' | '–' | '—' => '-',
        '′' => '\'',
        letter => letter,
    };
    let shapes = text.text.chars().filter_map(|letter| shape(plain(letter)).or_else(|| shape('?')));
    let letters: Vec<Vec<_>> = shapes.map(|letter| letter.rows().collect()).collect();
    let scale = text.size / (2.0 * SIZE);
    let [long, high] = [LETTER[0] * scale * letters.len() as f64, LETTER[1] * scale];
    let back = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => 0.5 * long,
        Anchor::End => long,
    };
    // Whole pixels: letters between them would be blurred.
    let [x, y] = text.at;
    let (corner, bounds) = if text.upward {
        let corner = [(x - 0.5 * high).round(), (y + back).round()];
        (corner, [[corner[0], corner[1] - long], [corner[0] + high, corner[1]]])
    } else {
        let corner = [(x - back).round(), (y - 0.5 * high).round()];
        (corner, [corner, [corner[0] + long, corner[1] + high]])
    };
    let part = |from: f64, to: f64, at: usize| (to.min(at as f64 + 1.0) - from.max(at as f64)).max(0.0);
    cover(raster, clip, bounds, text.color.into(), |[x, y]| {
        let (along, down) = if text.upward { (corner[1] - y, x - corner[0]) } else { (x - corner[0], y - corner[1]) };
        let [left, right, top, bottom] =
            [along - 0.5, along + 0.5, down - 0.5, down + 0.5].map(|at| (at / scale).max(0.0));
        let mut sum = 0.0;
        for row in top as usize..(bottom.ceil() as usize).min(LETTER[1] as usize) {
            for column in left as usize..right.ceil() as usize {
                let Some(letter) = letters.get(column / LETTER[0] as usize) else { continue };
                let light = letter[row][column % LETTER[0] as usize];
                sum += f64::from(light) * part(left, right, column) * part(top, bottom, row);
            }
        }
        sum * scale * scale / 255.0
    });
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{Canvas, INK, length};
    use super::*;

    fn dark(raster: &Raster, x: usize, rows: std::ops::Range<usize>) -> bool {
        rows.into_iter().any(|y| raster.rgb(x, y)[0] < 150)
    }

    #[test]
    fn letters_leave_their_marks_and_nothing_outside() {
        let mut canvas = Canvas::new(40, 16).unwrap();
        canvas.write([2.0, 8.0], Anchor::Start, "1.5");
        let raster = canvas.raster().unwrap();
        let column = |x: usize| dark(&raster, x, 0..16);
        assert!((2..9).any(column) && (16..23).any(column) && !(23..40).any(column));
        assert!((length("1.5", SIZE) - 21.0).abs() < 1e-9);
        // Unknown letters are as wide as others, and long texts are cut off.
        assert_eq!(length("φ", SIZE), length("u", SIZE));
        canvas.write([30.0, 8.0], Anchor::Start, "φ and more");
        let raster = canvas.raster().unwrap();
        assert!((30..40).any(|x| dark(&raster, x, 0..16)));
    }

    #[test]
    fn upward_text_is_the_same_text_turned() {
        let draw = |upward| {
            let mut canvas = Canvas::new(60, 60).unwrap();
            let text = "a loss".to_owned();
            canvas.add(Shape::Text(Text {
                text,
                at: [30.0; 2],
                anchor: Anchor::Middle,
                size: 16.0,
                color: INK,
                upward,
            }));
            canvas.raster().unwrap()
        };
        let (level, upward) = (draw(false), draw(true));
        let same = |x: usize, y: usize| level.rgb(x, y) == upward.rgb(y, 59 - x);
        assert!((0..60).all(|x| (0..60).all(|y| same(x, y))));
        assert!((0..60).any(|x| dark(&level, x, 20..40)));
    }

    #[test]
    fn shapes_cover_their_area() {
        let sum = |shape: Shape| {
            let mut canvas = Canvas::new(50, 50).unwrap();
            canvas.add(shape);
            let raster = canvas.raster().unwrap();
            let share = |i: usize| 1.0 - f64::from(raster.rgb(i % 50, i / 50)[0]) / 255.0;
            (0..50 * 50).map(share).sum::<f64>()
        };
        let black = Paint::from([0; 3]);
        let area = |left, top, width, height| Area { left, top, width, height };
        let corners = vec![[10.25, 5.5], [40.0, 20.0], [35.0, 44.0], [5.0, 30.0]];
        let twice: f64 =
            (0..4).map(|i| (corners[i], corners[(i + 1) % 4])).map(|(a, b)| a[0] * b[1] - a[1] * b[0]).sum();
        for (shape, expected) in [
            (Shape::Rect(area(3.25, 7.5, 10.5, 4.25), black), 10.5 * 4.25),
            (Shape::Disc([20.3, 24.8], 9.0, black), std::f64::consts::PI * 81.0),
            (Shape::Ring([20.3, 24.8], 9.0, black), std::f64::consts::PI * 18.0),
            (Shape::Path(vec![vec![[10.0, 10.0], [40.0, 10.0]]], 2.0, black), 60.0 + 3.0),
            (Shape::Polygon(corners.iter().rev().copied().collect(), black), 0.5 * twice),
            (Shape::Polygon(corners, black), 0.5 * twice),
        ] {
            let found = sum(shape.clone());
            assert!((found / expected - 1.0).abs() < 0.02, "{shape:?}: {found} for {expected}");
        }
        assert_eq!(sum(Shape::Disc([f64::NAN, 3.0], 5.0, black)), 0.0);
    }
}
