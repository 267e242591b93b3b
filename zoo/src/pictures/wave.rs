//! Signals over time: each as its waveform and, below it, its spectrogram.

mod spectrum;

use anyhow::Result;
use spectrum::Spectrum;

use super::axes::{Axes, color_bar, viridis};
use super::canvas::{Anchor, Area, Canvas, Shape};
use super::scale::Scale;
use super::{PALETTE, misshaped, nothing};

/// The most signals below each other in a column; further ones are left out.
pub const MOST: usize = 4;

/// The width of a signal's picture, and the heights of its waveform and its spectrogram, in pixels.
const WIDTH: usize = 440;
const WAVEFORM: usize = 72;
const SPECTRUM: usize = 112;
/// Between the two parts of one signal.
const GAP: usize = 14;
/// Around all: for labels on the left, for the column's title, for the labels of the last row.
const LEFT: usize = 66;
const RIGHT: usize = 22;
const TOP: usize = 34;
const BOTTOM: usize = 46;
/// Between one signal and the next below it, and from one to the next.
const BELOW: usize = 20;
const STEP: usize = WAVEFORM + GAP + SPECTRUM + BELOW;
/// The width of the color bar, without and with its labels.
const BAR: usize = 14;
const BAR_ROOM: usize = BAR + 66;

/// The level of the darkest color, in decibels below a sine from −1 to 1.
const DARKEST: f64 = 80.0;

/// Draws columns of signals, each with its title: the first [`MOST`] signals of each column below each other, each of `samples` values at `rate` Hz, all on the same scales.
/// Values that are not finite leave gaps.
pub fn draw(columns: &[(&str, &[f32])], samples: usize, rate: u32) -> Result<Canvas> {
    for (_, column) in columns {
        let values = column.len();
        if samples == 0 || rate == 0 || !values.is_multiple_of(samples) {
            return Err(misshaped(values, format_args!("signals of {samples} samples at {rate} Hz")));
        }
    }
    let rows = columns.iter().map(|(_, column)| (column.len() / samples).min(MOST)).max().unwrap_or(0);
    if rows == 0 {
        return Err(nothing("a picture of no signals"));
    }
    let step = LEFT + WIDTH + RIGHT;
    let width = columns.len().saturating_mul(step).saturating_add(BAR_ROOM);
    let mut canvas = Canvas::new(width, TOP + rows * STEP - BELOW + BOTTOM)?;

    let shown = columns.iter().flat_map(|(_, column)| column.iter().take(MOST * samples));
    let loudest = shown.filter(|x| x.is_finite());
    let reach = f64::from(loudest.fold(1.0f32, |reach, x| reach.max(x.abs())));
    let spectrum = Spectrum::new(WIDTH);
    let times = Scale::linear([0.0, samples as f64 * 1000.0 / f64::from(rate)]);
    let [amplitudes, frequencies] = [[-reach, reach], [0.0, f64::from(rate) / 2000.0]].map(Scale::linear);
    let area = |left: usize, top: usize, width: usize, height: usize| Area {
        left: left as f64,
        top: top as f64,
        width: width as f64,
        height: height as f64,
    };
    for (i, (title, column)) in columns.iter().enumerate() {
        let left = i * step + LEFT;
        let middle = (left + WIDTH / 2) as f64;
        canvas.write([middle, TOP as f64 / 2.0], Anchor::Middle, title);
        let signals = column.chunks_exact(samples).take(MOST);
        let last = signals.len().saturating_sub(1);
        for (row, signal) in signals.enumerate() {
            let upper = area(left, TOP + row * STEP, WIDTH, WAVEFORM);
            let mut axes = Axes { canvas: &mut canvas, area: upper, scales: [times, amplitudes] };
            axes.y_ticks(4);
            axes.x_ticks(6, false);
            // The edge first: it must not hide what reaches it.
            axes.edge();
            waveform(&mut axes, signal);
            let lower = area(left, TOP + row * STEP + WAVEFORM + GAP, WIDTH, SPECTRUM);
            let mut axes = Axes { canvas: &mut canvas, area: lower, scales: [times, frequencies] };
            axes.y_ticks(4);
            axes.x_ticks(6, row == last);
            let levels = spectrum.levels(signal, SPECTRUM);
            axes.fill(|x, y| viridis(1.0 + levels[y * WIDTH + x] / DARKEST))?;
            axes.edge();
            canvas.write([lower.left - 62.0, lower.top + lower.height / 2.0], Anchor::Start, "kHz");
            if row == last {
                canvas.write([middle, lower.top + lower.height + 32.0], Anchor::Middle, "ms");
            }
        }
    }
    let bar = area(columns.len() * step, TOP + WAVEFORM + GAP, BAR, SPECTRUM);
    color_bar(&mut canvas, bar, [-DARKEST, 0.0], "dB")?;
    Ok(canvas)
}

/// The signal, linear between its samples. Where several samples share a column of pixels, the column reaches from the
/// least to the greatest.
fn waveform(axes: &mut Axes<'_>, signal: &[f32]) {
    let last = signal.len() - 1;
    let at = |place: f64| {
        let first = (place as usize).min(last);
        let share = place - first as f64;
        let [a, b] = [signal[first], signal[(first + 1).min(last)]].map(f64::from);
        if share > 0.0 { a * (1.0 - share) + b * share } else { a }
    };
    let Area { left, top, height, .. } = axes.area;
    let middle = |x: f64| top + 0.5 + (1.0 - axes.scales[1].share(x)) * (height - 1.0);
    let column = |x: usize| {
        let [from, to] = [x, x + 1].map(|x| x as f64 / WIDTH as f64 * last as f64);
        let inside = (from.ceil() as usize..=to.floor() as usize).map(|i| f64::from(signal[i]));
        let through = inside.chain([at(from), at(to)]).filter(|x| x.is_finite());
        let (low, high) = through.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        // At least as high as one pixel.
        let (top, bottom) = (middle(high) - 0.5, middle(low) + 0.5);
        let area = Area { left: left + x as f64, top, width: 1.0, height: bottom - top };
        (low <= high).then(|| Shape::Rect(area, PALETTE[0].into()))
    };
    let columns: Vec<Shape> = (0..WIDTH).filter_map(column).collect();
    axes.inside(columns);
}

#[cfg(test)]
mod tests;
