//! `conv3x3_64_28_b32`: forward, and forward with all gradients.

use benches::{with_all_threads, workloads};
use criterion::{Criterion, criterion_group, criterion_main};

fn conv(criterion: &mut Criterion) {
    for workload in &workloads::conv::ALL {
        let mut step = (workload.prepare)();
        criterion.bench_function(workload.name, |b| with_all_threads(|| b.iter(&mut step)));
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(30); targets = conv }
criterion_main!(benches);
