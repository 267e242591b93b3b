//! A density over the plane: as a heat map, as samples beside data, and as the map that makes it.

use super::frame::{AROUND, BESIDE, Frame, color_bar};
use super::heat::{between, brightest};
use super::scatter::share;
use super::{PALETTE, PictureError, Raster, Window};

/// Pixels from one side of a square to the other.
const SIDE: usize = 420;
/// A square with its numbers.
const FRAME: usize = SIDE + AROUND;

const DATA: [u8; 3] = PALETTE[1];
const SAMPLES: [u8; 3] = PALETTE[0];
const FAINT: [u8; 3] = [120; 3];

/// What a model of the plane has learned, computed and ready to be drawn.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The part of the plane that is shown.
    pub window: Window,
    /// Cells along each side of the window.
    pub cells: usize,
    /// The density in the middle of each, row after row from the top, finite and at least 0.
    pub density: Vec<f32>,
    /// Points of the data, x and y in turn.
    pub data: Vec<f32>,
    /// Points of the model.
    pub samples: Vec<f32>,
    /// Lines of constant z₁, carried to x: points, x and y in turn.
    pub upright: Vec<Vec<f32>>,
    /// Lines of constant z₂.
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

    /// The density as colors, with a bar that says which is how much.
    pub fn heat(&self) -> Result<Raster, PictureError> {
        self.check()?;
        let mut picture = Raster::new(FRAME + BESIDE, FRAME, [255; 3])?;
        self.draw_heat(&mut picture, 0);
        Ok(picture)
    }

    /// The data's points, and beside them the model's.
    pub fn points(&self) -> Result<Raster, PictureError> {
        self.check()?;
        let mut picture = Raster::new(2 * FRAME, FRAME, [255; 3])?;
        self.draw_points(&mut picture, 0, "data", &self.data, DATA);
        self.draw_points(&mut picture, FRAME, "samples", &self.samples, SAMPLES);
        Ok(picture)
    }

    /// The straight grid of the latents as the model bends it, over faint data.
    pub fn warp(&self) -> Result<Raster, PictureError> {
        self.check()?;
        let mut picture = Raster::new(FRAME, FRAME, [255; 3])?;
        self.draw_warp(&mut picture, 0);
        Ok(picture)
    }

    /// Density, samples and grid side by side.
    pub fn panel(&self) -> Result<Raster, PictureError> {
        self.check()?;
        let mut picture = Raster::new(3 * FRAME + BESIDE, FRAME, [255; 3])?;
        self.draw_heat(&mut picture, 0);
        self.draw_points(&mut picture, FRAME + BESIDE, "samples", &self.samples, SAMPLES);
        self.draw_warp(&mut picture, 2 * FRAME + BESIDE);
        Ok(picture)
    }

    fn draw_heat(&self, picture: &mut Raster, left: usize) {
        let highest = brightest(&self.density);
        let mut frame = Frame::new(picture, (left, 0), SIDE, self.window, "p(x)");
        frame.fill(|x, y| viridis(between(&self.density, self.cells, SIDE, [x, y]) / highest));
        frame.close();
        color_bar(picture, (left + FRAME, 0), SIDE, highest, viridis);
    }

    fn draw_points(&self, picture: &mut Raster, left: usize, title: &str, points: &[f32], color: [u8; 3]) {
        let mut frame = Frame::new(picture, (left, 0), SIDE, self.window, title);
        let share = share(points.len() / 2);
        for point in points.chunks_exact(2) {
            frame.dot([point[0], point[1]], color, share);
        }
        frame.close();
    }

    fn draw_warp(&self, picture: &mut Raster, left: usize) {
        let mut frame = Frame::new(picture, (left, 0), SIDE, self.window, "the grid of z, carried to x");
        let share = share(self.data.len() / 2);
        for point in self.data.chunks_exact(2) {
            frame.dot([point[0], point[1]], FAINT, share);
        }
        for (lines, color) in [(&self.level, PALETTE[1]), (&self.upright, PALETTE[0])] {
            for line in lines {
                frame.line(line, color, 0.7);
            }
        }
        frame.close();
    }
}

/// The color of a number from 0 to 1: equal differences look equal, in gray and to any color vision too
/// (nine points of the map that is called viridis; Smith and van der Walt 2015).
pub(super) fn viridis(value: f64) -> [u8; 3] {
    const POINTS: [[u8; 3]; 9] = [
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
    let between = |a: u8, b: u8| (f64::from(a) * (1.0 - share) + f64::from(b) * share).round() as u8;
    let [a, b] = [POINTS[first], POINTS[first + 1]];
    [between(a[0], b[0]), between(a[1], b[1]), between(a[2], b[2])]
}

#[cfg(test)]
mod tests {
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
    fn the_highest_density_is_yellow_where_it_lies() {
        let picture = scene().heat().unwrap();
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
        let picture = scene().points().unwrap();
        assert_eq!((picture.width(), picture.height()), (2 * 496, 496));
        let [red, _, blue] = color(&picture, [1.0, 1.0]);
        assert!(red > blue + 50);
        let (x, y) = pixel([-1.0, -1.0]);
        let [red, _, blue] = picture.rgb(496 + x, y);
        assert!(blue > red + 50);

        let picture = scene().warp().unwrap();
        for y in [-1.7, -0.3, 1.2] {
            let [red, _, blue] = color(&picture, [-1.0, y]);
            assert!(blue > red + 50, "{y}");
        }
        let [red, _, blue] = color(&picture, [-0.3, 0.5]);
        assert!(red > blue + 50);
    }

    #[test]
    fn the_panel_is_the_three_side_by_side() {
        let (scene, panel) = (scene(), scene().panel().unwrap());
        assert_eq!((panel.width(), panel.height()), (3 * 496 + 88, 496));
        for (picture, from, to) in [
            (scene.heat().unwrap(), 0, 0),
            (scene.points().unwrap(), 496, 496 + 88),
            (scene.warp().unwrap(), 0, 2 * 496 + 88),
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
