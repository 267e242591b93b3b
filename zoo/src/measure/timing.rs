//! How long things take, for people to compare: never for tests.

use std::time::Instant;

/// A call is repeated for about so many seconds.
const ENOUGH: f64 = 0.5;
/// And at most so often.
const MOST: usize = 200;

/// The median of the seconds that a call takes, of at least so many calls. Where one is enough, calls that take
/// long are made once or twice.
pub fn median_seconds(fewest: usize, mut call: impl FnMut()) -> f64 {
    let mut timed = || {
        let began = Instant::now();
        call();
        began.elapsed().as_secs_f64()
    };
    let first = timed();
    let mut seconds = vec![first];
    // The first call finds nothing in place yet: where another can be afforded, it does not count.
    if fewest > 1 || first < 2.0 * ENOUGH {
        seconds.clear();
        while seconds.len() < fewest.max(1) || (seconds.iter().sum::<f64>() < ENOUGH && seconds.len() < MOST) {
            seconds.push(timed());
        }
    }
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Seconds in the unit in which they are easiest to read.
#[must_use]
pub fn describe(seconds: f64) -> String {
    match seconds {
        1.0.. => format!("{seconds:.2} s"),
        1e-3.. => format!("{:.3} ms", 1e3 * seconds),
        _ => format!("{:.2} us", 1e6 * seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn long_calls_are_made_as_often_as_asked_after_one_that_does_not_count() {
        let calls = |fewest, millis| {
            let mut calls = 0;
            let seconds = median_seconds(fewest, || {
                calls += 1;
                // The first call would be the median's better half, if it counted.
                std::thread::sleep(Duration::from_millis(if calls == 1 { 0 } else { millis }));
            });
            assert!(seconds >= 1e-3 * millis as f64, "{seconds}");
            calls
        };
        assert_eq!(calls(1, 520), 2);
        assert_eq!(calls(3, 260), 4);
    }
}
