//! `realnvp_2d_train_b256`, `realnvp_mnist_train_b32` and `realnvp_mnist_sample_1000`.

use benches::{with_all_threads, workloads};
use criterion::{Criterion, criterion_group, criterion_main};

fn realnvp(criterion: &mut Criterion) {
    for workload in &workloads::realnvp::ALL {
        let mut step = (workload.prepare)();
        criterion.bench_function(workload.name, |b| with_all_threads(|| b.iter(&mut step)));
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = realnvp }
criterion_main!(benches);
