//! `gemm_peak_1024`, `linear1000_relu_b128_fwdbwd`, and `linear_` beside `stairs_784_1024_b100_fwdbwd`.

use benches::{with_all_threads, workloads};
use criterion::{Criterion, criterion_group, criterion_main};

fn dense(criterion: &mut Criterion) {
    for workload in &workloads::dense::ALL {
        let mut step = (workload.prepare)();
        criterion.bench_function(workload.name, |b| with_all_threads(|| b.iter(&mut step)));
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(60); targets = dense }
criterion_main!(benches);
