//! A model of the plane: its density as a heat map, samples beside data, and the grid of z mapped to x.

use super::axes::{AROUND, BAR_WIDTH, color_bar_beside, square, viridis};
use super::canvas::{Canvas, Color, Paint};
use super::heat::{between, brightest};
use super::scatter::opacity;
use super::{PALETTE, PictureError, Window};

/// The side of a square in pixels, and that with its labels.
const SIDE: usize = 420;
const WHOLE: usize = SIDE + AROUND;

const DATA: Color = PALETTE[1];
const SAMPLES: Color = PALETTE[0];

/// What is drawn of a model of the plane.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The part of the plane that is shown.
    pub window: Window,
    /// Cells along each side of the window.
    pub cells: usize,
    /// The density at the center of each, row by row from the top, finite and at least 0.
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
    fn check(&self) -> Result<(), PictureError> {
        if self.cells == 0 || self.cells.checked_mul(self.cells) != Some(self.density.len()) {
            let what = format!("density of {0}x{0} cells", self.cells);
            return Err(PictureError::Shape { values: self.density.len(), what });
        }
        if !self.window.is_sound() || brightest(&self.density) <= 0.0 {
            return Err(PictureError::Nothing { what: "a window where the density is 0".into() });
        }
        Ok(())
    }

    fn canvas(&self, width: usize) -> Result<Canvas, PictureError> {
        self.check()?;
        Canvas::new(width, WHOLE)
    }

    /// The density as colors, with a color bar.
    pub fn heat(&self) -> Result<Canvas, PictureError> {
        let mut canvas = self.canvas(WHOLE + BAR_WIDTH)?;
        self.draw_heat(&mut canvas, 0)?;
        Ok(canvas)
    }

    /// The data, and the samples beside them.
    pub fn points(&self) -> Result<Canvas, PictureError> {
        let mut canvas = self.canvas(2 * WHOLE)?;
        self.draw_points(&mut canvas, 0, "data", &self.data, DATA);
        self.draw_points(&mut canvas, WHOLE, "samples", &self.samples, SAMPLES);
        Ok(canvas)
    }

    /// The straight grid of the latents as the model bends it, over pale data.
    pub fn warp(&self) -> Result<Canvas, PictureError> {
        let mut canvas = self.canvas(WHOLE)?;
        self.draw_warp(&mut canvas, 0);
        Ok(canvas)
    }

    /// Density, samples, and grid side by side.
    pub fn panel(&self) -> Result<Canvas, PictureError> {
        let mut canvas = self.canvas(3 * WHOLE + BAR_WIDTH)?;
        self.draw_heat(&mut canvas, 0)?;
        self.draw_points(&mut canvas, WHOLE + BAR_WIDTH, "samples", &self.samples, SAMPLES);
        self.draw_warp(&mut canvas, 2 * WHOLE + BAR_WIDTH);
        Ok(canvas)
    }

    fn draw_heat(&self, canvas: &mut Canvas, left: usize) -> Result<(), PictureError> {
        let highest = brightest(&self.density);
        square(canvas, [left, 0], SIDE, self.window, "p(x)", |axes| {
            axes.fill(|x, y| viridis(between(&self.density, self.cells, SIDE, [x, y]) / highest))
        })?;
        color_bar_beside(canvas, left + WHOLE, SIDE, highest)
    }

    fn draw_points(&self, canvas: &mut Canvas, left: usize, title: &str, points: &[f32], color: Color) {
        let paint = Paint { color, opacity: opacity(points.len() / 2) };
        square(canvas, [left, 0], SIDE, self.window, title, |axes| pairs(points).for_each(|at| axes.dot(at, paint)));
    }

    fn draw_warp(&self, canvas: &mut Canvas, left: usize) {
        square(canvas, [left, 0], SIDE, self.window, "the grid of z, mapped to x", |axes| {
            let pale = Paint { color: [120; 3], opacity: opacity(self.data.len() / 2) };
            pairs(&self.data).for_each(|at| axes.dot(at, pale));
            for (lines, color) in [(&self.level, PALETTE[1]), (&self.upright, PALETTE[0])] {
                lines.iter().for_each(|line| axes.line(pairs(line), Paint { color, opacity: 0.7 }));
            }
        });
    }
}

fn pairs(points: &[f32]) -> impl Iterator<Item = [f64; 2]> + '_ {
    points.chunks_exact(2).map(|point| [point[0].into(), point[1].into()])
}

#[cfg(test)]
mod tests {
    use super::super::Raster;
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
            cells: 8,
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

    fn color(picture: &Raster, place: [f64; 2]) -> [u8; 3] {
        let (x, y) = pixel(place);
        picture.rgb(x, y)
    }

    #[test]
    fn the_highest_density_is_yellow() {
        let picture = scene().heat().unwrap().raster().unwrap();
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
        let picture = scene().points().unwrap().raster().unwrap();
        assert_eq!((picture.width(), picture.height()), (2 * 496, 496));
        let [red, _, blue] = color(&picture, [1.0, 1.0]);
        assert!(red > blue + 50);
        let (x, y) = pixel([-1.0, -1.0]);
        let [red, _, blue] = picture.rgb(496 + x, y);
        assert!(blue > red + 50);

        let picture = scene().warp().unwrap().raster().unwrap();
        for y in [-1.7, -0.3, 1.2] {
            let [red, _, blue] = color(&picture, [-1.0, y]);
            assert!(blue > red + 50, "{y}");
        }
        let [red, _, blue] = color(&picture, [-0.3, 0.5]);
        assert!(red > blue + 50);
    }

    #[test]
    fn the_panel_is_the_three_side_by_side() {
        let (scene, panel) = (scene(), scene().panel().unwrap().raster().unwrap());
        assert_eq!((panel.width(), panel.height()), (3 * 496 + 88, 496));
        for (picture, from, to) in [
            (scene.heat().unwrap().raster().unwrap(), 0, 0),
            (scene.points().unwrap().raster().unwrap(), 496, 496 + 88),
            (scene.warp().unwrap().raster().unwrap(), 0, 2 * 496 + 88),
        ] {
            for (x, y) in [(62 + 105, 200), (62 + 315, 143), (30, 250), (200, 470)] {
                assert_eq!(panel.rgb(to + x, y), picture.rgb(from + x, y), "{x} {y}");
            }
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        for broken in [
            Scene { cells: 7, ..scene() },
            Scene { cells: 0, density: vec![], ..scene() },
            Scene { density: vec![0.0; 64], ..scene() },
            Scene { window: Window { x: [1.0, 1.0], y: [0.0, 1.0] }, ..scene() },
            Scene { window: Window::square(f64::NAN), ..scene() },
        ] {
            assert!(broken.heat().is_err() && broken.points().is_err());
            assert!(broken.warp().is_err() && broken.panel().is_err());
        }
    }
}
