//! Densities of the plane as heat maps, in panels side by side.

use super::axes::{Axes, panels, viridis};
use super::scatter::Layout;
use super::{Canvas, misshaped};
use anyhow::Result;

/// The share of cells that may have the brightest color.
pub const PEAK: f64 = 1.0 / 400.0;

/// One heat map.
#[derive(Debug, Clone)]
pub struct Panel {
    pub title: String,
    /// The density at the center of each cell of a square, row by row from the top; what is not finite counts as 0.
    /// Each panel has the whole range of colors, from 0 to a value that only the share [`PEAK`] of its cells exceeds:
    /// a sharp peak would leave the rest dark.
    pub density: Vec<f32>,
}

/// Draws the panels.
pub fn draw(all: &[Panel], layout: &Layout) -> Result<Canvas> {
    for panel in all {
        side_of(&panel.density)?;
    }
    let Layout { window, side, columns } = *layout;
    panels(
        all,
        [side, columns],
        |panel| (panel.title.as_str(), window),
        |axes, panel| {
            let density: Vec<f32> = panel.density.iter().map(finite).collect();
            fill(axes, &density, brightest(&density).max(f32::MIN_POSITIVE.into()))
        },
    )
}

/// Fills square axes with the colors of a finite density, from 0 to the brightest.
pub(super) fn fill(axes: &mut Axes<'_>, density: &[f32], brightest: f64) -> Result<()> {
    let (cells, side) = (side_of(density)?, axes.area.width as usize);
    axes.fill(|x, y| viridis(between(density, cells, side, [x, y]) / brightest))
}

/// The number of cells along each side of a square.
fn side_of(density: &[f32]) -> Result<usize> {
    let (values, cells) = (density.len(), density.len().isqrt());
    if values == 0 || cells * cells != values {
        return Err(misshaped(values, "a density with as many rows as columns"));
    }
    Ok(cells)
}

fn finite(&p: &f32) -> f32 {
    if p.is_finite() { p } else { 0.0 }
}

/// The density that gets the brightest color: only the share [`PEAK`] of the cells exceeds it. If it would be 0, the
/// highest density.
pub(super) fn brightest(density: &[f32]) -> f64 {
    let mut sorted: Vec<f32> = density.iter().map(finite).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let place = |share: f64| sorted.len().checked_sub(1 + (share * sorted.len() as f64) as usize);
    let at = |share: f64| place(share).map_or(0.0, |place| f64::from(sorted[place]));
    if at(PEAK) > 0.0 { at(PEAK) } else { at(0.0) }
}

/// The value at a pixel of a square of `side` pixels that shows `cells × cells` values: bilinear interpolation
/// between the nearest cells.
fn between(values: &[f32], cells: usize, side: usize, [x, y]: [usize; 2]) -> f64 {
    let place = |pixel: usize| {
        let at = (pixel as f64 + 0.5) / side as f64 * cells as f64 - 0.5;
        let at = at.clamp(0.0, (cells - 1) as f64);
        let first = at as usize;
        (first, (first + 1).min(cells - 1), at - first as f64)
    };
    let ((left, right, across), (above, below, down)) = (place(x), place(y));
    let cell = |x: usize, y: usize| f64::from(values[y * cells + x]);
    let row = |y: usize| cell(left, y) * (1.0 - across) + cell(right, y) * across;
    row(above) * (1.0 - down) + row(below) * down
}

#[cfg(test)]
mod tests {
    use super::super::axes::AROUND;
    use super::super::{Raster, Window};
    use super::*;

    const SIDE: usize = 40;

    fn layout() -> Layout {
        Layout { window: Window::square(1.0), side: SIDE, columns: 2 }
    }

    fn raster(panels: &[Panel], layout: &Layout) -> Result<Raster> {
        draw(panels, layout)?.raster()
    }

    fn panel(density: &[f32]) -> Panel {
        Panel { title: "a panel".into(), density: density.to_vec() }
    }

    #[test]
    fn each_panel_is_brightest_where_its_density_is_highest() {
        let panels = [panel(&[0.0, 5.0, 0.0, 0.0]), panel(&[0.0, 0.0, 1e-3, f32::NAN]), panel(&[0.0; 4])];
        let picture = raster(&panels, &layout()).unwrap();
        let step = SIDE + AROUND;
        assert_eq!((picture.width(), picture.height()), (2 * step, 2 * step));
        let corner = |panel: usize, right: bool, low: bool| {
            let at = |far: bool| if far { SIDE - 2 } else { 1 };
            picture.rgb(panel % 2 * step + 62 + at(right), panel / 2 * step + 38 + at(low))
        };
        assert_eq!([corner(0, true, false), corner(1, false, true)], [viridis(1.0); 2]);
        for dark in [corner(0, false, false), corner(1, true, false), corner(2, true, true)] {
            assert_eq!(dark, viridis(0.0));
        }
    }

    #[test]
    fn a_sharp_peak_leaves_colors_for_the_rest() {
        let mut density = vec![1.0; 400];
        density[0] = 1e6;
        let picture = raster(&[panel(&density)], &layout()).unwrap();
        assert_eq!(picture.rgb(62 + SIDE / 2, 38 + SIDE / 2), viridis(1.0));
    }

    #[test]
    fn impossible_pictures_are_refused() {
        let one = [panel(&[1.0; 4])];
        assert!(raster(&one, &layout()).is_ok());
        for broken in [&[][..], &[panel(&[1.0; 3])], &[panel(&[])]] {
            assert!(raster(broken, &layout()).is_err(), "{broken:?}");
        }
    }
}
