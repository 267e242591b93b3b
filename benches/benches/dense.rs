//! `gemm_peak_1024` and `linear1000_relu_b128_fwdbwd`.

use benches::workloads;
use criterion::{Criterion, criterion_group, criterion_main};

fn dense(criterion: &mut Criterion) {
    for workload in &workloads::dense::ALL {
        workload.with(|step| {
            criterion.bench_function(workload.name, |b| b.iter(&mut *step));
        });
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(60); targets = dense }
criterion_main!(benches);
