//! `maf_mnist_train_b100`, `maf_mnist_sample_100` and `iaf_mnist_density_100`.

use benches::{with_all_threads, workloads};
use criterion::{Criterion, criterion_group, criterion_main};

fn maf(criterion: &mut Criterion) {
    for workload in &workloads::maf::ALL {
        let mut step = (workload.prepare)();
        criterion.bench_function(workload.name, |b| with_all_threads(|| b.iter(&mut step)));
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = maf }
criterion_main!(benches);
