//! Signals as they go through time: each as its waveform and, below, its spectrogram; data beside samples.

mod spectrum;

use spectrum::Spectrum;

use super::density::viridis;
use super::plane::ticks;
use super::{PALETTE, PictureError, Raster, text};

/// Signals below each other in a column; a column's further ones are left out.
pub const MOST: usize = 4;

/// Pixels of a signal's picture: its width, and the heights of its two parts.
const WIDTH: usize = 440;
const WAVEFORM: usize = 72;
const SPECTRUM: usize = 112;
/// Between the two parts of one signal.
const GAP: usize = 14;
/// Around all: for the numbers on the left, for the column's title, for the numbers of the last row.
const LEFT: usize = 66;
const RIGHT: usize = 22;
const TOP: usize = 34;
const BOTTOM: usize = 46;
/// Between one signal and the next below it, and from one to the next.
const BELOW: usize = 20;
const STEP: usize = WAVEFORM + GAP + SPECTRUM + BELOW;
/// The bar that says which color is how loud, with its numbers.
const BAR: usize = 14;
const BAR_ROOM: usize = BAR + 66;

/// What is darkest, in decibels below a sine from −1 to 1.
const DARKEST: f64 = 80.0;

const LETTERS: [u8; 3] = [70; 3];
const EDGE: [u8; 3] = [150; 3];
const GRID: [u8; 3] = [225; 3];

/// Signals of one kind, below each other.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// Above the first of them.
    pub title: &'a str,
    /// The signals, one after another.
    pub values: &'a [f32],
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy)]
struct Area {
    left: usize,
    top: usize,
    height: usize,
}

