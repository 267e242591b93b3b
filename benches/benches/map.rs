//! `map_{exp,tanh,erf,sigmoid,softplus}_1m`: elementwise functions of a million numbers.

use benches::workloads;
use criterion::{Criterion, criterion_group, criterion_main};

fn map(criterion: &mut Criterion) {
    for workload in &workloads::map::ALL {
        workload.with(|step| {
            criterion.bench_function(workload.name, |b| b.iter(&mut *step));
        });
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(60); targets = map }
criterion_main!(benches);
