//! Timings, for people to compare. No test depends on them.

use crate::runs::interrupt;
use std::time::Instant;

/// A call is repeated for about this many seconds.
const ENOUGH: f64 = 0.5;
/// The most repetitions of a call.
const MOST: usize = 200;

/// The median time of a call, in seconds, over at least `fewest` calls. If `fewest` is 1, a slow call is made only once
/// or twice.
pub fn median_seconds(fewest: usize, mut call: impl FnMut()) -> f64 {
    let mut timed = || {
        let began = Instant::now();
        call();
        began.elapsed().as_secs_f64()
    };
    let first = timed();
    let mut seconds = vec![first];
    // The first call is a warm-up, unless another one would take too long.
    if fewest > 1 || first < 2.0 * ENOUGH {
        seconds.clear();
        let enough = |seconds: &[f64]| {
            seconds.len() >= fewest.max(1) && (seconds.iter().sum::<f64>() >= ENOUGH || seconds.len() >= MOST)
        };
        while seconds.is_empty() || !(enough(&seconds) || interrupt::requested()) {
            seconds.push(timed());
        }
    }
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// A time in s, ms or µs, whichever reads best.
pub fn describe(seconds: f64) -> String {
    match seconds {
        1.0.. => format!("{seconds:.2} s"),
        1e-3.. => format!("{:.3} ms", 1e3 * seconds),
        _ => format!("{:.2} us", 1e6 * seconds),
    }
}

/// A positive value with three significant digits, but at most four decimals.
pub fn three_digits(value: f64) -> String {
    let decimals = 2i32.saturating_sub(value.log10().floor() as i32).clamp(0, 4) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn slow_calls_are_repeated_as_often_as_asked_after_a_warm_up() {
        let calls = |fewest, millis| {
            let mut calls = 0;
            let seconds = median_seconds(fewest, || {
                calls += 1;
                // If the first call counted, it would lower the median.
                std::thread::sleep(Duration::from_millis(if calls == 1 { 0 } else { millis }));
            });
            assert!(seconds >= 1e-3 * millis as f64, "{seconds}");
            calls
        };
        assert_eq!(calls(1, 520), 2);
        assert_eq!(calls(3, 260), 4);
    }
}