/// Draws the first [`MOST`] signals of each column, all of `samples` numbers at `rate` Hz, on the same scales.
/// Numbers that are not finite leave gaps.
///
/// # Errors
/// If the values of a column are not whole signals, if there is none at all, or if there are too many columns.
pub fn draw(columns: &[Column<'_>], samples: usize, rate: u32) -> Result<Raster, PictureError> {
    for column in columns {
        let values = column.values.len();
        if samples == 0 || rate == 0 || !values.is_multiple_of(samples) {
            return Err(PictureError::Shape { values, what: format!("signals of {samples} samples at {rate} Hz") });
        }
    }
    let rows = columns.iter().map(|column| (column.values.len() / samples).min(MOST)).max().unwrap_or(0);
    if rows == 0 {
        return Err(PictureError::Nothing { what: "a picture of no signals".into() });
    }
    let step = LEFT + WIDTH + RIGHT;
    let width = columns.len().saturating_mul(step).saturating_add(BAR_ROOM);
    let height = TOP + rows * STEP - BELOW + BOTTOM;
    let mut picture = Raster::new(width, height, [255; 3])?;

    let shown = |column: &Column<'_>| column.values.len().min(MOST * samples);
    let loudest = columns.iter().flat_map(|column| &column.values[..shown(column)]).filter(|x| x.is_finite());
    let reach = f64::from(loudest.fold(1.0f32, |reach, x| reach.max(x.abs())));
    let spectrum = Spectrum::new(WIDTH);
    let milliseconds = samples as f64 * 1000.0 / f64::from(rate);
    for (i, column) in columns.iter().enumerate() {
        let left = i * step + LEFT;
        let middle = (left + WIDTH / 2).saturating_sub(text::width(column.title) / 2);
        text::write(&mut picture, (middle, (TOP - text::HEIGHT) / 2), column.title, LETTERS);
        let signals = column.values.chunks_exact(samples).take(MOST);
        let last = signals.len().saturating_sub(1);
        for (row, signal) in signals.enumerate() {
            let upper = Area { left, top: TOP + row * STEP, height: WAVEFORM };
            let lower = Area { left, top: upper.top + WAVEFORM + GAP, height: SPECTRUM };
            upright_axis(&mut picture, upper, [-reach, reach], 4, "");
            times(&mut picture, upper, milliseconds, GRID);
            // The edge first: it must not hide what reaches it.
            edge(&mut picture, upper);
            waveform(&mut picture, upper, signal, reach);
            upright_axis(&mut picture, lower, [0.0, f64::from(rate) / 2000.0], 4, "kHz");
            let levels = spectrum.levels(signal, lower.height);
            for (at, &level) in levels.iter().enumerate() {
                let color = viridis(1.0 + level / DARKEST);
                picture.blend(left + at % WIDTH, lower.top + at / WIDTH, color, 1.0);
            }
            edge(&mut picture, lower);
            if row == last {
                numbers(&mut picture, lower, milliseconds);
            }
        }
    }
    let bar = Area { left: columns.len() * step, top: TOP + WAVEFORM + GAP, height: SPECTRUM };
    color_bar(&mut picture, bar);
    Ok(picture)
}

/// Marks, with their numbers, on the left of an area, and lines across it.
fn upright_axis(picture: &mut Raster, area: Area, [low, high]: [f64; 2], most: usize, unit: &str) {
    for (at, label) in ticks([low, high], most) {
        let y = area.top + ((high - at) / (high - low) * (area.height - 1) as f64).round() as usize;
        for x in 0..4 {
            picture.blend(area.left - 4 + x, y, EDGE, 1.0);
        }
        for x in 0..WIDTH {
            picture.blend(area.left + x, y, GRID, 1.0);
        }
        let start = (area.left - 8).saturating_sub(text::width(&label));
        text::write(picture, (start, y - text::HEIGHT / 2), &label, LETTERS);
    }
    let middle = (area.top + area.height / 2).saturating_sub(text::HEIGHT / 2);
    text::write(picture, (area.left + 4 - LEFT, middle), unit, LETTERS);
}

/// The pixel of a time among so many milliseconds, and what to write there.
fn marks(milliseconds: f64) -> impl Iterator<Item = (usize, String)> {
    let pixel = move |at: f64| (at / milliseconds * (WIDTH - 1) as f64).round() as usize;
    ticks([0.0, milliseconds], 6).into_iter().map(move |(at, label)| (pixel(at), label))
}

/// Lines through an area at round times.
fn times(picture: &mut Raster, area: Area, milliseconds: f64, color: [u8; 3]) {
    for (x, _) in marks(milliseconds) {
        for y in 0..area.height {
            picture.blend(area.left + x, area.top + y, color, 1.0);
        }
    }
}

/// The times themselves, below an area.
fn numbers(picture: &mut Raster, area: Area, milliseconds: f64) {
    let below = area.top + area.height;
    for (x, label) in marks(milliseconds) {
        for y in 0..4 {
            picture.blend(area.left + x, below + y, EDGE, 1.0);
        }
        let start = (area.left + x).saturating_sub(text::width(&label) / 2);
        text::write(picture, (start, below + 6), &label, LETTERS);
    }
    text::write(picture, (area.left + WIDTH / 2 - text::width("ms") / 2, below + 24), "ms", LETTERS);
}

/// The signal from −`reach` to `reach`. Where several of its numbers share a column of pixels, that column goes
/// from the least to the greatest.
fn waveform(picture: &mut Raster, area: Area, signal: &[f32], reach: f64) {
    let last = signal.len() - 1;
    // Linear between the samples.
    let at = |place: f64| {
        let first = (place as usize).min(last);
        let share = place - first as f64;
        let [a, b] = [signal[first], signal[(first + 1).min(last)]].map(f64::from);
        if share > 0.0 { a * (1.0 - share) + b * share } else { a }
    };
    let row = |x: f64| (reach - x) / (2.0 * reach) * (area.height - 1) as f64;
    for x in 0..WIDTH {
        let [from, to] = [x, x + 1].map(|x| x as f64 / WIDTH as f64 * last as f64);
        let inside = (from.ceil() as usize..=to.floor() as usize).map(|i| f64::from(signal[i]));
        let through = inside.chain([at(from), at(to)]).filter(|x| x.is_finite());
        let (low, high) = through.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            continue;
        }
        // A line of one pixel's height at least, softened at its ends.
        let (top, bottom) = (row(high) - 0.5, row(low) + 0.5);
        for y in 0..area.height {
            let share = (bottom.min(y as f64 + 0.5) - top.max(y as f64 - 0.5)).clamp(0.0, 1.0);
            picture.blend(area.left + x, area.top + y, PALETTE[0], share);
        }
    }
}

fn edge(picture: &mut Raster, area: Area) {
    for y in 0..area.height {
        for x in [0, WIDTH - 1] {
            picture.blend(area.left + x, area.top + y, EDGE, 1.0);
        }
    }
    for x in 0..WIDTH {
        for y in [0, area.height - 1] {
            picture.blend(area.left + x, area.top + y, EDGE, 1.0);
        }
    }
}

/// Which color is how many decibels.
fn color_bar(picture: &mut Raster, area: Area) {
    for y in 0..area.height {
        let color = viridis(1.0 - y as f64 / (area.height - 1) as f64);
        for x in 0..BAR {
            picture.blend(area.left + x, area.top + y, color, 1.0);
        }
    }
    for (at, label) in ticks([-DARKEST, 0.0], 4) {
        let y = area.top + (-at / DARKEST * (area.height - 1) as f64).round() as usize;
        for x in 0..4 {
            picture.blend(area.left + BAR + x, y, EDGE, 1.0);
        }
        text::write(picture, (area.left + BAR + 8, y - text::HEIGHT / 2), &label, LETTERS);
    }
    text::write(picture, (area.left, area.top - text::HEIGHT - 10), "dB", LETTERS);
}

#[cfg(test)]
mod tests;
