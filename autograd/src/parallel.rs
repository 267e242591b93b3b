//! Threads: how many an operation may use, and how its elements are split over them.
//!
//! A large operation splits its *output* into disjoint pieces, one per thread. No sum is computed in
//! another order, so results are the same for any number of threads. Where operations are small,
//! [`crate::sharded`] splits the batch instead, once a step.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::LocalKey;

thread_local! {
    /// How many threads the operations run from this thread may use.
    static BUDGET: Cell<usize> = const { Cell::new(1) };
    /// Whether products may be computed in half precision.
    static HALF: Cell<bool> = const { Cell::new(false) };
}

/// Fewer elements than this are not worth another thread's wake-up.
pub(crate) const GRAIN: usize = 1 << 15;

/// Pieces of a split start at multiples of this many elements: whole cache lines.
pub(crate) const UNIT: usize = 16;

/// Fewer multiply-adds than this are not worth another thread's wake-up.
const WORK_GRAIN: usize = 1 << 18;

/// How many threads an operation run here may use: 1 unless inside [`with_threads`].
pub fn threads() -> usize {
    BUDGET.get()
}

/// The number of cores this process may use.
pub fn available() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `work` on a pool of `threads` threads: the operations inside it may use them all.
///
/// Pools are kept for the life of the program, one for each number of threads asked for.
///
/// # Panics
/// If the threads cannot be started.
pub fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let threads = threads.max(1);
    if threads == 1 {
        return with_budget(1, work);
    }
    let half = is_half();
    pool(threads).install(|| with_setting(&HALF, half, || with_budget(threads, work)))
}

fn pool(threads: usize) -> Arc<ThreadPool> {
    static POOLS: OnceLock<Mutex<HashMap<usize, Arc<ThreadPool>>>> = OnceLock::new();
    let mut pools = POOLS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let made = pools.entry(threads).or_insert_with(|| {
        let built = ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("worker-{i}")).build();
        Arc::new(built.expect("the operating system starts worker threads"))
    });
    Arc::clone(made)
}

/// Runs `work` with another budget on this thread, and puts the old one back however it ends.
pub(crate) fn with_budget<R>(threads: usize, work: impl FnOnce() -> R) -> R {
    with_setting(&BUDGET, threads, work)
}

/// Runs `work` with another value of one of this thread's settings, and puts the old one back however it ends.
fn with_setting<X: Copy, R>(setting: &'static LocalKey<Cell<X>>, value: X, work: impl FnOnce() -> R) -> R {
    struct Restore<X: Copy + 'static>(&'static LocalKey<Cell<X>>, X);
    impl<X: Copy> Drop for Restore<X> {
        fn drop(&mut self) {
            self.0.set(self.1);
        }
    }
    let _restore = Restore(setting, setting.replace(value));
    work()
}

/// Runs `work` with products of matrices and convolutions of `f32` in half precision, where the machine has units for
/// it: both factors are rounded to bfloat16, the sums are in `f32`. It is for training steps, and several times as fast.
pub fn in_half_precision<R>(work: impl FnOnce() -> R) -> R {
    with_setting(&HALF, true, work)
}

/// Whether this machine has units for [`in_half_precision`]: without them it changes nothing.
pub fn has_half_precision() -> bool {
    crate::kernels::half::is_available()
}

/// Whether `in_half_precision` is in force here.
pub(crate) fn is_half() -> bool {
    HALF.get()
}

/// Calls `fill(start, piece)` on disjoint pieces of `out` that cover it, in parallel where it is long enough.
/// Every piece but the last has a multiple of `unit` elements.
pub(crate) fn split<T: Send>(out: &mut [T], unit: usize, fill: &(impl Fn(usize, &mut [T]) + Sync)) {
    let pieces = threads().min(out.len() / GRAIN).max(1);
    side_by_side(out, out.len().div_ceil(pieces).next_multiple_of(unit.max(1)), fill);
}

/// Calls `fill(start, piece)` on consecutive pieces of `per` elements, in parallel.
pub fn side_by_side<T: Send>(out: &mut [T], per: usize, fill: &(impl Fn(usize, &mut [T]) + Sync)) {
    if threads() <= 1 || per == 0 || per >= out.len() {
        return fill(0, out);
    }
    share_out(threads(), out.chunks_mut(per).enumerate(), &|(i, piece): (usize, &mut [T])| fill(i * per, piece));
}

/// How many of `threads` threads are worth waking for this many multiply-adds.
pub fn worthwhile(threads: usize, work: usize) -> usize {
    if work < 2 * WORK_GRAIN { 1 } else { threads.min(work / WORK_GRAIN).max(1) }
}

/// Runs `work` on every job, in order, on up to `threads` threads: whichever is free takes the next.
/// Jobs of unequal size are balanced best if the large ones come first.
pub fn share_out<J: Send>(threads: usize, jobs: impl Iterator<Item = J> + Send, work: &(impl Fn(J) + Sync)) {
    let threads = jobs.size_hint().1.map_or(threads, |most| threads.min(most));
    if threads <= 1 {
        return jobs.for_each(work);
    }
    let jobs = Mutex::new(jobs);
    // The lock is let go before the work: a `while let` would hold it.
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
    let half = is_half();
    at_once(threads, &|| with_setting(&HALF, half, || with_budget(1, || std::iter::from_fn(next).for_each(work))));
}

/// Calls `worker` this many times, in parallel.
fn at_once(times: usize, worker: &(impl Fn() + Sync)) {
    if times <= 1 {
        return worker();
    }
    // A thread that waits here may take up other work meanwhile: that work sets a budget of its own.
    rayon::join(|| at_once(times / 2, worker), || at_once(times - times / 2, worker));
}

#[cfg(test)]
mod tests {
    use super::{share_out, split, with_threads};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_job_is_done_once() {
        for threads in [1, 2, 3] {
            for count in [0, 1, 2, 100] {
                let done: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                with_threads(threads, || {
                    share_out(threads, done.iter(), &|job| {
                        job.fetch_add(1, Ordering::Relaxed);
                    });
                });
                assert!(done.iter().all(|job| job.load(Ordering::Relaxed) == 1), "{threads} threads, {count} jobs");
            }
        }
    }

    #[test]
    fn pieces_cover_everything_once() {
        for threads in [1, 2, 3] {
            for len in [0, 5, 100_003, 1 << 18] {
                let mut out = vec![0usize; len];
                with_threads(threads, || {
                    split(&mut out, 16, &|start, piece| {
                        for (i, x) in piece.iter_mut().enumerate() {
                            *x += start + i + 1;
                        }
                    });
                });
                assert!(out.iter().enumerate().all(|(i, &x)| x == i + 1), "{threads} threads, {len} elements");
            }
        }
    }
}
