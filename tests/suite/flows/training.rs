//! A NICE and a RealNVP learn.

use super::{near, rng};
use autograd::{Real, Tensor, Var, sharded};
use flows::check::randomize;
use flows::layers::Rescaling;
use flows::models::{Nice, NiceConfig, Norm, RealNvp, RealNvpConfig, RealNvpImageConfig};
use flows::nn::{Adam, AdamConfig};
use flows::{Bijection, Context, Flow, Mode, Module};
use rand::RngExt;
use rand_distr::StandardNormal;

const BATCH: usize = 128;

/// MAF's banana: x₂ ~ N(0, 4), x₁ ~ N(¼x₂², 1).
fn banana<T: Real>(count: usize, seed: u64) -> Tensor<T> {
    let mut rng = rng(seed);
    let mut rows = Vec::new();
    for _ in 0..count {
        let [a, b] = [(); 2].map(|()| rng.sample::<f64, _>(StandardNormal));
        let x2 = 2.0 * b;
        rows.extend([T::from_f64(0.25 * x2 * x2 + a), T::from_f64(x2)]);
    }
    Tensor::from_slice([count, 2], &rows)
}

fn model<T: Real>() -> Flow<T> {
    Nice::build(&NiceConfig { dims: 2, couplings: 4, hidden: 32, depth: 2, condition: 0 }, &mut rng(0))
}

fn train<T: Real>(flow: &Flow<T>, steps: u64, shards: usize) {
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    for step in 0..steps {
        let batch = banana::<T>(BATCH, 1000 + step);
        let evaluated =
            sharded(BATCH, shards, |tape, rows| flow.loss(&tape.constant(batch.rows(rows)), Context::default()));
        adam.step(&evaluated.gradients, 2e-3);
    }
}

fn mean_log_prob<T: Real>(flow: &Flow<T>, test: &Tensor<T>) -> f64 {
    let log_prob = flow.log_prob_of(test).unwrap();
    log_prob.as_slice().iter().map(|p| p.to_f64()).sum::<f64>() / test.shape()[0] as f64
}

/// Trains a flow on the banana, and holds what it has learned against what there is to learn.
fn learns_a_banana(flow: &Flow<f32>, steps: u64, short_of_best: f64) {
    let test = banana::<f32>(2000, 7);
    let before = mean_log_prob(flow, &test);
    train(flow, steps, 1);
    let after = mean_log_prob(flow, &test);
    // The entropy: that of two normals, of deviations 2 and 1, as the shear keeps volumes.
    let best = -(2.0 * std::f64::consts::PI * std::f64::consts::E).ln() - 2.0f64.ln();
    assert!(after > before + 0.5, "from {before} to {after} nats, of at most {best}");
    assert!(after > best - short_of_best, "from {before} to {after} nats, of at most {best}");
    // No density beats the true one by more than chance: 2000 rows know it to 1/√2000 nats.
    assert!(after < best + 0.1, "{after} nats are more than there are, {best}");
}

#[test]
fn a_nice_learns_a_banana() {
    learns_a_banana(&model::<f32>(), 400, 0.25);
}

#[test]
fn a_real_nvp_learns_a_banana() {
    let config = |norm| RealNvpConfig { dims: 2, couplings: 4, hidden: 32, depth: 2, norm, condition: 0 };
    for norm in [Norm::None, Norm::Act] {
        let flow = RealNvp::build(&config(norm), &mut rng(0));
        flow.initialize(&Var::from(banana::<f32>(BATCH, 1)), Context::default());
        learns_a_banana(&flow, 400, 0.15);
    }
}

#[test]
fn a_real_nvp_with_batch_normalization_learns_a_banana() {
    let config = RealNvpConfig { dims: 2, couplings: 4, hidden: 32, depth: 2, norm: Norm::Batch, condition: 0 };
    let flow: Flow<f32> = RealNvp::build(&config, &mut rng(0));
    let training = || Context { mode: Mode::Train, ..Context::default() };
    let mut adam = Adam::new(flow.params(), AdamConfig::default());
    for step in 0..400 {
        let batch = banana(BATCH, 1000 + step);
        let evaluated = sharded(BATCH, 1, |tape, rows| flow.loss(&tape.constant(batch.rows(rows)), training()));
        adam.step(&evaluated.gradients, 2e-3);
    }
    // Without its statistics a trained model is of no use; with those of enough batches it is.
    let test = banana::<f32>(2000, 7);
    flow.calibrate((0..20).map(|i| (Var::from(banana(BATCH, 500 + i)), training())));
    let (after, best) = (mean_log_prob(&flow, &test), -(2.0 * std::f64::consts::PI).ln() - 1.0 - 2.0f64.ln());
    assert!(after > best - 0.2, "{after} nats, of at most {best}");
    assert!(after < best + 0.1, "{after} nats are more than there are, {best}");
}

