//! A picture as a list of shapes, written as SVG or painted into the pixels of a PNG.

use super::paint;
use super::raster::{Raster, check_size};
use crate::runs::files::write_atomically;
use crate::text::escaped;
use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// A point in pixels from the upper left corner of the picture.
pub(super) type Point = [f64; 2];
/// Red, green, and blue.
pub(super) type Color = [u8; 3];

/// The color of text.
pub(super) const INK: Color = [40; 3];
/// The color of less important text.
pub(super) const PALE: Color = [120; 3];
/// The font size of most texts, in pixels.
pub(super) const SIZE: f64 = 13.0;

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A color, and how much it covers of what lies below: 1 hides it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Paint {
    pub(super) color: Color,
    pub(super) opacity: f64,
}

impl From<Color> for Paint {
    fn from(color: Color) -> Self {
        Self { color, opacity: 1.0 }
    }
}

/// Which end of a text its position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// One line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) text: String,
    /// Along the text, the anchor's place; across it, the middle.
    pub(super) at: Point,
    pub(super) anchor: Anchor,
    pub(super) size: f64,
    pub(super) color: Color,
    /// Whether it runs upward instead of to the right.
    pub(super) upward: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Rect(Area, Paint),
    Disc(Point, f64, Paint),
    /// A circle of one pixel's width.
    Ring(Point, f64, Paint),
    /// Connected points. Several pieces are one path: where they cross, the color is not laid on twice.
    Path(Vec<Vec<Point>>, f64, Paint),
    /// A convex polygon, filled.
    Polygon(Vec<Point>, Paint),
    Text(Text),
    /// Pixels, and where their upper left corner is.
    Image([usize; 2], Raster),
}

/// A picture on a white background.
#[derive(Debug, Clone)]
pub struct Canvas {
    width: usize,
    height: usize,
    /// Each shape, and the area outside of which it is not drawn.
    shapes: Vec<(Area, Shape)>,
    clip: Area,
}

impl Canvas {
    /// An empty picture of this many pixels.
    pub(super) fn new(width: usize, height: usize) -> Result<Self> {
        check_size(width, height)?;
        let clip = Area { left: 0.0, top: 0.0, width: width as f64, height: height as f64 };
        Ok(Self { width, height, shapes: Vec::new(), clip })
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.height
    }

    pub(super) fn add(&mut self, shape: Shape) {
        self.shapes.push((self.clip, shape));
    }

    /// Adds shapes of which only what is inside an area is drawn.
    pub(super) fn inside(&mut self, area: Area, shapes: impl IntoIterator<Item = Shape>) {
        self.shapes.extend(shapes.into_iter().map(|shape| (area, shape)));
    }

    /// Writes a line of text of the usual size.
    pub(super) fn write(&mut self, at: Point, anchor: Anchor, text: &str) {
        self.write_as(at, anchor, text, SIZE, INK);
    }

    pub(super) fn write_as(&mut self, at: Point, anchor: Anchor, text: &str, size: f64, color: Color) {
        self.add(Shape::Text(Text { text: text.to_owned(), at, anchor, size, color, upward: false }));
    }

    /// Adds free space on the right.
    pub(super) fn widen(&mut self, pixels: usize) -> Result<()> {
        let shapes = std::mem::take(&mut self.shapes);
        *self = Self { shapes, ..Self::new(self.width + pixels, self.height)? };
        Ok(())
    }

    /// The picture as pixels. Does not fail: the size was checked when the picture was begun.
    pub fn raster(&self) -> Result<Raster> {
        paint::paint(self.width, self.height, &self.shapes)
    }

    /// Writes the picture as PNG or SVG, whichever the path ends in; either the whole file or none.
    pub fn save(&self, path: &Path) -> Result<()> {
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        match ending.to_ascii_lowercase().as_str() {
            "svg" => write_atomically(path, |file| file.write_all(self.svg().as_bytes())),
            "png" => self.raster()?.save_png(path),
            _ => bail!("{} is neither a PNG nor an SVG; let its name end in .png or .svg", path.display()),
        }
    }

    /// The picture as SVG text.
    pub fn svg(&self) -> String {
        let (width, height) = (self.width, self.height);
        let size = format!("width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\"");
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} font-family=\"sans-serif\">\n\
             <path d=\"M0 0H{width}V{height}H0z\" fill=\"#fff\"/>\n"
        );
        let mut clip = self.clip;
        for (area, shape) in &self.shapes {
            if *area != clip {
                svg += if clip == self.clip { "" } else { "</svg>\n" };
                if *area != self.clip {
                    let [x, y, w, h] = [area.left, area.top, area.width, area.height].map(short);
                    // A nested drawing shows nothing outside of its viewport.
                    let _ = writeln!(
                        svg,
                        "<svg x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" viewBox=\"{x} {y} {w} {h}\">"
                    );
                }
                clip = *area;
            }
            element(&mut svg, shape);
        }
        svg + if clip == self.clip { "" } else { "</svg>\n" } + "</svg>\n"
    }
}

