//! A model of the plane: its density as a heat map, samples beside data, and the grid of z mapped to x.

use super::axes::{AROUND, Axes, BAR_WIDTH, color_bar_beside, square};
use super::canvas::{Canvas, Color, Paint};
use super::heat::{self, brightest};
use super::scatter::opacity;
use super::{PALETTE, Window, nothing};
use anyhow::Result;

/// The side of a square in pixels, and that with its labels.
const SIDE: usize = 420;
const WHOLE: usize = SIDE + AROUND;

/// A view of a scene: one square of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The density as colors, with a color bar.
    Density,
    /// The data.
    Data,
    /// The samples.
    Samples,
    /// The straight grid of the latents as the model bends it, over pale data.
    Grid,
}

/// What is drawn of a model of the plane.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The part of the plane that is shown.
    pub window: Window,
    /// The density at the center of each of n × n cells, row by row from the top, finite and at least 0.
    pub density: Vec<f32>,
    /// Data points; x and y alternate.
    pub data: Vec<f32>,
    /// Samples of the model.
    pub samples: Vec<f32>,
    /// Lines of constant z₁, mapped to x: points; x and y alternate.
    pub upright: Vec<Vec<f32>>,
    /// Lines of constant z₂, mapped to x.
    pub level: Vec<Vec<f32>>,
}

impl Scene {
    /// Draws views side by side.
    pub fn draw(&self, views: &[View]) -> Result<Canvas> {
        let highest = brightest(&self.density);
        if !self.window.is_sound() || highest <= 0.0 {
            return Err(nothing("a window where the density is 0"));
        }
        let width = |view: View| WHOLE + if view == View::Density { BAR_WIDTH } else { 0 };
        let mut canvas = Canvas::new(views.iter().map(|&view| width(view)).sum(), WHOLE)?;
        let mut left = 0;
        for &view in views {
            let title = match view {
                View::Density => "p(x)",
                View::Data => "data",
                View::Samples => "samples",
                View::Grid => "the grid of z, mapped to x",
            };
            square(&mut canvas, [left, 0], SIDE, (title, self.window), |axes| match view {
                View::Density => heat::fill(axes, &self.density, highest),
                View::Data => points(axes, &self.data, PALETTE[1]),
                View::Samples => points(axes, &self.samples, PALETTE[0]),
                View::Grid => {
                    points(axes, &self.data, [120; 3])?;
                    for (lines, color) in [(&self.level, PALETTE[1]), (&self.upright, PALETTE[0])] {
                        lines.iter().for_each(|line| axes.line(pairs(line), Paint { color, opacity: 0.7 }));
                    }
                    Ok(())
                }
            })?;
            if view == View::Density {
                color_bar_beside(&mut canvas, left + WHOLE, SIDE, highest)?;
            }
            left += width(view);
        }
        Ok(canvas)
    }
}

fn points(axes: &mut Axes<'_>, points: &[f32], color: Color) -> Result<()> {
    let paint = Paint { color, opacity: opacity(points.len() / 2) };
    pairs(points).for_each(|at| axes.dot(at, paint));
    Ok(())
}

fn pairs(points: &[f32]) -> impl Iterator<Item = [f64; 2]> + '_ {
    points.chunks_exact(2).map(|point| [point[0].into(), point[1].into()])
}

#[cfg(test)]
mod tests {
    use super::super::Raster;
    use super::super::axes::viridis;
    use super::*;

    /// A density that is high in the upper right quarter, and a grid that is straight.
    fn scene() -> Scene {
        let window = Window::square(2.0);
        let cells = window.cells(8);
        let density = cells.chunks_exact(2).map(|x| if x[0] > 0.0 && x[1] > 0.0 { 0.25 } else { 0.0 });
        let line = |x: f32| vec![x, -5.0, x, 5.0];
        let turned = |y: f32| vec![-5.0, y, f32::NAN, y, -5.0, y, 5.0, y];
        Scene {
            window,
            density: density.collect(),
            data: vec![1.0, 1.0, f32::NAN, 0.0, 9.0, 9.0],
            samples: vec![-1.0, -1.0],
            upright: vec![line(-1.0), line(1.0), line(f32::INFINITY)],
            level: vec![turned(0.5)],
        }
    }

    /// The pixel of a place in the first square.
    fn pixel([x, y]: [f64; 2]) -> (usize, usize) {
        let at = |share: f64| (share * SIDE as f64) as usize;
        (62 + at((x + 2.0) / 4.0), 38 + at((2.0 - y) / 4.0))
    }

    fn drawn(views: &[View]) -> Raster {
        scene().draw(views).unwrap().raster().unwrap()
    }

    fn color(picture: &Raster, place: [f64; 2]) -> [u8; 3] {
        let (x, y) = pixel(place);
        picture.rgb(x, y)
    }

    #[test]
    fn the_highest_density_is_yellow() {
        let picture = drawn(&[View::Density]);
        assert_eq!((picture.width(), picture.height()), (496 + 88, 496));
        assert_eq!(color(&picture, [1.0, 1.0]), viridis(1.0));
        for dark in [[-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]] {
            assert_eq!(color(&picture, dark), viridis(0.0));
        }
        // The bar: dark below, yellow above.
        let [red, green, _] = picture.rgb(496 + 8, 38 + 5);
        assert!(red > 235 && green > 220);
        assert!(picture.rgb(496 + 8, 38 + SIDE - 5)[1] < 20);
    }

    #[test]
    fn points_and_lines_are_where_they_belong() {
        let picture = drawn(&[View::Data, View::Samples]);
        assert_eq!((picture.width(), picture.height()), (2 * 496, 496));
        let [red, _, blue] = color(&picture, [1.0, 1.0]);
        assert!(red > blue + 50);
        let (x, y) = pixel([-1.0, -1.0]);
        let [red, _, blue] = picture.rgb(496 + x, y);
        assert!(blue > red + 50);

        let picture = drawn(&[View::Grid]);
        for y in [-1.7, -0.3, 1.2] {
            let [red, _, blue] = color(&picture, [-1.0, y]);
            assert!(blue > red + 50, "{y}");
        }
        let [red, _, blue] = color(&picture, [-0.3, 0.5]);
        assert!(red > blue + 50);
    }

    #[test]
    fn views_are_side_by_side() {
        let panel = drawn(&[View::Density, View::Samples, View::Grid]);
        assert_eq!((panel.width(), panel.height()), (3 * 496 + 88, 496));
        for (view, left) in [(View::Density, 0), (View::Samples, 496 + 88), (View::Grid, 2 * 496 + 88)] {
            let alone = drawn(&[view]);
            for (x, y) in [(62 + 105, 200), (62 + 315, 143), (30, 250), (200, 470)] {
                assert_eq!(panel.rgb(left + x, y), alone.rgb(x, y), "{x} {y}");
            }
        }
    }

    #[test]
    fn impossible_pictures_are_refused() {
        for broken in [
            Scene { density: vec![], ..scene() },
            Scene { density: vec![0.0; 64], ..scene() },
            Scene { window: Window { x: [1.0, 1.0], y: [0.0, 1.0] }, ..scene() },
            Scene { window: Window::square(f64::NAN), ..scene() },
        ] {
            for view in [View::Density, View::Data, View::Samples, View::Grid] {
                assert!(broken.draw(&[view]).is_err(), "{view:?}");
            }
        }
    }
}
