//! `nice_mnist_train_b128` and its batch split: one training step of the paper's NICE.

use benches::workloads;
use criterion::{Criterion, criterion_group, criterion_main};

fn nice(criterion: &mut Criterion) {
    for workload in &workloads::nice::ALL {
        workload.with(|step| {
            criterion.bench_function(workload.name, |b| b.iter(&mut *step));
        });
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(15); targets = nice }
criterion_main!(benches);