#[test]
fn shards_change_a_step_over_images_by_rounding_alone() {
    const ROWS: usize = 6;
    let config = RealNvpImageConfig {
        image: [1, 4, 4],
        squeezes: 1,
        squeeze_first: false,
        couplings: 3,
        last: 4,
        channels: 5,
        widening: 2,
        blocks: 1,
        weight_norm: true,
        norm: Norm::Act,
        logit: Some(0.05),
        condition: 3,
    };
    let flow: Flow<f64> = RealNvp::build_for_images(&config, &mut rng(0));
    let pixels = super::uniform(&[ROWS, 16], 0.0, 1.0, &mut rng(1));
    let classes = Tensor::from_fn([ROWS, 3], |i| f64::from(u8::from(i / 3 % 3 == i % 3)));
    flow.initialize(&Var::from(pixels.clone()), Context::default().given(&Var::from(classes.clone())));
    randomize(&flow, 0.1, &mut rng(2));
    let step = |shards: usize| {
        sharded(ROWS, shards, |tape, rows| {
            let condition = tape.constant(classes.rows(rows.clone()));
            let context = Context { condition: Some(&condition), mode: Mode::Train, ..Context::default() };
            flow.loss(&tape.constant(pixels.rows(rows)), context)
        })
    };
    let whole = step(1);
    for shards in [2, 4] {
        let split = step(shards);
        near(split.loss, whole.loss, 1e-12);
        for (path, param) in flow.params().iter().filter(|(_, param)| param.is_trainable()) {
            let (split, whole) = (split.gradients.of(param).unwrap(), whole.gradients.of(param).unwrap());
            autograd::check::assert_close(path, split, whole, 1e-12);
            assert!(whole.as_slice().iter().any(|g| *g != 0.0), "{path} has no part in the loss");
        }
    }
}

#[test]
fn shards_change_a_training_by_rounding_alone() {
    let (whole, split) = (model::<f64>(), model::<f64>());
    train(&whole, 60, 1);
    train(&split, 60, 2);
    let start = model::<f64>().params();
    let params = whole.params().into_iter().zip(split.params()).zip(start);
    for (((path, a), (_, b)), (_, start)) in params {
        let (a, b, start) = (a.value(), b.value(), start.value());
        assert!(autograd::check::max_error(&a, &b) < 1e-8, "{path}");
        assert!(autograd::check::max_error(&a, &start) > 1e-3, "{path} was not trained");
    }
    let test = banana::<f64>(500, 7);
    near(mean_log_prob(&whole, &test), mean_log_prob(&split, &test), 1e-8);
}

#[test]
fn a_rescaling_starts_from_data_at_unit_deviations() {
    // The second dimension never varies: its scale has nothing to start from.
    let x = Tensor::<f64>::from_slice([4, 3], &[1.0, 5.0, -300.0, 3.0, 5.0, 100.0, 5.0, 5.0, 100.0, 7.0, 5.0, 500.0]);
    let layer = Rescaling::new(3);
    let z = layer.initialize(&Var::from(x.clone()), Context::default());
    let mapped = layer.to_latent(&Var::from(x), Context::default());
    assert_eq!(super::bits(z.value()), super::bits(mapped.value.value()));
    let deviation = |column: usize| {
        let values: Vec<f64> = (0..4).map(|row| z.value().as_slice()[3 * row + column]).collect();
        let mean = values.iter().sum::<f64>() / 4.0;
        (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 4.0).sqrt()
    };
    near(deviation(0), 1.0, 1e-12);
    near(deviation(2), 1.0, 1e-12);
    assert_eq!(z.value().as_slice()[1], 5.0);
}

#[test]
fn a_flow_starts_from_data_layer_by_layer() {
    // Each layer must see what those before it make of the data; here the last is the one that starts.
    let (flow, x) = (model::<f64>(), Var::from(banana::<f64>(300, 2)));
    let z = flow.bijection().initialize(&x, Context::default()).into_value();
    assert_eq!(super::bits(&z), super::bits(&flow.encode(x.value()).unwrap()));
    let variance = |column: usize| {
        let values = || (0..300).map(|row| z.as_slice()[2 * row + column]);
        let mean = values().sum::<f64>() / 300.0;
        values().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 300.0
    };
    near(variance(0), 1.0, 1e-9);
    near(variance(1), 1.0, 1e-9);
}
