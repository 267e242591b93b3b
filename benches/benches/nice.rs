//! `nice_mnist_train_b128`: the paper's NICE on MNIST's dimensions, one training step.

use autograd::parallel;
use benches::{rng, train_step, uniform};
use criterion::{Criterion, criterion_group, criterion_main};
use flows::Module;
use flows::models::{Nice, NiceConfig};
use flows::nn::{Adam, AdamConfig};

fn nice(criterion: &mut Criterion) {
    let mut rng = rng();
    let flow = Nice::build::<f32>(&NiceConfig::mnist(), &mut rng);
    let batch = uniform(&[128, 784], &mut rng);
    for (name, shards) in [("nice_mnist_train_b128", 1), ("nice_mnist_train_b128_batch_split", 2)] {
        let mut adam = Adam::new(flow.params(), AdamConfig::default());
        parallel::with_threads(parallel::available(), || {
            criterion.bench_function(name, |b| b.iter(|| train_step(&flow, &mut adam, &batch, shards)));
        });
    }
}

criterion_group! { name = benches; config = Criterion::default().sample_size(15); targets = nice }
criterion_main!(benches);
