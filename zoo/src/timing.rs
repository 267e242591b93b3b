//! How long things take, for people to compare: never for tests.

use std::time::Instant;

/// A call is repeated for about so many seconds.
const ENOUGH: f64 = 0.5;
/// And at most so often.
const MOST: usize = 200;

/// The median of the seconds that a call takes. Calls that take long are made once or twice.
pub fn median_seconds(mut call: impl FnMut()) -> f64 {
    let mut timed = || {
        let began = Instant::now();
        call();
        began.elapsed().as_secs_f64()
    };
    let first = timed();
    let mut seconds = vec![first];
    // The first call finds nothing in place yet: where another can be afforded, it does not count.
    if first < 2.0 * ENOUGH {
        seconds.clear();
        while seconds.is_empty() || (seconds.iter().sum::<f64>() < ENOUGH && seconds.len() < MOST) {
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
