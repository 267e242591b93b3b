//! `map_{exp,tanh,erf,sigmoid,softplus}_1m`: elementwise functions of a million numbers.

use benches::{with_all_threads, workloads};
use criterion::{Criterion, criterion_group, criterion_main};

fn map(criterion: &mut Criterion) {
    for workload in &workloads::map::ALL {
        let mut step = (workload.prepare)();
        criterion.bench_function(workload.name, |b| with_all_threads(|| b.iter(&mut step)));
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(60); targets = map }
criterion_main!(benches);
