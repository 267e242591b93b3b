//! Counts what each workload asks the system's allocator for, run by run, after the first.
//!
//! Tensors come from a pool: from the second run on there must be no new ones. What is left are
//! records and tasks. Fails where a run makes a tensor, or anything of that size.
//!
//! `cargo bench -p benches --bench allocations [-- NAME …]` looks at the workloads whose names
//! contain one of the given ones.

use autograd::pool;
use benches::{Workload, workloads};
use heapster::{Heapster, Stats};
use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static HEAP: Heapster<System> = Heapster::new(System);

/// Anything as large could be a tensor.
const TENSOR: usize = 1 << 10;

const RUNS: usize = 4;

/// What one run allocated.
struct Run {
    stats: Stats,
    fresh: u64,
}

impl Run {
    fn of(step: &mut dyn FnMut()) -> Self {
        let before = pool::fresh_buffers::<f32>();
        let ((), stats) = HEAP.measure(step);
        Self { stats, fresh: pool::fresh_buffers::<f32>() - before }
    }

    fn large(&self) -> u64 {
        let counts = |h: &heapster::Histogram| h.buckets()[TENSOR.ilog2() as usize..].iter().sum::<u64>();
        counts(&self.stats.alloc_histogram) + counts(&self.stats.realloc_growth_histogram)
    }
}

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |workload: &&Workload| wanted.is_empty() || wanted.iter().any(|name| workload.name.contains(name));
    let mut settled = true;
    for workload in workloads::all().filter(is_wanted) {
        let runs: Vec<Run> = workload.with(|step| {
            step();
            (0..RUNS).map(|_| Run::of(step)).collect()
        });
        println!("{}", workload.name);
        for (i, run) in runs.iter().enumerate() {
            let Run { stats, fresh } = run;
            println!(
                "  run {}: {} new tensors, {} allocations of at least {TENSOR} B, {} in all of {} B",
                i + 2,
                fresh,
                run.large(),
                stats.alloc_count + stats.realloc_growth_count,
                stats.total_alloc_sum,
            );
            for (k, n) in stats.alloc_histogram.buckets().iter().enumerate().filter(|(_, n)| **n > 0) {
                println!("      2^{k}: {n}");
            }
            for (k, n) in stats.realloc_growth_histogram.buckets().iter().enumerate().filter(|(_, n)| **n > 0) {
                println!("      grow 2^{k}: {n}");
            }
        }
        settled &= runs.iter().all(|run| run.fresh == 0 && run.large() == 0);
    }
    if settled { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
