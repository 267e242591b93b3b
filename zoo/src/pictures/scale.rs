//! Maps values to positions along an axis, and chooses its ticks.

/// One axis, from its low end to its high one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    log: bool,
    /// The ends; of a logarithmic axis their logarithms to base 10.
    ends: [f64; 2],
}

impl Scale {
    pub(super) const fn linear(ends: [f64; 2]) -> Self {
        Self { log: false, ends }
    }

    /// An axis for all finite values. If it is linear, it has a margin on both sides, a share of the values' range. A
    /// logarithmic one has whole decades, and no room for values at or below 0. None without any value.
    pub(super) fn around(values: impl Iterator<Item = f64>, log: bool, margin: f64) -> Option<Self> {
        let values = values.map(|value| if log { value.log10() } else { value }).filter(|value| value.is_finite());
        let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)]);
        if low > high {
            return None;
        }
        if log {
            return Some(Self { log, ends: [low.floor(), high.ceil().max(low.floor() + 1.0)] });
        }
        let size = low.abs().max(high.abs());
        let margin = if high > low {
            // Not so narrow that all ticks would have one label.
            ((high - low) * margin).max(1e-6 * size)
        } else {
            // A single value is in the middle.
            0.5 * size.max(1.0)
        };
        Some(Self { log, ends: [low - margin, high + margin] })
    }

    /// The position of a value: 0 at the low end, 1 at the high one. Not finite for values that a logarithmic axis
    /// cannot show.
    pub(super) fn share(&self, value: f64) -> f64 {
        let [low, high] = self.ends;
        ((if self.log { value.log10() } else { value }) - low) / (high - low)
    }

    /// Whether a value is between the ends.
    pub(super) fn holds(&self, value: f64) -> bool {
        (0.0..=1.0).contains(&self.share(value))
    }

    /// The values to mark, with their labels: multiples of 1, 2, or 5 times a power of ten, at most `most` + 1
    /// of them, with as many decimals as tell them apart. On a logarithmic axis, powers of ten.
    pub(super) fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let [low, high] = self.ends;
        if self.log {
            let every = ((high - low) as usize).div_ceil(most).max(1);
            let powers = (low as i32..=high as i32).step_by(every).map(|power| 10f64.powi(power));
            return powers.map(|value| (value, number(value))).collect();
        }
        let rough = (high - low) / most.max(1) as f64;
        let power = rough.log10().floor();
        let unit = 10f64.powf(power);
        let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * unit >= rough).unwrap_or(10.0);
        let step = factor * unit;
        let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
        let decimals = (if factor == 10.0 { -power - 1.0 } else { -power }).max(0.0) as usize;
        let large = low.abs().max(high.abs()) >= if decimals == 0 { 1e4 } else { 1e6 };
        let label = |value: f64| match (large, decimals) {
            (false, 0..=4) => format!("{value:.decimals$}"),
            _ => number(value),
        };
        // Too close together for floating point, ticks would not be where their labels say.
        let count = last.saturating_sub(first);
        let at = |k: i64| k as f64 * step;
        (first..=last).filter(|_| count < 100).map(|k| (at(k), label(at(k)))).collect()
    }
}

/// A number in few characters, with "k" and "M" for thousands and millions.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1e9 || (size != 0.0 && size < 1e-3) {
        let text = format!("{value:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", trimmed(digits));
    }
    let (scaled, unit) = match size {
        1e6.. => (value / 1e6, "M"),
        1e4.. => (value / 1e3, "k"),
        _ => (value, ""),
    };
    format!("{}{unit}", trimmed(&format!("{scaled:.3}")))
}

/// A decimal number without the zeros at its end.
fn trimmed(number: &str) -> &str {
    match number.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0",
        trimmed => trimmed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Window;
    use super::*;
    use proptest::prelude::*;

    fn labels(ends: [f64; 2]) -> Vec<String> {
        Scale::linear(ends).ticks(6).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels([-4.0, 4.0]), ["-4", "-2", "0", "2", "4"]);
        assert_eq!(labels([0.0, 1.0]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels([-0.03, 0.021]), ["-0.03", "-0.02", "-0.01", "0.00", "0.01", "0.02"]);
        assert_eq!(labels([4810.0, 5190.0]), ["4900", "5000", "5100"]);
        assert_eq!(labels([0.0, 4e6]), ["0", "1M", "2M", "3M", "4M"]);
    }

    #[test]
    fn axes_show_short_numbers() {
        let numbers = [0.0, -0.0, 1.5, 1_980.5, 60_000.0, 2.5e6, 3e12, 0.25, 1e-4, -12.24];
        let shown = ["0", "0", "1.5", "1980.5", "60k", "2.5M", "3e12", "0.25", "1e-4", "-12.24"];
        assert_eq!(numbers.map(number), shown);
    }

    #[test]
    fn an_axis_has_two_labels_or_more() {
        for (low, high) in [(3.5, 3.66), (1.0, 1.001), (-2.9, 0.7), (0.0, 0.0), (1e9, 1.1e9)] {
            let labels = Scale::around([low, high].into_iter(), false, 0.1).unwrap().ticks(3);
            assert!((2..=4).contains(&labels.len()), "{low} {high}: {labels:?}");
        }
        for (low, high) in [(1.0, 1.0), (1e-12, 1e12), (0.02, 30.0)] {
            let labels = Scale::around([low, high].into_iter(), true, 0.1).unwrap().ticks(3);
            assert!((2..=4).contains(&labels.len()), "{low} {high}: {labels:?}");
        }
    }

    proptest! {
        #[test]
        fn any_points_have_a_window_with_ticks_inside(
            points in prop::collection::vec(prop_oneof![any::<f32>(), -1e3f32..1e3, Just(7.0)], 0..12),
        ) {
            let points = &points[..points.len() / 2 * 2];
            if let Some(window) = Window::around(points) {
                prop_assert!(window.is_sound(), "{window:?}");
                for [low, high] in [window.x, window.y] {
                    let ticks = Scale::linear([low, high]).ticks(6);
                    prop_assert!(ticks.len() <= 8, "{low} {high}: {ticks:?}");
                    let slack = (high - low) * 1e-9;
                    prop_assert!(ticks.iter().all(|(at, _)| (low - slack..=high + slack).contains(at)), "{ticks:?}");
                }
            }
        }
    }
}
