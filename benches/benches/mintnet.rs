//! `mintnet_mnist_train_b32` and `mintnet_mnist_sample_32`.

use benches::{with_all_threads, workloads};
use criterion::{Criterion, criterion_group, criterion_main};

fn mintnet(criterion: &mut Criterion) {
    for workload in &workloads::mintnet::ALL {
        let mut step = (workload.prepare)();
        criterion.bench_function(workload.name, |b| with_all_threads(|| b.iter(&mut step)));
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = mintnet }
criterion_main!(benches);
