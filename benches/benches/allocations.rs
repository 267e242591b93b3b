//! Counts the allocations of each workload, run by run, after the first run.
//!
//! Tensors come from a pool. If the last run still makes new tensors, this exits with 1. Other allocations are shown
//! as well. In a NICE step nearly all of their bytes are packing buffers, which the `gemm` crate allocates in every
//! product; the rest are the tape's own lists.
//!
//! `cargo bench -p benches --bench allocations [-- NAME …]` runs only workloads whose names contain a NAME.

use autograd::pool;
use benches::{Workload, with_all_threads, workloads};
use heapster::{Heapster, Histogram, Stats};
use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static HEAP: Heapster<System> = Heapster::new(System);

/// Allocations of at least 1 KiB count as large as a tensor.
const LARGE_LOG2: usize = 10;

/// Runs that are counted, after the first.
const RUNS: usize = 4;

/// The allocations of one run.
struct Run {
    /// New tensors: buffers that the pool had to allocate.
    fresh: u64,
    /// All allocations.
    stats: Stats,
}

impl Run {
    fn of(step: &mut dyn FnMut()) -> Self {
        let before = pool::fresh_buffers::<f32>() + pool::fresh_buffers::<f64>();
        let ((), stats) = HEAP.measure(step);
        let fresh = pool::fresh_buffers::<f32>() + pool::fresh_buffers::<f64>() - before;
        Self { fresh, stats }
    }

    /// Large allocations, and reallocations that grew by that much, counted by the size's power of two.
    fn large(&self) -> impl Iterator<Item = (usize, u64)> {
        let sizes = |histogram: &Histogram| *histogram.buckets();
        let (new, grown) = (sizes(&self.stats.alloc_histogram), sizes(&self.stats.realloc_growth_histogram));
        let counts = new.into_iter().zip(grown).map(|(new, grown)| new + grown);
        counts.enumerate().skip(LARGE_LOG2).filter(|&(_, count)| count > 0)
    }

    fn is_settled(&self) -> bool {
        self.fresh == 0
    }

    fn report(&self) -> String {
        let Stats { alloc_count, realloc_growth_count, total_alloc_sum, .. } = self.stats;
        let large: u64 = self.large().map(|(_, count)| count).sum();
        let sizes: Vec<_> = self.large().map(|(log2, count)| format!("{count} × 2^{log2}")).collect();
        let detail = if large == 0 { String::new() } else { format!(" ({} B)", sizes.join(", ")) };
        format!(
            "{} new tensors; {large} allocations of at least {} B{detail}; {} in all, {total_alloc_sum} B",
            self.fresh,
            1 << LARGE_LOG2,
            alloc_count + realloc_growth_count,
        )
    }
}

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |workload: &&Workload| names.is_empty() || names.iter().any(|name| workload.name.contains(name));
    let mut unsettled = Vec::new();
    for workload in workloads::all().filter(is_wanted) {
        let mut step = (workload.prepare)();
        let runs: Vec<Run> = with_all_threads(|| {
            step();
            (0..RUNS).map(|_| Run::of(&mut step)).collect()
        });
        println!("{}", workload.name);
        for (i, run) in runs.iter().enumerate() {
            println!("  run {}: {}", i + 2, run.report());
        }
        // Earlier runs may still allocate: how far two shards overlap varies, and with it how many buffers they need.
        if !runs.last().is_some_and(Run::is_settled) {
            unsettled.push(workload.name);
        }
        drop(step);
        pool::release::<f32>();
    }
    if unsettled.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("made new tensors after the first run: {}", unsettled.join(", "));
    ExitCode::FAILURE
}
