//! `gaussianization_train_b500` and `gaussianization_sample_100`.

use benches::{with_all_threads, workloads};
use criterion::{Criterion, criterion_group, criterion_main};

fn gaussianization(criterion: &mut Criterion) {
    for workload in &workloads::gaussianization::ALL {
        let mut step = (workload.prepare)();
        criterion.bench_function(workload.name, |b| with_all_threads(|| b.iter(&mut step)));
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = gaussianization }
criterion_main!(benches);
