//! `conv3x3_64_28_b32`: forward, and forward with all gradients.

use benches::workloads;
use criterion::{Criterion, criterion_group, criterion_main};

fn conv(criterion: &mut Criterion) {
    for workload in &workloads::conv::ALL {
        workload.with(|step| {
            criterion.bench_function(workload.name, |b| b.iter(&mut *step));
        });
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(30); targets = conv }
criterion_main!(benches);
