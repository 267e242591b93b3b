//! Every workload under criterion. `cargo bench -p benches --bench workloads -- nice` runs those with `nice` in their names.

use autograd::pool;
use benches::{with_all_threads, workloads};
use criterion::Criterion;

fn main() {
    for workload in workloads::all() {
        // Criterion wants at least ten samples; more than sixty take long and say no more.
        let samples = workload.repeats.timed.clamp(10, 60);
        let mut criterion = Criterion::default().sample_size(samples).configure_from_args();
        let mut step = None;
        // Criterion calls this once per sample, or never if the name is filtered out.
        criterion.bench_function(workload.name, |bencher| {
            let step = step.get_or_insert_with(workload.prepare);
            with_all_threads(|| bencher.iter(step));
        });
        drop(step);
        pool::release::<f32>();
    }
}
