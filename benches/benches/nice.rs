//! `nice_mnist_train_b128` and its batch split: one training step of the paper's NICE.

use benches::{with_all_threads, workloads};
use criterion::{Criterion, criterion_group, criterion_main};

fn nice(criterion: &mut Criterion) {
    for workload in &workloads::nice::ALL {
        let mut step = (workload.prepare)();
        criterion.bench_function(workload.name, |b| with_all_threads(|| b.iter(&mut step)));
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(15); targets = nice }
criterion_main!(benches);
