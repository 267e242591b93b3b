//! A Gaussianization flow on MNIST's dimensions: a training step, and samples.

use super::{normal, rng, train_step};
use crate::{Peer, Repeats, Step, Workload};
use autograd::{Param, Real, Tensor, Var};
use flows::layers::KernelMarginal;
use flows::nn::{Adam, AdamConfig};
use flows::{Bijection, Chain, Context, Flow, Mapped, Module, StandardNormal, Visitor};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

/// Five layers of 100 kernels in each of 784 dimensions, each followed by a rotation; batch 500. The kernels are
/// started from data with two modes.
pub static ALL: [Workload; 2] = [
    Workload {
        name: "gaussianization_train_b500",
        flops: None,
        repeats: Repeats { warm: 1, timed: 7 },
        peers: &[Peer::torch("torch", "torch_gaussianization.py")],
        prepare: train,
    },
    Workload {
        name: "gaussianization_sample_100",
        flops: None,
        repeats: Repeats { warm: 1, timed: 5 },
        peers: &[Peer::torch("torch", "torch_gaussianization.py")],
        prepare: sample,
    },
];

const DIMS: usize = 784;
const LAYERS: usize = 5;
const KERNELS: usize = 100;
const BATCH: usize = 500;
const SAMPLES: usize = 100;

/// A product with an orthogonal matrix, whose gradient costs what that of a learned rotation does.
#[derive(Debug)]
struct Rotation<T: Real>(Param<T>);

impl Rotation<f32> {
    /// At random: Gram and Schmidt's way through normal rows.
    fn random(rng: &mut ChaCha8Rng) -> Self {
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(DIMS);
        for row in normal(&[DIMS, DIMS], 1.0, rng).as_slice().chunks_exact(DIMS) {
            let mut row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
            for other in &rows {
                let along: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
            }
            let length = row.iter().map(|a| a * a).sum::<f64>().sqrt();
            row.iter_mut().for_each(|a| *a /= length);
            rows.push(row);
        }
        Self(Param::new(Tensor::from_fn([DIMS, DIMS], |i| rows[i / DIMS][i % DIMS] as f32)))
    }
}

impl<T: Real> Bijection<T> for Rotation<T> {
    fn to_latent(&self, x: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::volume_preserving(x.matmul_t(&self.0.on(x)))
    }

    fn to_data(&self, z: &Var<T>, _cx: Context<'_, T>) -> Mapped<T> {
        Mapped::volume_preserving(z.matmul(&self.0.on(z)))
    }
}

impl<T: Real> Module<T> for Rotation<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.param("matrix", &self.0);
    }
}

/// Each number −1.5 or 1.5, with a deviation of 0.5 around it.
fn data(rng: &mut ChaCha8Rng) -> Tensor<f32> {
    let (middle, side) = (normal(&[BATCH, DIMS], 0.5, rng), normal(&[BATCH, DIMS], 1.0, rng));
    Tensor::from_fn([BATCH, DIMS], |i| middle.as_slice()[i] + 1.5f32.copysign(side.as_slice()[i]))
}

fn flow(rng: &mut ChaCha8Rng, batch: &Tensor<f32>) -> Flow<f32> {
    let layers = (0..LAYERS).flat_map(|_| {
        let marginal: Box<dyn Bijection<f32>> = Box::new(KernelMarginal::new(DIMS, KERNELS));
        [marginal, Box::new(Rotation::random(rng))]
    });
    let flow = Flow::new(Chain::new(layers.collect()), StandardNormal, [DIMS]);
    flow.bijection().initialise(&Var::from(batch.clone()), Context::default());
    flow
}

fn train() -> Step {
    let mut rng = rng();
    let batch = data(&mut rng);
    let flow = flow(&mut rng, &batch);
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    Box::new(move || train_step(&flow, &mut adam, &batch, 1))
}

/// Samples, and their way back: where it ends more than 1e-3 from where they came from, that is said.
fn sample() -> Step {
    let mut rng = rng();
    let batch = data(&mut rng);
    let flow = flow(&mut rng, &batch);
    let z = Var::from(normal(&[SAMPLES, DIMS], 1.0, &mut rng));
    let x = flow.bijection().to_data(&z, Context::default()).value;
    let back = flow.bijection().to_latent(&x, Context::default()).value.into_value();
    let pairs = back.as_slice().iter().zip(z.value().as_slice());
    let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    eprintln!("gaussianization_sample_100: z → x → z within {error:.1e}");
    Box::new(move || {
        black_box(flow.sample(SAMPLES, Context::default(), 1.0, &mut rng));
    })
}