fn element(svg: &mut String, shape: &Shape) {
    // Writing into a string cannot fail.
    let _ = match shape {
        Shape::Rect(area, paint) => {
            let [x, y, w, h] = [area.left, area.top, area.width, area.height].map(short);
            writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" {}/>", attributes("fill", *paint))
        }
        Shape::Disc([x, y], radius, paint) => {
            let [x, y, r] = [*x, *y, *radius].map(short);
            writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" {}/>", attributes("fill", *paint))
        }
        Shape::Ring([x, y], radius, paint) => {
            let [x, y, r] = [*x, *y, *radius].map(short);
            writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"none\" {}/>", attributes("stroke", *paint))
        }
        Shape::Path(pieces, width, paint) => {
            let path: String = pieces.iter().map(|piece| format!("M{}", places(piece))).collect();
            let (width, stroke) = (short(*width), attributes("stroke", *paint));
            writeln!(svg, "<path d=\"{path}\" fill=\"none\" {stroke} stroke-width=\"{width}\"/>")
        }
        Shape::Polygon(corners, paint) => {
            writeln!(svg, "<polygon points=\"{}\" {}/>", places(corners), attributes("fill", *paint))
        }
        Shape::Text(Text { text, at: [x, y], anchor, size, color, upward }) => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let turn =
                if *upward { format!(" transform=\"rotate(-90 {} {})\"", short(*x), short(*y)) } else { String::new() };
            // From the middle of a letter to the line it stands on.
            let [x, y, size] = [*x, *y + 0.35 * size, *size].map(short);
            let text = escaped(text, &[]).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let fill = attributes("fill", (*color).into());
            writeln!(
                svg,
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" {fill}{turn}>{text}</text>"
            )
        }
        Shape::Image([x, y], raster) => {
            let (width, height, data) = (raster.width(), raster.height(), STANDARD.encode(raster.png()));
            writeln!(
                svg,
                "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" href=\"data:image/png;base64,{data}\"/>"
            )
        }
    };
}

fn attributes(what: &str, Paint { color: [r, g, b], opacity }: Paint) -> String {
    let opacity = if opacity < 1.0 { format!(" {what}-opacity=\"{}\"", short(opacity)) } else { String::new() };
    format!("{what}=\"#{r:02X}{g:02X}{b:02X}\"{opacity}")
}

fn places(points: &[Point]) -> String {
    points.iter().map(|&[x, y]| format!("{},{}", short(x), short(y))).collect::<Vec<_>>().join(" ")
}

/// A number with at most two decimals.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// About how many pixels a text is long, in either format.
pub(super) fn length(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 7.0 / SIZE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_chooses_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let canvas = Canvas::new(30, 20).unwrap();
        for (name, start) in [("a.SVG", &b"<svg"[..]), ("a.png", b"\x89PNG")] {
            canvas.save(&folder.path().join(name)).unwrap();
            assert!(std::fs::read(folder.path().join(name)).unwrap().starts_with(start));
        }
        for name in ["a.jpg", "a", ""] {
            assert!(canvas.save(Path::new(name)).is_err());
        }
    }

    #[test]
    fn markup_in_a_text_stays_text() {
        let mut canvas = Canvas::new(30, 20).unwrap();
        canvas.write([0.0, 10.0], Anchor::Start, "<script>&\n\u{202e}");
        assert!(canvas.svg().contains(">&lt;script&gt;&amp;\\n\\u{202e}</text>"));
    }

    #[test]
    fn nested_drawings_are_closed() {
        let mut canvas = Canvas::new(30, 20).unwrap();
        let disc = Shape::Disc([10.0; 2], 20.0, INK.into());
        for left in [5.0, 5.0, 12.0] {
            canvas.inside(Area { left, top: 5.0, width: 5.0, height: 10.0 }, [disc.clone()]);
        }
        let svg = canvas.svg();
        assert_eq!([svg.matches("<svg").count(), svg.matches("</svg>").count()], [3, 3]);
        let raster = canvas.raster().unwrap();
        let dark = |x| raster.rgb(x, 10) == INK;
        assert_eq!([4, 5, 9, 10, 11, 12, 16, 17].map(dark), [false, true, true, false, false, true, true, false]);
    }
}
